"""Help for the tests of services: a service on a real port, a Redis server, and calls between services."""

import time

DEADLINE = 60  # seconds after which something that a test waits for is taken to be broken


def until(condition):
    """Return what `condition` returns as soon as that is true; `TimeoutError` after `DEADLINE`."""
    give_up = time.monotonic() + DEADLINE
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"{condition} did not come true within {DEADLINE} s.")
        time.sleep(0.01)
    return found
