"""App hosts that go away in a roll, and come back."""

from datetime import UTC, datetime

import pytest
import requests

from tests.load import Load

pytestmark = pytest.mark.lab

WANTED = {"service": "greeting", "release": "2.0.0"}


@pytest.mark.long
@pytest.mark.parametrize("how", ["powered_off", "cut_off"])
def test_a_host_that_missed_a_roll_takes_no_work_until_it_is_brought_up_to_date(
    how, lab, roll, second, at_home, states, running, playbook, await_condition, executions, base_url
):
    second("greeting")
    with getattr(lab, how)("app3"):
        roll("rollout", **WANTED, skip="app3", rollout_bake=0).check()
        back = datetime.now(UTC).isoformat()

    def held_back():
        return {state for name, state in states("greeting").items() if name.endswith("@app3")} == {"probation"}

    await_condition(held_back, 60, "app3 has compared itself with the record")
    await_condition(lambda: len(running("greeting")["app3"]) == 2, 60, "supervisor runs there again")

    def others_serve():
        return {state for name, state in states("trips").items() if name.endswith("@app3")} == {"admitted"}

    await_condition(others_serve, 60, "what the roll was not about takes calls there")
    assert {requests.get(f"{base_url}/hello/you", timeout=10).text for _ in range(50)} == {"Salut, you!"}
    assert {release for method, _, release, _ in executions(back) if method.startswith("greeting.")} == {"2.0.0"}
    assert playbook("status.yml").status != 0
    roll("rollout", **WANTED, rollout_bake=0).check()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
    playbook("status.yml").check()
    at_home()


@pytest.mark.parametrize(
    ("how", "lost"),
    [
        pytest.param("powered_off", "app1", id="off in its own batch"),
        pytest.param("powered_off", "app3", id="off in another's", marks=pytest.mark.long),
        pytest.param("cut_off", "app1", id="cut off in its own batch", marks=pytest.mark.long),
    ],
)
def test_a_host_that_is_lost_in_a_roll_has_it_withdrawn(
    how, lost, lab, second, begun_playbook, at_home, base_url, running, await_condition, record_testsuite_property
):
    second("greeting")
    extra = '{"rollout_bake": 0, "service": "greeting", "release": "2.0.0"}'
    with Load(base_url, repeats=True) as load, begun_playbook("rollout.yml", "--extra-vars", extra) as process:
        output = []
        for line in process.stdout:
            output.append(line)
            if "nameko_service : Start them" in line:
                break
        with getattr(lab, how)(lost):
            output += process.stdout.readlines()
            status = process.wait()
            text = "".join(output)
            assert status != 0
            assert f"{lost} can't be reached any more" in text
            assert f"skip={lost}" in text
    record_testsuite_property(f"{lost} {how}: of {load.sent} requests failed at the first try", len(load.repeated))
    assert not load.failures
    assert not load.lost()
    assert not load.twice()
    await_condition(lambda: len(running("greeting")[lost]) >= 2, 90, f"{lost} is back")
    at_home()
