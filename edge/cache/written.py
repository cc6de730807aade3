"""Fields of a stored object as the text that they came in, taken apart when somebody asks for them.

Pure. Many an object leaves before anybody does; until then it is one string instead of a dozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

LINE_END, BEHIND_NAME = "\r\n", ": "


def values_of(text: str) -> list[str]:
    """The values in lines, each of which begins with the line end before it."""
    return [line.partition(BEHIND_NAME)[2] for line in text.split(LINE_END)[1:]]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What the fields of many objects have in common."""

    names: tuple[str, ...]
    """Of all fields."""
    added: tuple[str, ...]
    """Values of the last ones, which are not in the text."""
    n_chars: int
    """Of names and values, less those of a text."""

    @classmethod
    def of(cls, names: tuple[str, ...], added: tuple[str, ...]) -> "Outline":
        """The outline of texts with all but the last names."""
        n_written = len(names) - len(added)
        more = sum(map(len, (*names[n_written:], *added)))
        return cls(names, added, more - n_written * len(LINE_END + BEHIND_NAME))


class Written:
    """Such fields; equal to the pairs that they are."""

    __slots__ = ("_outline", "_text")

    def __init__(self, text: str, outline: Outline) -> None:
        self._text = text
        self._outline = outline

    def __len__(self) -> int:
        return len(self._outline.names)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return zip(self._outline.names, (*values_of(self._text), *self._outline.added), strict=True)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, Written) else other)

    __hash__ = None  # type: ignore[assignment]  # as it changes nothing, nobody needs it for a key

    @property
    def n_chars(self) -> int:
        """Of all names and values."""
        return len(self._text) + self._outline.n_chars
