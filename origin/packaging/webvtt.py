"""WebVTT captions as uploaded -> the text that players get, checked.

Pure. The grammar is that of the W3C's WebVTT: The Web Video Text Tracks Format, section 4; cue settings and
the markup inside a cue are left to players, which skip what they do not know.
"""

import re

from shared.errors import InvalidRequest

MAX_CUES = 5_000

_SIGNATURE = re.compile(r"WEBVTT(?:[ \t].*)?\Z")
_STAMP = r"(?:(\d{2,4}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"{_STAMP}[ \t]+-->[ \t]+{_STAMP}(?:[ \t].*)?\Z")


def checked(body: bytes) -> str:
    """The captions with plain line ends, in order. Raises InvalidRequest, which names the line and why."""
    try:
        text = body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        raise InvalidRequest(f"captions are UTF-8; byte {exc.start} is not") from exc
    if "\0" in text:
        raise InvalidRequest("captions hold a NUL character")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not _SIGNATURE.match(lines[0]):
        raise InvalidRequest(f"captions begin with the line WEBVTT, not {lines[0][:40]!r}")
    n_cues, last_start_ms = 0, 0
    for number, line in enumerate(lines[1:], start=2):
        if "-->" not in line:
            continue
        start_ms, stop_ms = _times(line, number)
        if stop_ms <= start_ms or start_ms < last_start_ms:
            raise InvalidRequest(
                f"line {number}: a cue ends after it begins, and begins after the one before"
            )
        n_cues, last_start_ms = n_cues + 1, start_ms
    if not 0 < n_cues <= MAX_CUES:
        raise InvalidRequest(
            f"captions have 1 to {MAX_CUES} cues, got {n_cues}", limit=MAX_CUES, actual=n_cues
        )
    return "\n".join(lines).rstrip("\n") + "\n"


def _times(line: str, number: int) -> tuple[int, int]:
    found = _TIMING.match(line)
    if not found:
        raise InvalidRequest(f"line {number} is no cue timing: {line[:60]!r}")
    parts = [int(part or 0) for part in found.groups()]
    start_ms, stop_ms = (
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
        for hours, minutes, seconds, ms in (parts[:4], parts[4:])
    )
    return start_ms, stop_ms
