"""The head of a response as bytes in which only Age, and a Date that is ours, still move.

Pure. Made from what the ordinary path has just sent, so both paths tell the same; the stored Date of an
origin does not move (RFC 9110 section 6.6.1).
"""

from collections.abc import Iterable
from email.utils import formatdate
from typing import NewType

Template = NewType("Template", bytes)
"""A head in which `%(age)d` and `%(date)s` stand for what moves."""


def template(status_line: str, fields: Iterable[tuple[str, str]], *, moves_date: bool) -> Template | None:
    """The template of a head; None when it holds anything but printable ASCII."""
    lines = [status_line.replace("%", "%%")]
    for name, value in fields:
        told = value.replace("%", "%%")
        if name.lower() == "age":
            told = "%(age)d"
        elif name.lower() == "date" and moves_date:
            told = "%(date)s"
        lines.append(f"{name.replace('%', '%%')}: {told}")
    if not all(line.isascii() and line.isprintable() for line in lines):
        return None
    return Template("\r\n".join([*lines, "", ""]).encode("ascii"))


def render(head: Template, age_s: int, now_s: int) -> bytes:
    """The head at this age and time."""
    return head % {b"age": age_s, b"date": http_date(now_s)}


def http_date(now_s: int) -> bytes:
    """IMF-fixdate of a Unix time (RFC 9110 section 5.6.7)."""
    return formatdate(now_s, usegmt=True).encode("ascii")
