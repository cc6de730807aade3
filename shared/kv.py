"""Redis (or Valkey) connections: bounded pool, short timeouts, a few quick retries, one error."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from shared.errors import Unavailable

CONNECT_S = 0.25
OPERATION_S = 0.5
N_RETRIES = 2
"""Of a broken connection; a server that is silent is not asked again."""
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.02, 0.2
MAX_CONNECTIONS = 32
"""Of one process; who needs another one waits for OPERATION_S."""
CHECK_EVERY_S = 15
"""A connection that was idle so long is asked whether it lives before it is used."""


def connect(url: str) -> redis.asyncio.Redis:
    """A client that connects when it is first used. `url` is redis://, rediss:// or unix://."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=OPERATION_S,
        socket_connect_timeout=CONNECT_S,
        socket_timeout=OPERATION_S,
        retry=Retry(
            ExponentialWithJitterBackoff(base=BACKOFF_MIN_S, cap=BACKOFF_MAX_S),
            N_RETRIES,
            supported_errors=(redis.exceptions.ConnectionError,),
        ),
        health_check_interval=CHECK_EVERY_S,
    )
    return redis.asyncio.Redis.from_pool(pool)


@contextmanager
def translated() -> Iterator[None]:
    """Raise what redis-py raises inside as Unavailable."""
    try:
        yield
    except (redis.exceptions.RedisError, OSError, TimeoutError) as exc:
        raise Unavailable(f"Redis: {type(exc).__name__} {exc}"[:200]) from exc
