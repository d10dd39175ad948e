"""The call that a worker works on, for what must happen once however often the call arrives."""

from hashlib import blake2b

from nameko.extensions import DependencyProvider


class CurrentCall:
    """One call: `id` is the same when its caller repeats it or RabbitMQ delivers it again."""

    def __init__(self, call_id):
        self.id = call_id

    def new_id(self, salt=""):
        """Return 32 hex digits for something that the call makes: the same ones each time the call is worked on.

        A call that makes several things tells them apart by `salt`.
        """
        # The separator keeps a salt from being taken for the end of an id.
        return blake2b(f"{self.id}\0{salt}".encode(), digest_size=16).hexdigest()


class Call(DependencyProvider):
    """`call = Call()` in a service gives its methods the `CurrentCall`."""

    def get_dependency(self, worker_ctx):
        return CurrentCall(worker_ctx.call_id)
