"""Dictionaries of structured fields (RFC 9651 section 4.2.2): what a targeted Cache-Control is written in.

Pure. Strict, as the specification demands: one character out of place and the whole field counts as absent.
Parameters are checked and dropped, for no directive has any.
"""

import re
from collections.abc import Mapping

Bare = bool | int | float | str | bytes | tuple[object, ...]
"""A member's value: Boolean, Integer, Decimal, String or Token, Byte Sequence, Inner List."""


class Token(str):
    """A token, which is not the string of the same characters."""

    __slots__ = ()


class Malformed(ValueError):
    """Not a dictionary."""


_OWS = re.compile(r"[ \t]*")
_SP = re.compile(r" *")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_NUMBER = re.compile(r"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])")
_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
_BOOLEAN = re.compile(r"\?([01])")
_DATE = re.compile(r"@(-?[0-9]{1,15})(?![0-9.])")


def dictionary(lines: list[str]) -> Mapping[str, Bare]:
    """The members of a dictionary field in the order of their last mention. Raises Malformed."""
    text = ", ".join(lines).strip(" ")
    found: dict[str, Bare] = {}
    place = 0
    while place < len(text):
        key, place = _take(_KEY, text, place)
        value: Bare = True
        if text[place : place + 1] == "=":
            value, place = _member(text, place + 1)
        place = _parameters(text, place)
        found.pop(key, None)
        found[key] = value
        place = _separator(text, place)
    return found


def _separator(text: str, place: int) -> int:
    """Where the next member begins: after a comma that something follows, or at the end."""
    place = _skip(_OWS, text, place)
    if place == len(text):
        return place
    if text[place] != ",":
        raise Malformed("no comma between two members")
    place = _skip(_OWS, text, place + 1)
    if place == len(text):
        raise Malformed("a comma at the end")
    return place


def _member(text: str, place: int) -> tuple[Bare, int]:
    if text[place : place + 1] != "(":
        return _bare(text, place)
    items: list[object] = []
    place += 1
    while True:
        place = _skip(_SP, text, place)
        if text[place : place + 1] == ")":
            return tuple(items), place + 1
        item, place = _bare(text, place)
        place = _parameters(text, place)
        items.append(item)
        if text[place : place + 1] not in (" ", ")"):
            raise Malformed("an inner list that does not end")


def _parameters(text: str, place: int) -> int:
    while text[place : place + 1] == ";":
        _, place = _take(_KEY, text, _skip(_SP, text, place + 1))
        if text[place : place + 1] == "=":
            _, place = _bare(text, place + 1)
    return place


def _bare(text: str, place: int) -> tuple[Bare, int]:
    for pattern in (_NUMBER, _STRING, _TOKEN, _BYTES, _BOOLEAN, _DATE):
        match = pattern.match(text, place)
        if match is not None:
            return _value(match), match.end()
    raise Malformed("no value where one belongs")


def _value(match: re.Match[str]) -> Bare:
    if match.re is _NUMBER:
        return float(match[0]) if "." in match[0] else int(match[0])
    if match.re is _STRING:
        return re.sub(r"\\(.)", r"\1", match[1])
    if match.re is _TOKEN:
        return Token(match[0])
    if match.re is _BYTES:
        return match[1].encode("ascii")
    return int(match[1]) if match.re is _DATE else match[1] == "1"


def _take(pattern: re.Pattern[str], text: str, place: int) -> tuple[str, int]:
    match = pattern.match(text, place)
    if match is None:
        raise Malformed("no key where one belongs")
    return match[0], match.end()


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match is not None else place
