"""Redis as the fleet uses it: bounded waits, and a write acknowledged only once replicas have it."""

import nameko_redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chassis.redis.client import Client
from chassis.redis.errors import redis_errors

__all__ = ["OPTIONS", "Client", "Redis", "redis_errors", "run_acknowledged"]

#: No retry: after a timeout it could repeat a write that was done.
OPTIONS = {
    "socket_connect_timeout": 2,  # seconds
    "socket_timeout": 5,  # seconds; longer than WAIT_MS
    "health_check_interval": 10,  # seconds
    "retry": Retry(NoBackoff(), 0),
}


class Redis(nameko_redis.Redis):
    """`redis = Redis("redis")` in a service: nameko-redis's dependency, with the fleet's `Client` and `OPTIONS`.

    The argument is a key of the setting REDIS_URIS.
    """

    def __init__(self, key, **options):
        super().__init__(key, **{**OPTIONS, **options})

    def start(self):
        self.client = Client.from_url(self.redis_uri, **self.options)


def run_acknowledged(client, script, keys, args, replicas):
    """Run a Lua script that writes; return its result once `replicas` replicas have what it wrote.

    `client` is a `Client`. Raises `NotEnoughReplicas` if they take longer than `acknowledged.WAIT_MS` (the write may
    yet last), and `Unavailable` if Redis can't be reached.
    """
    with redis_errors():
        return client.run_acknowledged(("EVAL", script, len(keys), *keys, *args), replicas)
