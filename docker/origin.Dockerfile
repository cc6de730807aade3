# The origin: uploads, catalogue, media. Also a transcoder: docker run … python -m origin worker.
# Built from the repository's root: docker build -f docker/origin.Dockerfile -t headstart-origin .
FROM python:3.11-slim AS build
WORKDIR /app
COPY pyproject.toml requirements.lock docker/requirements.py ./
RUN python requirements.py origin > origin.lock
RUN python -m venv .venv
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r origin.lock

FROM python:3.11-slim
WORKDIR /app
RUN useradd --system --uid 10001 headstart && install -d -o headstart /data
COPY --from=build /app/.venv .venv
COPY shared shared
COPY origin origin
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
ENV HEADSTART_ORIGIN_LISTEN=0.0.0.0:8081 HEADSTART_ORIGIN_DATA_DIR=/data
VOLUME /data
EXPOSE 8081
USER headstart
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8081/healthz', timeout=2)"]
CMD ["python", "-m", "origin"]
