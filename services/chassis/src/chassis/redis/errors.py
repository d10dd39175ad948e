"""What Redis says when it can't serve, as errors of the chassis."""

import logging
from contextlib import contextmanager

from redis import exceptions

from chassis.errors import NotEnoughReplicas, Unavailable

_log = logging.getLogger(__name__)

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
