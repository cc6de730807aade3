"""What a transcoding worker counts."""

from shared import metrics

JOBS = metrics.counter("origin_transcode_jobs_total", "Transcoding jobs by what became of them", ("verdict",))
RUNG_SECONDS = metrics.histogram(
    "origin_transcode_rung_seconds",
    "Time to encode, verify and cut one rung",
    ("rung",),
    buckets=(0.5, 1, 2, 4, 8, 16, 32, 64, 128, 300),
)
