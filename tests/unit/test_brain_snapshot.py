import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brain.errors import SnapshotRefused
from brain.training import snapshot
from brain.training.factors import Factors

MAX_BYTES = 1_000_000


def factors(n_users: int = 2) -> Factors:
    return Factors(
        revision="",
        trained_at_ms=0,
        features=("video:v1", "category:space"),
        feature_vectors=np.ones((2, 3), np.float32),
        feature_biases=np.zeros(2, np.float32),
        users=tuple(f"u{number}" for number in range(n_users)),
        user_vectors=np.full((n_users, 3), 0.5, np.float32),
        n_items=1,
    )


def written(folder: Path, now_ms: int = 1_000) -> str:
    return snapshot.write(folder, factors(), now_ms, 10, {"lightfm_recall": 0.5}).revision


def test_a_snapshot_comes_back_as_it_was(tmp_path: Path) -> None:
    revision = written(tmp_path)

    loaded = snapshot.load(tmp_path, revision, MAX_BYTES)

    assert loaded.revision == revision
    assert loaded.trained_at_ms == 1_000
    assert loaded.users == ("u0", "u1")
    assert np.array_equal(loaded.user_vectors, factors().user_vectors)


def test_revisions_are_listed_newest_first_and_old_ones_are_pruned(tmp_path: Path) -> None:
    old, new = written(tmp_path, 1_000), written(tmp_path, 2_000)

    assert snapshot.revisions(tmp_path) == [new, old]
    snapshot.prune(tmp_path, 1)
    assert snapshot.revisions(tmp_path) == [new]


def test_a_folder_that_is_not_there_has_no_revisions(tmp_path: Path) -> None:
    assert snapshot.revisions(tmp_path / "none") == []


def test_a_half_written_snapshot_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".lightfm-0000000000-00000000").mkdir()

    assert snapshot.revisions(tmp_path) == []


@pytest.mark.parametrize("at", [0, 100, -1])
def test_a_flipped_bit_is_refused(tmp_path: Path, at: int) -> None:
    revision = written(tmp_path)
    path = tmp_path / revision / snapshot.ARRAYS
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)

    with pytest.raises(SnapshotRefused, match="digest"):
        snapshot.load(tmp_path, revision, MAX_BYTES)


def test_a_truncated_an_oversized_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    revision = written(tmp_path)
    path = tmp_path / revision / snapshot.ARRAYS

    with pytest.raises(SnapshotRefused):
        snapshot.load(tmp_path, revision, max_bytes=10)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SnapshotRefused):
        snapshot.load(tmp_path, revision, MAX_BYTES)
    path.unlink()
    with pytest.raises(SnapshotRefused):
        snapshot.load(tmp_path, revision, MAX_BYTES)


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[1]", b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    revision = written(tmp_path)
    (tmp_path / revision / snapshot.MANIFEST).write_bytes(manifest)

    with pytest.raises(SnapshotRefused):
        snapshot.load(tmp_path, revision, MAX_BYTES)


def test_a_snapshot_under_another_name_is_refused(tmp_path: Path) -> None:
    revision = written(tmp_path)
    other = revision[:-1] + ("0" if revision[-1] != "0" else "1")
    (tmp_path / revision).rename(tmp_path / other)

    with pytest.raises(SnapshotRefused):
        snapshot.load(tmp_path, other, MAX_BYTES)


@pytest.mark.parametrize(
    "broken",
    [
        {"feature_biases": np.zeros(5, np.float32)},
        {"user_vectors": np.ones((2, 9), np.float32)},
        {"feature_vectors": np.full((2, 3), np.nan, np.float32)},
    ],
    ids=["biases", "users", "nan"],
)
def test_arrays_that_do_not_agree_are_refused(tmp_path: Path, broken: dict[str, object]) -> None:
    wrong = replace(factors(), **broken)  # type: ignore[arg-type]
    revision = snapshot.write(tmp_path, wrong, 1_000, 10, {}).revision

    with pytest.raises(SnapshotRefused, match="agree"):
        snapshot.load(tmp_path, revision, MAX_BYTES)


def test_the_manifest_tells_what_was_measured(tmp_path: Path) -> None:
    manifest = json.loads((tmp_path / written(tmp_path) / snapshot.MANIFEST).read_text("utf-8"))

    assert manifest["quality"] == {"lightfm_recall": 0.5}
    assert manifest["dim"] == 3
