"""The resumable-upload state machine, and a model test against a naive twin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.errors import OffsetConflict, TusVersionMismatch, UploadGone, WrongContentType
from origin.uploads import tus
from origin.uploads.tus import TusLimits, UploadState
from shared.errors import InvalidRequest, TooLarge

NOW_MS = 1_000_000
LIMITS = TusLimits(max_bytes=1000, expiry_ms=5000)


def state(**fields: object) -> UploadState:
    dull = {
        "id": "u1",
        "length": 100,
        "offset": 40,
        "expires_ms": NOW_MS + 1,
        "metadata": {"creator": "neon"},
        "video_id": "v1",
    }
    return UploadState(**(dull | fields))  # type: ignore[arg-type]


def patch(offset: object = 40, **more: str) -> dict[str, str]:
    return {"Content-Type": tus.PATCH_TYPE, "Upload-Offset": str(offset)} | more


def test_a_request_without_the_version_is_refused_with_the_one_we_speak() -> None:
    with pytest.raises(TusVersionMismatch) as refusal:
        tus.check_version({})
    assert refusal.value.facts == {"supported": "1.0.0"}


def test_a_creation_keeps_length_metadata_and_expiry() -> None:
    headers = {"Upload-Length": "1000", "Upload-Metadata": "caption aGk=,creator bmVvbg==,flag"}
    wanted = tus.create(headers, LIMITS, NOW_MS)
    assert (wanted.length, wanted.expires_ms) == (1000, NOW_MS + 5000)
    assert wanted.metadata == {"caption": "hi", "creator": "neon", "flag": ""}


def test_a_claim_over_the_limit_is_refused_naming_both_numbers() -> None:
    with pytest.raises(TooLarge) as refusal:
        tus.create({"Upload-Length": str(4 * 1024**3)}, LIMITS, NOW_MS)
    assert refusal.value.facts == {"limit_bytes": 1000, "actual_bytes": 4 * 1024**3}


@pytest.mark.parametrize("length", ["", "-1", "1e3", "١٢", "0", "9" * 30])
def test_a_length_that_is_no_positive_number_is_refused(length: str) -> None:
    with pytest.raises(InvalidRequest):
        tus.create({"Upload-Length": length}, LIMITS, NOW_MS)


def test_a_deferred_length_is_refused_because_it_is_not_offered() -> None:
    with pytest.raises(InvalidRequest, match="Defer"):
        tus.create({"Upload-Defer-Length": "1"}, LIMITS, NOW_MS)


@pytest.mark.parametrize("header", ["caption !!!", "caption aGk=,caption aGk=", "caption gA==", "x" * 20_000])
def test_broken_metadata_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="Upload-Metadata"):
        tus.parse_metadata(header)


@given(st.dictionaries(st.text("abcXYZ09_", min_size=1), st.text(max_size=50), max_size=5))
def test_metadata_survives_the_way_there_and_back(metadata: dict[str, str]) -> None:
    assert tus.parse_metadata(tus.format_metadata(metadata)) == metadata


def test_a_patch_may_write_what_is_missing() -> None:
    order = tus.append(state(), patch(), NOW_MS)
    assert (order.offset, order.room) == (40, 60)


def test_a_patch_at_another_offset_conflicts_and_tells_ours() -> None:
    with pytest.raises(OffsetConflict) as refusal:
        tus.append(state(), patch(offset=39), NOW_MS)
    assert refusal.value.facts == {"expected": 40, "actual": 39}


def test_a_patch_of_another_type_is_refused() -> None:
    with pytest.raises(WrongContentType):
        tus.append(state(), patch() | {"Content-Type": "text/plain"}, NOW_MS)


def test_a_patch_that_passes_the_length_is_refused_before_its_body() -> None:
    with pytest.raises(TooLarge):
        tus.append(state(), patch(**{"Content-Length": "61"}), NOW_MS)


def test_an_expired_upload_is_gone() -> None:
    with pytest.raises(UploadGone):
        tus.append(state(expires_ms=NOW_MS), patch(), NOW_MS)


def test_only_a_finished_upload_names_its_video() -> None:
    assert "Headstart-Video" not in tus.answer_headers(state(offset=100))
    assert tus.answer_headers(state(offset=100, is_done=True))["Headstart-Video"] == "v1"


def test_a_head_tells_length_metadata_and_is_never_cached() -> None:
    told = tus.head_headers(state())
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("40", "100")
    assert told["Cache-Control"] == "no-store"
    assert tus.parse_metadata(told["Upload-Metadata"]) == {"creator": "neon"}


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 400)), max_size=20),
)
def test_the_bytes_are_those_of_the_accepted_patches_in_order(
    length: int, patches: list[tuple[int, int]]
) -> None:
    stored = 0
    for offset, size in patches:
        headers = patch(offset=offset, **{"Content-Length": str(size)})
        try:
            order = tus.append(state(length=length, offset=stored), headers, NOW_MS)
        except (OffsetConflict, TooLarge):
            assert offset != stored or stored + size > length
            continue
        assert (order.offset, order.room) == (stored, length - stored)
        stored += size
    assert stored <= length
