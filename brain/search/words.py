"""Text -> the words by which it is found: folded in case and accents, Chinese and Japanese in pairs.

Pure. The index and a query are cut by the same rule, so no stemmer has to guess a language.
"""

import re
import unicodedata
from typing import NamedTuple

MAX_QUERY_CHARS = 200
MAX_QUERY_WORDS = 8
MAX_WORD_CHARS = 40
MIN_PREFIX_CHARS = 2
"""A shorter last word is looked for as it is: its prefix would match half of the index."""

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿豈-﫿]+")


class Query(NamedTuple):
    """What is looked for: all of it must be found."""

    words: list[str]
    tags: list[str]
    """Exact hashtags, asked for with `#`."""
    is_open: bool
    """The last word may go on: it was typed without a space behind it."""


def fold(text: str) -> str:
    """The text without case and accents (NFKD without combining marks)."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    found: list[str] = []
    for word in _WORD.findall(fold(text)):
        last = 0
        for run in _UNSPACED.finditer(word):
            found += filter(None, (word[last : run.start()][:MAX_WORD_CHARS],))
            found += _pairs(run.group())
            last = run.end()
        found += filter(None, (word[last:][:MAX_WORD_CHARS],))
    return found


def parse(text: str) -> Query:
    """A viewer's query; what is beyond the limits is left out."""
    wanted: list[str] = []
    tags: list[str] = []
    is_open = False
    for part in text[:MAX_QUERY_CHARS].split():
        cut = words(part)
        is_open = bool(cut) and not part.startswith("#") and text.endswith(part)
        if part.startswith("#"):
            tags += ["".join(cut)] if cut else []
        else:
            wanted += cut
    is_open = is_open and len(wanted) <= MAX_QUERY_WORDS
    return Query(wanted[:MAX_QUERY_WORDS], tags[:MAX_QUERY_WORDS], is_open)


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
