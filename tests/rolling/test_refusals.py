"""What is refused before anything begins, with the reason."""

import pytest

pytestmark = pytest.mark.lab

SERVICE = "src/greeting/service.py"
REPLICAS_RUN = (
    "rabbitmqctl --silent eval 'lists:all(fun(Q) -> whereis(element(1, amqqueue:get_pid(Q))) =/= undefined end, "
    "[Q || Q <- rabbit_amqqueue:list(), amqqueue:get_type(Q) == rabbit_quorum_queue]).' || true"
)


def test_a_release_with_an_incompatible_contract_never_starts(bad, roll, pids, on_each, app_hosts):
    release = bad((SERVICE, "def hello(self, name: str)", "def hello(self, name: str, language: str)"))
    before = pids("greeting")
    run = roll("rollout", service="greeting", release=release)
    assert run.status != 0, run.output[-3000:]
    assert "nothing was changed" in run.text
    assert "-e allow_incompatible=greeting_service.hello" in run.text
    assert pids("greeting") == before
    assert not any("3.0.0" in found for found in on_each(app_hosts, "ls /opt/fleet/greeting").values())


def test_no_roll_begins_while_a_broker_node_is_down(second, roll, pids, on, await_condition):
    release = second("greeting")
    before = pids("greeting")
    on("core2", "systemctl stop rabbitmq-server")
    try:
        run = roll("rollout", service="greeting", release=release)
    finally:
        on("core2", "systemctl start rabbitmq-server")
        await_condition(lambda: on("core2", REPLICAS_RUN).strip() == "true", 60, "it runs again, and its replicas do")
    assert run.status != 0, run.output[-3000:]
    assert "core2" in run.text
    assert "nothing was changed" in run.text
    assert pids("greeting") == before
