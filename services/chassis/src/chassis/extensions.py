"""Which of Nameko's extensions a service has."""


def redis_providers(container):
    """The `nameko_redis.Redis` dependencies of a container's service, in the order of their keys."""
    try:
        from nameko_redis import Redis
    except ImportError:  # only services that use Redis have it installed (fleet-chassis[redis])
        return []
    return sorted((one for one in container.dependencies if isinstance(one, Redis)), key=lambda one: one.key)
