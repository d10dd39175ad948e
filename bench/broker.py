"""The contestants' virtual hosts in RabbitMQ, and the one user of them all; made for a run and removed after it.

`evaluate` has a node of the broker evaluate an Erlang expression and returns its value as text. The expression goes
there on a standard input, for a password may be in it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable

from bench.contestants import Contestant
from fleet.definitions import password_hash

USER = "bench"


def vhost(contestant: Contestant) -> str:
    return f"bench-{contestant.name}"


def prepare(evaluate: Callable[[str], str], contestants: Iterable[Contestant], password: str) -> None:
    """Make the user and the virtual hosts."""
    contestants = [one for one in contestants if one.queues]
    document = {
        "users": [
            {
                "name": USER,
                "password_hash": password_hash(password, USER, password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
        ],
        "vhosts": [{"name": vhost(one), "metadata": {"default_queue_type": one.queues}} for one in contestants],
        "permissions": [
            {"user": USER, "vhost": vhost(one), "configure": ".*", "write": ".*", "read": ".*"} for one in contestants
        ],
    }
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    evaluate(f'ok = rabbit_definitions:import_raw(base64:decode(<<"{encoded}">>))')


def queues(evaluate: Callable[[str], str], contestant: Contestant) -> dict[str, str]:
    """The contestant's queues and their types as they are: what was measured, not what was asked for."""
    said = evaluate(
        "base64:encode_to_string(iolist_to_binary(rabbit_json:encode(maps:from_list("
        "[{element(4, amqqueue:get_name(Queue)), amqqueue:get_type(Queue)} || "
        f'Queue <- rabbit_amqqueue:list(<<"{vhost(contestant)}">>)]))))'
    )
    # Erlang breaks a long text into pieces, each in quotes.
    types = json.loads(base64.b64decode("".join(re.findall(r'"([^"]*)"', said))))
    return {name: kind.removeprefix("rabbit_").removesuffix("_queue") for name, kind in types.items()}


def clear(evaluate: Callable[[str], str]) -> None:
    """Remove the user and every virtual host that a run has made, this one or one that was killed."""
    evaluate(
        f'[rabbit_vhost:delete(V, <<"{USER}">>) || V = <<"bench-", _/binary>> <- rabbit_vhost:list_names()],'
        # It throws when there is no such user.
        f' catch rabbit_auth_backend_internal:delete_user(<<"{USER}">>, <<"{USER}">>), ok'
    )
