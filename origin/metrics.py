"""What the origin counts; `transcode/metrics.py` has the workers' own."""

from shared import metrics

UPLOADS = metrics.counter(
    "origin_uploads_total",
    "Uploads by way (multipart, tus) and by what became of them (accepted, or the error's code)",
    ("way", "result"),
)
UPLOAD_BYTES = metrics.counter(
    "origin_upload_bytes_total", "Bytes received into unfinished uploads", ("way",)
)
UPLOADS_IN_FLIGHT = metrics.gauge("origin_uploads_in_flight", "Requests that are sending bytes just now")
PROBE_SECONDS = metrics.histogram("origin_probe_seconds", "Time to probe one upload, waiting included")
SWEPT = metrics.counter(
    "origin_swept_total", "Leftovers removed, by kind (upload: expired or cut off; file: nobody's)", ("what",)
)
MEDIA = metrics.counter("origin_media_requests_total", "Media answers by status", ("status",))
MEDIA_BYTES = metrics.counter("origin_media_bytes_total", "Bytes of media sent in bodies")
OUTBOX_DEPTH = metrics.gauge("origin_outbox_depth", "Messages that wait to be acknowledged by JetStream")
OUTBOX_SENT = metrics.counter("origin_outbox_sent_total", "Messages acknowledged by JetStream", ("kind",))
SOCIAL = metrics.counter(
    "origin_social_actions_total",
    "Likes, follows, comments and shares by what became of them (done, or the reason of a refusal)",
    ("result",),
)
JOBS_REORDERED = metrics.counter(
    "origin_jobs_reordered_total", "Jobs posted again for videos that had waited long"
)
