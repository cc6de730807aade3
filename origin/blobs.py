"""Immutable objects of the media store through obstore: a folder by default, S3 or another cloud by URL.

A put is atomic: the object is there whole, or not at all. The same key always has the same bytes, so a second
put may be skipped, and a reader never needs to ask whether what it has is still true.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from origin.errors import MediaUnavailable
from shared.errors import NotFound

PUT_CHUNK_BYTES = 5 * 1024 * 1024
"""Of a multipart upload; the least that S3 takes."""
READ_BYTES = 1024 * 1024
_PROBE_KEY = "health/probe"


class Blobs:
    """One store. Raises NotFound for a missing key, MediaUnavailable for everything else."""

    def __init__(self, url: str) -> None:
        self.folder = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        """The store's folder, when it is one."""
        self._store: ObjectStore = (
            LocalStore(self.folder, mkdir=True, automatic_cleanup=True) if self.folder else from_url(url)
        )

    async def put(self, key: str, body: bytes | Path) -> None:
        """Store bytes, or the content of a file."""
        with _mapped_errors(key):
            await obstore.put_async(self._store, key, body, chunk_size=PUT_CHUNK_BYTES, max_concurrency=2)

    async def get(self, key: str) -> bytes:
        """The whole object."""
        with _mapped_errors(key):
            return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def get_range(self, key: str, start: int, stop: int) -> bytes:
        """The bytes [start, stop) of the object."""
        with _mapped_errors(key):
            return bytes(await obstore.get_range_async(self._store, key, start=start, end=stop))

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object in pieces of about READ_BYTES."""
        with _mapped_errors(key):
            async for piece in (await obstore.get_async(self._store, key)).stream(READ_BYTES):
                yield bytes(piece)

    async def fetch(self, target: Path, *keys: str) -> None:
        """Write the objects to a local file, one behind the other."""
        with target.open("wb") as file:
            for key in keys:
                async for piece in self.stream(key):
                    await asyncio.to_thread(file.write, piece)

    async def size(self, key: str) -> int | None:
        """Bytes of the object; None when there is none."""
        try:
            with _mapped_errors(key):
                return int((await obstore.head_async(self._store, key))["size"])
        except NotFound:
            return None

    async def list(self, prefix: str) -> list[str]:
        """Every key below `prefix`, a folder."""
        with _mapped_errors(prefix):
            batches = obstore.list(self._store, prefix)
            return sorted([meta["path"] async for batch in batches for meta in batch])

    async def delete(self, key: str) -> None:
        """Remove the object; a missing one is fine."""
        try:
            with _mapped_errors(key):
                await obstore.delete_async(self._store, key)
        except NotFound:
            return

    def remove_staged(self, prefix: str, before_s: float) -> int:
        """Remove what a killed put left in a folder store: `<key>#<number>`, not touched since; how many."""
        folder = self.folder / prefix if self.folder else None
        staged = list(folder.glob("*#*")) if folder else []
        old = [path for path in staged if path.stat().st_mtime < before_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    async def check(self) -> None:
        """Raises MediaUnavailable unless an object can be written and read."""
        await self.put(_PROBE_KEY, b"ok")
        await self.get(_PROBE_KEY)


def free_bytes(folder: Path) -> int:
    """What the file system below `folder` still takes."""
    return shutil.disk_usage(folder).free


@contextmanager
def _mapped_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as exc:
        raise NotFound(f"no object {key[:200]}") from exc
    except (BaseError, OSError) as exc:
        raise MediaUnavailable(f"the media store: {str(exc)[:200]}") from exc
