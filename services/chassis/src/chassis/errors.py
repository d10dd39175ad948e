"""The errors that services raise for their callers, across RPC as well as over HTTP.

Nameko rebuilds them in the caller from their arguments, which it turns into text on the way: every error
carries one argument, its message. `chassis.http.errors` maps each to its HTTP status.
"""

# ruff: noqa: N818 - the names are the interface: they say what was wrong, as Nameko's own do

from greenlet import GreenletExit
from nameko.exceptions import RpcTimeout as NamekoRpcTimeout
from nameko.exceptions import deserialize_to_instance

#: What ends a greenlet or the process, and is no answer to what that was working on.
ENDS = (GreenletExit, KeyboardInterrupt, SystemExit)


def text_of(error):
    """What an error says, whatever its own `__str__` does."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - what tells of an error must not end in another
        return f"(its text can't be told: {type(failure).__name__})"


class ServiceError(Exception):
    """What a caller can expect of a call that was understood but not done; the message is for people."""

    def __init__(self, message=""):
        super().__init__(message)


@deserialize_to_instance
class Invalid(ServiceError):
    """An argument has the wrong type or a value that is never allowed."""


@deserialize_to_instance
class NotFound(ServiceError):
    """The thing that the call is about does not exist."""


@deserialize_to_instance
class Conflict(ServiceError):
    """The thing exists, but its state forbids the call."""


@deserialize_to_instance
class Unprocessable(ServiceError):
    """Each argument is valid, but together or by what they refer to they make no sense."""


@deserialize_to_instance
class Unavailable(ServiceError):
    """Something that the call needs does not answer at the moment: the caller may try again."""


@deserialize_to_instance
class NotEnoughReplicas(Unavailable):
    """A write is not on as many Redis replicas as asked for: it may be lost, or may last."""


@deserialize_to_instance
class RpcTimeout(ServiceError, NamekoRpcTimeout):
    """A call was not answered within its deadline: it may have been done, or may yet be."""
