"""What one RabbitMQ node knows of itself and its cluster; changes nothing."""

from __future__ import annotations

import base64
import json
import re

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rabbitmq_state
short_description: What one RabbitMQ node knows of itself and its cluster
description:
  - One call of C(rabbitmqctl eval), because each call of rabbitmqctl starts a virtual machine and
    costs more than a second of CPU time.
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
        Quorum queues whose replica on this node doesn't run, though the node isn't drained. Consumers on this node get
        nothing from them.
      type: list
    maintenance: {description: "Whether it is drained, and so takes no clients.", type: bool}
    tick_time: {description: The net_ticktime in force in seconds; 0 while it is changing., type: int}
"""

# Erlang's JSON encoder writes atoms as strings. Base64 because `eval` prints Erlang terms, escaped.
PROBE = """
Drained = rabbit_maintenance:is_being_drained_local_read(node()),
Quorum = [Queue || Queue <- rabbit_amqqueue:list(), amqqueue:get_type(Queue) == rabbit_quorum_queue],
Here = fun(Queue) -> lists:member(node(), maps:get(nodes, amqqueue:get_type_state(Queue), [])) end,
Stopped = fun(Queue) -> Here(Queue) andalso whereis(element(1, amqqueue:get_pid(Queue))) == undefined end,
Tick = case net_kernel:get_net_ticktime() of N when is_integer(N) -> N; _ -> 0 end,
base64:encode(iolist_to_binary(rabbit_json:encode(#{
    name => node(), members => rabbit_nodes:list_members(), running_nodes => rabbit_nodes:list_running(),
    queues => rabbit_amqqueue:count(), khepri => rabbit_feature_flags:is_enabled(khepri_db),
    unreplicated => length([Queue || Queue <- Quorum, not Here(Queue)]),
    stopped => [element(4, amqqueue:get_name(Queue)) || not Drained, Queue <- Quorum, Stopped(Queue)],
    maintenance => Drained,
    tick_time => Tick, alarms => [iolist_to_binary(io_lib:format("~p", [A])) || A <- rabbit_alarm:get_alarms()]}))).
"""


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
    if module.get_bin_path("rabbitmqctl"):
        code, out, _ = module.run_command(["rabbitmqctl", "--silent", "eval", PROBE])
        answer = re.search(r'<<"([A-Za-z0-9+/=]*)">>', out)
        if code == 0 and answer:
            state.update(json.loads(base64.b64decode(answer[1])), running=True)
    module.exit_json(changed=False, state=state)


if __name__ == "__main__":
    main()
