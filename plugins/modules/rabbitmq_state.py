"""What one RabbitMQ node knows of itself and its cluster; changes nothing."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rabbitmq_state
short_description: What one RabbitMQ node knows of itself and its cluster
description:
  - One call of C(erl_call), which comes with Erlang and takes a thirtieth of a second. C(rabbitmqctl eval) starts a
    virtual machine each time, which takes a second and more.
  - A node that doesn't run, or isn't installed, is an answer too, not an error.
options: {}
"""

RETURN = r"""
state:
  returned: always
  type: dict
  contains:
    running: {description: Whether the broker answers., type: bool}
    name: {description: The node's name (rabbit@core1)., type: str}
    members: {description: Names of all nodes that it believes to be in its cluster., type: list}
    running_nodes: {description: Those of them that it sees up., type: list}
    queues: {description: Number of queues it knows., type: int}
    khepri: {description: Whether metadata is in Khepri (else Mnesia)., type: bool}
    alarms: {description: Alarms in force (disk or memory low)., type: list}
    unreplicated: {description: Number of quorum queues without a replica on this node., type: int}
    stopped:
      description: >-
        Quorum queues, 50 at most, whose replica on this node doesn't run, though the node isn't drained. Consumers on
        this node get nothing from them.
      type: list
    maintenance: {description: "Whether it is drained, and so takes no clients.", type: bool}
    tick_time: {description: The net_ticktime in force in seconds; 0 while it is changing., type: int}
"""

NAMES = Path("/etc/rabbitmq/rabbitmq-env.conf")
HOME = "/var/lib/rabbitmq"  # with the cookie, which erl_call reads there
TIMEOUT = 30  # seconds

# Erlang's JSON encoder writes atoms as strings. Base64 because erl_call prints Erlang terms, escaped.
PROBE = """
Drained = rabbit_maintenance:is_being_drained_local_read(node()),
Quorum = [Queue || Queue <- rabbit_amqqueue:list(), amqqueue:get_type(Queue) == rabbit_quorum_queue],
Here = fun(Queue) -> lists:member(node(), maps:get(nodes, amqqueue:get_type_state(Queue), [])) end,
Stopped = fun(Queue) -> Here(Queue) andalso whereis(element(1, amqqueue:get_pid(Queue))) == undefined end,
Tick = case net_kernel:get_net_ticktime() of N when is_integer(N) -> N; _ -> 0 end,
base64:encode_to_string(iolist_to_binary(rabbit_json:encode(#{
    name => node(), members => rabbit_nodes:list_members(), running_nodes => rabbit_nodes:list_running(),
    queues => rabbit_amqqueue:count(), khepri => rabbit_feature_flags:is_enabled(khepri_db),
    unreplicated => length([Queue || Queue <- Quorum, not Here(Queue)]),
    stopped => lists:sublist([element(4, amqqueue:get_name(Q)) || not Drained, Q <- Quorum, Stopped(Q)], 50),
    maintenance => Drained,
    tick_time => Tick, alarms => [iolist_to_binary(io_lib:format("~p", [A])) || A <- rabbit_alarm:get_alarms()]}))).
"""


def node() -> list[str]:
    """The node as an argument of erl_call."""
    text = NAMES.read_text("utf-8") if NAMES.exists() else ""
    given = dict(re.findall(r"^\s*(\w+)=(\S+)", text, re.MULTILINE))
    name = given.get("NODENAME") or f"rabbit@{socket.gethostname().partition('.')[0]}"
    return ["-name" if given.get("USE_LONGNAME") == "true" else "-sname", name]


def evaluate(module: AnsibleModule, expression: str) -> str:
    """What a text that the node evaluates consists of; empty if it doesn't answer, or can't."""
    # As nobody but RabbitMQ's own user, for whom the cookie is. A node takes a name once: each call has its own.
    command = ["timeout", str(TIMEOUT), "runuser", "-u", "rabbitmq", "--"]
    command += ["erl_call", "-h", f"state{os.getpid()}", *node(), "-e"]
    code, out, _ = module.run_command(command, data=expression, cwd=HOME, environ_update={"HOME": HOME})
    answer = re.search(r'\{ok, "([^"]*)"\}', out)
    return answer[1] if code == 0 and answer else ""


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    state = {
        "running": False,
        "members": [],
        "running_nodes": [],
        "queues": 0,
        "khepri": False,
        "tick_time": 0,
        "unreplicated": 0,
        "stopped": [],
        "maintenance": False,
        "alarms": [],
    }
    if module.get_bin_path("rabbitmqctl") and (answer := evaluate(module, PROBE)):
        state.update(json.loads(base64.b64decode(answer)), running=True)
    module.exit_json(changed=False, state=state)


if __name__ == "__main__":
    main()
