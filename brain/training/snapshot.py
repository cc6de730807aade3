"""Model revisions on disk: a folder each, complete or not there, checked by digest before it is loaded.

Written to a hidden folder, synced, then renamed: a reader never sees a half-written one under its name. The
manifest has the size and SHA-256 of the arrays; whatever does not agree is refused with SnapshotRefused, and
nothing is unpickled.
"""

import hashlib
import io
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from brain.errors import SnapshotRefused
from brain.training.factors import Factors
from shared.ids import base32, check_id

MANIFEST = "manifest.json"
ARRAYS = "factors.npz"
_PREFIX = "lightfm-"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself."""

    format: int = 1
    revision: str
    trained_at_ms: int
    dim: int
    n_items: int
    n_users: int
    n_interactions: int
    sha256: str
    n_bytes: int
    quality: dict[str, float]
    """`lightfm_recall`, `popularity_recall`, … at k."""


def write(
    folder: Path, factors: Factors, now_ms: int, n_interactions: int, quality: dict[str, float]
) -> Manifest:
    """Write a new revision below `folder`; it appears under its name at once and whole."""
    data = _packed(factors)
    digest = hashlib.sha256(data).hexdigest()
    revision = f"{_PREFIX}{base32(now_ms, 10)}-{digest[:8]}"
    manifest = Manifest(
        revision=revision,
        trained_at_ms=now_ms,
        dim=factors.feature_vectors.shape[1],
        n_items=factors.n_items,
        n_users=len(factors.users),
        n_interactions=n_interactions,
        sha256=digest,
        n_bytes=len(data),
        quality=quality,
    )
    hidden = folder / f".{revision}"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(parents=True)
    _write_synced(hidden / ARRAYS, data)
    _write_synced(hidden / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    hidden.rename(folder / revision)
    _sync_folder(folder)
    return manifest


def revisions(folder: Path) -> list[str]:
    """Names of the revisions in `folder`, newest first. A name sorts by its time."""
    if not folder.is_dir():
        return []
    return sorted((entry.name for entry in folder.iterdir() if entry.name.startswith(_PREFIX)), reverse=True)


def load(folder: Path, revision: str, max_bytes: int) -> Factors:
    """The factors of a revision; raises SnapshotRefused when anything at all is wrong with it."""
    place = folder / check_id(revision, "revision")
    try:
        manifest = msgspec.json.decode((place / MANIFEST).read_bytes(), type=Manifest)
        size = (place / ARRAYS).stat().st_size
        if manifest.revision != revision or size != manifest.n_bytes or size > max_bytes:
            raise SnapshotRefused(f"{revision}: {size} bytes, the manifest says {manifest.n_bytes}")
        data = (place / ARRAYS).read_bytes()
        if hashlib.sha256(data).hexdigest() != manifest.sha256:
            raise SnapshotRefused(f"{revision}: the digest of {ARRAYS} is not the manifest's")
        factors = _unpacked(data)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as exc:
        raise SnapshotRefused(f"{revision}: {exc}") from exc
    return replace(factors, revision=revision, trained_at_ms=manifest.trained_at_ms, n_items=manifest.n_items)


def prune(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` revisions."""
    for revision in revisions(folder)[keep:]:
        shutil.rmtree(folder / revision, ignore_errors=True)


def _packed(factors: Factors) -> bytes:
    names: dict[str, Any] = {
        name: np.frombuffer(json.dumps(values).encode(), np.uint8)
        for name, values in (("features", factors.features), ("users", factors.users))
    }
    buffer = io.BytesIO()
    np.savez(
        buffer,
        feature_vectors=factors.feature_vectors,
        feature_biases=factors.feature_biases,
        user_vectors=factors.user_vectors,
        **names,
    )
    return buffer.getvalue()


def _unpacked(data: bytes) -> Factors:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        factors = Factors(
            revision="",
            trained_at_ms=0,
            features=tuple(json.loads(arrays["features"].tobytes())),
            feature_vectors=np.asarray(arrays["feature_vectors"], np.float32),
            feature_biases=np.asarray(arrays["feature_biases"], np.float32),
            users=tuple(json.loads(arrays["users"].tobytes())),
            user_vectors=np.asarray(arrays["user_vectors"], np.float32),
        )
    is_whole = (
        factors.feature_vectors.ndim == 2
        and factors.feature_vectors.shape[0] == len(factors.features) == len(factors.feature_biases)
        and factors.user_vectors.shape == (len(factors.users), factors.feature_vectors.shape[1])
    )
    if not is_whole or not all(
        np.isfinite(array).all()
        for array in (factors.feature_vectors, factors.feature_biases, factors.user_vectors)
    ):
        raise ValueError("shapes do not agree, or a number is not finite")
    return factors


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
