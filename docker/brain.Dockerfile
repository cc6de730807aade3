# The brain: retrieval, ranking, pushes. Also the trainer: docker run … python -m brain train.
# Built from the repository's root: docker build -f docker/brain.Dockerfile -t headstart-brain .
FROM python:3.11-slim AS build
WORKDIR /app
# LightFM is compiled where no wheel fits; without -march=native, since the image runs elsewhere.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
ENV LIGHTFM_NO_CFLAGS=1
COPY pyproject.toml requirements.lock docker/requirements.py ./
RUN python requirements.py brain > brain.lock
RUN python -m venv .venv
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r brain.lock

FROM python:3.11-slim
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 headstart && install -d -o headstart /data
COPY --from=build /app/.venv .venv
COPY shared shared
COPY brain brain
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
ENV HEADSTART_BRAIN_LISTEN=0.0.0.0:8082 HEADSTART_BRAIN_DATA_DIR=/data
VOLUME /data
EXPOSE 8082
USER headstart
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8082/healthz', timeout=2)"]
CMD ["python", "-m", "brain"]
