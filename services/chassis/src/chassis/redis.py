"""Redis as the fleet uses it: bounded waits, and a write acknowledged only once replicas have it."""

import logging
from contextlib import contextmanager

from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from chassis.errors import NotEnoughReplicas, Unavailable

_log = logging.getLogger(__name__)

WAIT_MS = 2000  # a healthy replica acknowledges in about 1 ms

#: For `nameko_redis.Redis('redis', **OPTIONS)`. No retry: after a timeout it could repeat a write that was done.
OPTIONS = {
    "socket_connect_timeout": 2,  # seconds
    "socket_timeout": 5,  # seconds; longer than WAIT_MS
    "health_check_interval": 10,  # seconds
    "retry": Retry(NoBackoff(), 0),
}

_NOT_NOW = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.MasterDownError,
)
# The rest has no class of its own: the primary was demoted while we waited, or can't write to its disk.
_NOT_NOW_CODES = ("UNBLOCKED", "MISCONF")


@contextmanager
def redis_errors():
    """Turn what Redis says when it can't serve at the moment into `Unavailable` or `NotEnoughReplicas`."""
    try:
        yield
    except exceptions.RedisError as error:
        if str(error).startswith("NOREPLICAS"):
            raise NotEnoughReplicas("Redis has too few replicas to accept a write.") from error
        if not isinstance(error, _NOT_NOW) and not str(error).startswith(_NOT_NOW_CODES):
            raise
        _log.warning("Redis can't serve: %s", error)  # the caller need not know how our network looks
        raise Unavailable("Redis can't serve at the moment.") from error


def run_acknowledged(client, script, keys, args, replicas):
    """Run a Lua script that writes; return its result once `replicas` replicas have what it wrote.

    `WAIT` counts the replicas that have the last write of its own connection, so both go in one pipeline,
    which uses one connection. Raises `NotEnoughReplicas` if they take longer than `WAIT_MS` (the write may
    yet last), and `Unavailable` if Redis can't be reached.
    """
    with redis_errors(), client.pipeline(transaction=False) as pipeline:
        pipeline.eval(script, len(keys), *keys, *args)
        pipeline.execute_command("WAIT", replicas, WAIT_MS)
        # Raised by the pipeline, an error would hold the whole script with its arguments.
        result, acknowledged = pipeline.execute(raise_on_error=False)
        for answer in (result, acknowledged):
            if isinstance(answer, Exception):
                raise answer
    if acknowledged < replicas:
        raise NotEnoughReplicas(f"Only {acknowledged} of {replicas} Redis replicas have the write.")
    return result
