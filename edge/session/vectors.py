"""The item vectors of one model revision: float32 rows in a bounded table, least recently used out first.

Pure. A vector travels once from the brain, as float16; queues of hundreds of candidates are ids and scores.
Here it is float32: to widen 500 rows at every event costs 70 us, to hold 100,000 of them 13 MB. Invariant: at
most `max_rows` rows; a row belongs to one video.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from shared.errors import DecodeError
from shared.messages.vectors import VectorTable

F16 = np.dtype("<f2")
F32 = npt.NDArray[np.float32]
MAX_DIM = 1024


class ItemVectors:
    """Rows of one model revision. A table of another revision replaces everything."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self.model = ""
        self.mean: F32 = np.zeros(0, np.float32)
        self.epoch = 0
        """Grows when rows and mean no longer mean what they did: another model."""
        self.revision = 0
        """Grows with every table taken."""
        self._rows: F32 = np.zeros((0, 0), np.float32)
        self._given: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        """(n_rows,) the revision at which a row was given to its video."""
        self._row_of: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def dim(self) -> int:
        return int(self.mean.shape[0])

    def missing(self, video_ids: Sequence[str]) -> list[str]:
        """Those that have no row, in their order."""
        return [video_id for video_id in video_ids if video_id not in self._row_of]

    def add(self, table: VectorTable) -> None:
        """Take the rows of `table`. Raises DecodeError when its sizes do not fit each other."""
        if not 0 < table.dim <= MAX_DIM:
            raise DecodeError(f"vectors of {table.dim} dimensions; at most {MAX_DIM}")
        n_bytes = table.dim * F16.itemsize
        if len(table.mean) != n_bytes or len(table.vectors) != n_bytes * len(table.video_ids):
            raise DecodeError(f"{len(table.vectors)} bytes are not {len(table.video_ids)} rows of {n_bytes}")
        self.revision += 1
        mean = np.frombuffer(table.mean, F16).astype(np.float32)
        if table.model != self.model or table.dim != self.dim:
            self.model = table.model
            self._row_of.clear()
            n_rows = min(self._max_rows, 1024)
            self._rows, self._given = np.zeros((n_rows, table.dim), np.float32), np.zeros(n_rows, np.int64)
            self.epoch += 1
        elif not np.array_equal(mean, self.mean):
            self.epoch += 1
        self.mean = mean
        rows = np.frombuffer(table.vectors, F16).reshape(len(table.video_ids), table.dim)
        for video_id, row in zip(table.video_ids, rows, strict=True):
            place = self._place(video_id)  # may grow the matrix: not in one line with its use
            self._rows[place] = row

    def rows(self, video_ids: Sequence[str]) -> tuple[F32, npt.NDArray[np.bool_]]:
        """Their vectors (n, d), a zero row for an unknown one, and which are known (n,)."""
        places = self.places(video_ids)
        is_known = places >= 0
        if not len(self._row_of):
            return np.zeros((len(places), self.dim), np.float32), is_known
        rows = self._rows[np.maximum(places, 0)]
        if not is_known.all():
            rows[~is_known] = 0.0
        return rows, is_known

    def places(self, video_ids: Iterable[str]) -> npt.NDArray[np.int32]:
        """Their rows in the table (n,); -1 for an unknown one."""
        row_of = self._row_of
        return np.array([row_of.get(video_id, -1) for video_id in video_ids], np.int32)

    def row(self, video_id: str) -> F32 | None:
        """The vector (d,) of one video; a view: read, do not keep."""
        place = self._row_of.get(video_id)
        return None if place is None else self._rows[place]

    def products(self, places: npt.NDArray[np.int32], vector: F32) -> F32:
        """The inner product (n,) of `vector` with each of these rows."""
        found: F32 = self._rows.take(places, axis=0).dot(vector)
        return found

    def is_reused(self, places: npt.NDArray[np.int32], since: int) -> bool:
        """Whether one of these rows was given to another video after revision `since`."""
        return bool(len(places)) and int(self._given.take(places).max()) > since

    def touch(self, video_ids: Sequence[str]) -> None:
        """Count these as just used: they leave last."""
        for video_id in video_ids:
            if video_id in self._row_of:
                self._row_of.move_to_end(video_id)

    def _place(self, video_id: str) -> int:
        known = self._row_of.get(video_id)
        if known is not None:
            self._row_of.move_to_end(video_id)
            return known
        row = len(self._row_of)
        if row >= self._max_rows:
            row = self._row_of.popitem(last=False)[1]
        elif row >= len(self._rows):
            n_rows = min(self._max_rows, 2 * len(self._rows))
            grown, given = np.zeros((n_rows, self.dim), np.float32), np.zeros(n_rows, np.int64)
            grown[: len(self._rows)], given[: len(self._given)] = self._rows, self._given
            self._rows, self._given = grown, given
        self._row_of[video_id] = row
        self._given[row] = self.revision
        return row


def user_vector(data: bytes, dim: int) -> F32:
    """The user's vector (dim,) of a RankedQueue; zeros when it is empty or of another size."""
    if len(data) != dim * F16.itemsize:
        return np.zeros(dim, np.float32)
    return np.frombuffer(data, F16).astype(np.float32)
