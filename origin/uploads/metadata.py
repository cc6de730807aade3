"""What a creator says of a video: caption, creator, category, hashtags; normalised, and refused over a limit.

Pure. Both upload ways end here: the fields come from multipart text parts or from tus `Upload-Metadata`.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import InvalidRequest
from shared.ids import check_id

DEFAULT_CREATOR = "anonymous"
DEFAULT_CATEGORY = "other"
MAX_CATEGORY_CHARS = 32
FIELDS = ("caption", "creator", "category", "hashtags")
"""The metadata that we keep; a client may send more (`filename`, `filetype`), which is ignored."""

_IN_CAPTION = re.compile(r"#(\w{1,200})")
_TAG = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How much text one video may carry."""

    caption_chars: int = 2200
    hashtags: int = 20
    hashtag_chars: int = 64


@dataclass(frozen=True, slots=True)
class VideoText:
    """The checked words of one video; hashtags are lower case, unique, in order, without `#`."""

    caption: str
    creator: str
    category: str
    hashtags: tuple[str, ...]


def video_text(fields: Mapping[str, str], limits: TextLimits) -> VideoText:
    """The checked words in `fields`; hashtags inside the caption count too.

    Raises InvalidRequest naming the limit and the actual value, InvalidId for a creator's handle.
    """
    caption = printable(fields.get("caption", "")).strip()
    _within("caption", "characters", limits.caption_chars, len(caption))
    hashtags = _hashtags(fields.get("hashtags", ""), caption, limits)
    creator = check_id(fields.get("creator", "").strip().removeprefix("@") or DEFAULT_CREATOR, "creator")
    category = fields.get("category", "").strip().lower() or DEFAULT_CATEGORY
    check_id(category, "category")
    _within("category", "characters", MAX_CATEGORY_CHARS, len(category))
    return VideoText(caption, creator, category, hashtags)


def printable(text: str) -> str:
    """`text` in Unicode's NFC form, without control characters other than line feed and tab."""
    normal = unicodedata.normalize("NFC", text)
    return "".join(c for c in normal if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


def _hashtags(given: str, caption: str, limits: TextLimits) -> tuple[str, ...]:
    words = [word.lstrip("#") for word in re.split(r"[\s,]+", printable(given))]
    tags = dict.fromkeys(word.lower() for word in (*words, *_IN_CAPTION.findall(caption)) if word)
    _within("hashtags", "hashtags", limits.hashtags, len(tags))
    for tag in tags:
        _within("a hashtag", "characters", limits.hashtag_chars, len(tag))
        if not _TAG.match(tag):
            raise InvalidRequest(f"a hashtag is letters, digits and _, got {tag[:80]!r}")
    return tuple(tags)


def _within(what: str, unit: str, limit: int, actual: int) -> None:
    if actual > limit:
        raise InvalidRequest(
            f"{what}: {actual} {unit} are over the limit of {limit}", limit=limit, actual=actual
        )
