"""Bad releases withdraw by themselves: what ran before runs on, and nobody was served by them who could be spared."""

import pytest

from tests.load import Load

pytestmark = pytest.mark.lab

SERVICE, SMOKE = "src/greeting/service.py", "src/greeting/smoke.py"
IMPORTS = "from chassis.checks import checked_name\n"
ANSWER = '        return f"Hello, {checked_name(name)}!"\n'
LATER = "import os\n\nimport eventlet\n" + IMPORTS + "\neventlet.spawn_after({seconds}, os._exit, 1)\n"


def before_answer(line):
    return SERVICE, ANSWER, f"        {line}\n{ANSWER}"


# Why it is bad to its changes, and to what the operator reads. None of these ever answers a user.
UNPROVEN = {
    "a missing dependency": ([(SERVICE, IMPORTS, f"import not_installed_here\n{IMPORTS}")], "greeting-3.0.0"),
    "an error when it is imported": ([(SERVICE, IMPORTS, f"{IMPORTS}\n1 / 0\n")], "greeting-3.0.0"),
    "an end after three seconds": ([(SERVICE, IMPORTS, LATER.format(seconds=3))], "restarted|greeting-3.0.0"),
    "it never gets ready": ([(SERVICE, IMPORTS, f"import time\n\n{IMPORTS}\ntime.sleep(3600)\n")], "/ready"),
    "it hangs on calls": ([(SERVICE, ANSWER, "        import eventlet\n\n        eventlet.sleep(3600)\n")], "hello"),
    "a wrong answer": ([(SERVICE, "Hello, ", "Hola, ")], "expected 'Hello, fleet!', found 'Hola, fleet!'"),
}
FIVE_PERCENT = [
    (SERVICE, IMPORTS, f"import random\n\n{IMPORTS}"),
    before_answer("if name != 'fleet' and random.random() < 0.05:\n            raise RuntimeError('one in twenty')"),
]
SLOW = [(SERVICE, IMPORTS, f"import eventlet\n{IMPORTS}"), before_answer("eventlet.sleep(0.05)")]
MINUTE = [(SERVICE, IMPORTS, LATER.format(seconds=60))]
# Found among real calls: the changes, seconds of bake, and what the operator reads.
WORSE = {
    "errors on one call in twenty": (FIVE_PERCENT, 20, "error"),
    "ten times slower": (SLOW, 20, "95 % of the new revision's calls took up to"),
    "an end after a minute": (MINUTE, 75, "restart"),
}


def cases(found, once):
    """All of them in `make test-full`, the one of them that stands for the others in `make test`."""
    return [
        pytest.param(*value, id=name, marks=[] if name == once else pytest.mark.long) for name, value in found.items()
    ]


@pytest.mark.parametrize(("changes", "said"), cases(UNPROVEN, "a wrong answer"))
def test_a_release_that_cannot_prove_itself_serves_nobody(changes, said, bad, roll, base_url, pids, states):
    release = bad(*changes)
    before = pids("greeting")
    with Load(base_url) as load:
        run = roll("rollout", service="greeting", release=release)
    assert run.status != 0, run.output[-3000:]
    assert any(part in run.text.partition("TASK [The end]")[2] for part in said.split("|")), run.output[-3000:]
    assert "is withdrawn, and what ran before runs" in run.text
    assert not load.failures
    assert set(load.greetings) == {"Hello, NAME!"}
    assert pids("greeting") == before
    assert set(states("greeting").values()) == {"admitted"}


@pytest.mark.parametrize(("changes", "bake", "said"), cases(WORSE, "errors on one call in twenty"))
def test_one_that_does_worse_than_the_old_is_found_at_its_canary(
    changes, bake, said, bad, roll, base_url, pids, states
):
    release = bad(*changes)
    before = pids("greeting")
    with Load(base_url, rate=40, writes=False) as load:
        run = roll("rollout", service="greeting", release=release, rollout_bake=bake)
    assert run.status != 0, run.output[-3000:]
    assert said in run.text.partition("TASK [The end]")[2], run.output[-3000:]
    assert pids("greeting") == before
    assert set(states("greeting").values()) == {"admitted"}
    # A canary on one of three hosts takes a quarter of the calls, of which these releases fail a twentieth.
    assert len(load.failures) < load.sent / 40, load.failures[:5]
    assert all("/hello/" in failure for failure in load.failures)


def test_the_history_has_what_was_withdrawn_and_why(playbook):
    run = playbook("history.yml").check()
    assert "greeting 1.0.0 -> 3.0.0" in run.text
    assert "withdrawn in" in run.text
