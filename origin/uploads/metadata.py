"""What a creator says of a video: caption, creator, category, hashtags, sound; refused over a limit.

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
MAX_VOLUME = 2.0

_IN_CAPTION = re.compile(r"#(\w{1,200})")
_TAG = re.compile(r"\w+\Z")


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How much text one video may carry."""

    caption_chars: int = 2200
    hashtags: int = 20
    hashtag_chars: int = 64


@dataclass(frozen=True, slots=True)
class SoundWish:
    """The sound of another video, to be laid under this one. Volumes from 0 (silent) to MAX_VOLUME."""

    video_id: str
    sound_volume: float = 1.0
    original_volume: float = 0.0
    """Who chooses a sound wants to hear that, not the room that the video was taken in."""


@dataclass(frozen=True, slots=True)
class VideoText:
    """The checked words of one video; hashtags are lower case, unique, in order, without `#`."""

    caption: str
    creator: str
    category: str
    hashtags: tuple[str, ...]
    sound: SoundWish | None = None


def video_text(fields: Mapping[str, str], limits: TextLimits) -> VideoText:
    """The checked words in `fields`; hashtags inside the caption count too, names that we do not know do not.

    Raises InvalidRequest naming the limit and the actual value, InvalidId for a creator's handle or a sound.
    """
    caption = printable(fields.get("caption", "")).strip()
    _within("caption", "characters", limits.caption_chars, len(caption))
    hashtags = _hashtags(fields.get("hashtags", ""), caption, limits)
    creator = check_id(fields.get("creator", "").strip().removeprefix("@") or DEFAULT_CREATOR, "creator")
    category = fields.get("category", "").strip().lower() or DEFAULT_CATEGORY
    check_id(category, "category")
    _within("category", "characters", MAX_CATEGORY_CHARS, len(category))
    return VideoText(caption, creator, category, hashtags, _sound(fields))


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


def _sound(fields: Mapping[str, str]) -> SoundWish | None:
    """The sound that is asked for. A volume without one is a mistake that must not go unheard."""
    told = {name: fields[name].strip() for name in ("sound_volume", "original_volume") if fields.get(name)}
    video_id = fields.get("sound", "").strip()
    if not video_id:
        if told:
            name = next(iter(told))
            raise InvalidRequest(f"{name} is told, but no sound is chosen", field=name)
        return None
    volumes = {name: _volume(name, text) for name, text in told.items()}
    return SoundWish(check_id(video_id, "sound"), **volumes)


def _volume(name: str, text: str) -> float:
    try:
        volume = float(text)
    except ValueError:
        volume = -1.0
    if not 0 <= volume <= MAX_VOLUME:
        told = f"{name} must be a number from 0 to {MAX_VOLUME:g}, got {text[:40]!r}"
        raise InvalidRequest(told, field=name, limit=MAX_VOLUME)
    return volume


def _within(what: str, unit: str, limit: int, actual: int) -> None:
    if actual > limit:
        raise InvalidRequest(
            f"{what}: {actual} {unit} are over the limit of {limit}", limit=limit, actual=actual
        )
