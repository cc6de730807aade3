"""Is what ffmpeg wrote the form that we store? Checked before a rung is published.

Pure. A rung that breaks one of these would show as a stall or a jump in every player.
"""

from origin.packaging.cmaf import Presentation
from origin.transcode.admission import Facts, ProbeResult
from origin.transcode.errors import BadOutput
from origin.transcode.ladder import Rendition

MAX_START_MS = 100.0
MAX_GAP_MS = 1.0
MAX_FRAGMENT_MS = 1100.0
DURATION_SLACK_MS = 250.0
DURATION_SLACK_RATIO = 0.02


def verify(made: Presentation, facts: Facts, rendition: Rendition, probe: ProbeResult) -> None:
    """Raise BadOutput with the first rule that `made` breaks; `facts` were read from it anew."""
    if facts.error or not facts.has_picture or not facts.has_sound:
        raise BadOutput(f"it does not decode: {facts.error or 'no picture or no sound'}")
    if not made.codecs.startswith("avc1.") or ",mp4a.40.2" not in made.codecs:
        raise BadOutput(f"codecs are {made.codecs}")
    size = (made.video.width, made.video.height)
    if size != (rendition.width, rendition.height) or facts.rotation:
        raise BadOutput(f"it is {size[0]}x{size[1]} turned by {facts.rotation}, not {rendition}")
    duration_ms = sum(fragment.duration_ms for fragment in made.fragments)
    if abs(duration_ms - probe.duration_ms) > max(
        DURATION_SLACK_MS, DURATION_SLACK_RATIO * probe.duration_ms
    ):
        raise BadOutput(f"it lasts {duration_ms:.0f} ms, the source {probe.duration_ms} ms")
    _verify_timeline(made)


def _verify_timeline(made: Presentation) -> None:
    if abs(made.fragments[0].start_ms) > MAX_START_MS:
        raise BadOutput(f"its first picture is at {made.fragments[0].start_ms:.0f} ms")
    expected_ms = made.fragments[0].start_ms
    for number, fragment in enumerate(made.fragments):
        if not fragment.starts_with_key:
            raise BadOutput(f"fragment {number} does not start with a keyframe")
        if fragment.duration_ms > MAX_FRAGMENT_MS or abs(fragment.start_ms - expected_ms) > MAX_GAP_MS:
            raise BadOutput(
                f"fragment {number} is at {fragment.start_ms:.0f} ms for {fragment.duration_ms:.0f} ms"
            )
        expected_ms = fragment.start_ms + fragment.duration_ms
