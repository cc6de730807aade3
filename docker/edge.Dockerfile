# An edge node: caches, sessions, prefetch. Its own folder and shared/ only.
# Built from the repository's root: docker build -f docker/edge.Dockerfile -t headstart-edge .
FROM python:3.11-slim AS build
WORKDIR /app
COPY pyproject.toml requirements.lock docker/requirements.py ./
RUN python requirements.py edge > edge.lock
RUN python -m venv .venv
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r edge.lock

FROM python:3.11-slim
WORKDIR /app
RUN useradd --system --uid 10001 headstart && install -d -o headstart /data
COPY --from=build /app/.venv .venv
COPY shared shared
COPY edge edge
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
ENV HEADSTART_EDGE_LISTEN=0.0.0.0:8080 HEADSTART_EDGE_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
USER headstart
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
CMD ["python", "-m", "edge"]
