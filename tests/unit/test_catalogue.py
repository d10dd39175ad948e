"""What may stand in the catalogue, and what an operator is told when something else does."""

import pytest

from fleet import catalogue, paths
from fleet.errors import FleetError


def entry(port, **more):
    return {"release": "1.0.0", "instances": 2, "workers": 10, "port": port, **more}


def test_the_catalogue_of_the_repository_is_sound():
    assert catalogue.problems(catalogue.load(paths.CATALOGUE)) == []


def test_what_an_entry_leaves_out_gets_its_default():
    services = {"greeting": entry(8120), "airports": entry(8140, call_timeout=30, redis={"write": ["airport:*"]})}

    complete = catalogue.complete(services)

    assert complete["greeting"] == entry(
        8120, http=None, redis=None, settings={}, secrets=[], call_timeout=10, log_level="INFO"
    )
    assert complete["airports"]["call_timeout"] == 30
    assert complete["airports"]["redis"] == {"write": ["airport:*"], "read": []}


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ("greeting", "services must be a mapping of names to what is to run, not 'greeting'."),
        ({"greeting": None}, "greeting must be a mapping of keys such as release, not None."),
        ({"Greeting": entry(8120)}, "'Greeting' can't name a service: use up to 20 lower-case letters"),
        ({"to-do": entry(8120)}, "'to-do' can't name a service"),
        ({5: entry(8120)}, "5 can't name a service"),
        ({"operator": entry(8120)}, "operator can't name a service, the platform uses it itself"),
        ({"greeting": entry(8120, worker=3)}, "greeting has the unknown key worker: did you mean workers? valid: call"),
        (
            {"greeting": entry(8120, http={"prot": 80, "port": 80})},
            "greeting.http has the unknown key prot: did you me",
        ),
        ({"greeting": entry(8120, release=1.0)}, "greeting.release must be an exact version as text, such as 1.4.0"),
        ({"greeting": entry(8120, release=">=1.0")}, "greeting.release must be an exact version as text"),
        ({"greeting": entry(8120, release="latest")}, "not 'latest'."),
        ({"greeting": entry(8120, instances=11)}, "greeting.instances must be a whole number from 1 to 10, not 11."),
        (
            {"greeting": entry(8120, instances=True)},
            "greeting.instances must be a whole number from 1 to 10, not True.",
        ),
        ({"greeting": entry(8120, workers="10")}, "greeting.workers must be a whole number from 1 to 1000, not '10'."),
        ({"greeting": entry(80)}, "greeting.port must be a whole number from 1024 to"),
        ({"greeting": entry(8120, http=8000)}, "greeting.http must be a mapping with the key port, not 8000."),
        (
            {"greeting": entry(8120, redis={"wirte": []})},
            "greeting.redis has the unknown key wirte: did you mean write",
        ),
        ({"greeting": entry(8120, redis={"write": "a:*"})}, "greeting.redis.write must be a list of key patterns, not"),
        ({"greeting": entry(8120, redis={"write": ["a *"]})}, "greeting.redis.write.0 must be text without spaces"),
        (
            {"greeting": entry(8120, settings=["a"])},
            "greeting.settings must be a mapping of names to values, not ['a'].",
        ),
        (
            {"greeting": entry(8120, settings={"AMQP_URI": ""})},
            "greeting.settings names AMQP_URI, which the platform s",
        ),
        ({"greeting": entry(8120, secrets=["LOGGING"])}, "greeting.secrets.0 names LOGGING, which the platform sets"),
        ({"greeting": entry(8120, secrets=["a b"])}, "greeting.secrets.0 must be a name of letters, digits and _"),
        ({"greeting": entry(8120, log_level="info")}, "greeting.log_level must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"greeting": {"instances": 2, "workers": 10, "port": 8120}}, "greeting lacks release: an exact version"),
        (
            {"a": entry(8100), "b": entry(8119)},
            "a.port is 8100 and b.port 8119, but each has 20 ports from its own on: give b one from 8120 on.",
        ),
        (
            {"a": entry(8100, http={"port": 8145}), "b": entry(8140)},
            "b.port is 8140, but among its 20 ports 8145 belongs to a's clients: choose another.",
        ),
        ({"a": entry(5660)}, "a.port is 5660, but among its 20 ports 5672 belongs to RabbitMQ: choose another."),
        ({"a": entry(8100, http={"port": 6379})}, "a.http.port is 6379, which belongs to Redis: choose another port."),
        (
            {"a": entry(8100, http={"port": 80}), "b": entry(8120, http={"port": 80})},
            "b.http.port is 80, which belongs to a: choose another port.",
        ),
    ],
)
def test_a_mistake_is_answered_with_what_is_valid(services, said):
    (problem,) = catalogue.problems(services)

    assert said in problem


@pytest.mark.parametrize(
    ("key", "lowest", "highest"),
    [("instances", 1, 10), ("workers", 1, 1000), ("port", 1024, 65516), ("call_timeout", 1, 600), ("http", 1, 65535)],
)
def test_numbers_have_bounds(key, lowest, highest):
    def problems(value):
        return catalogue.problems({"greeting": entry(8120) | {key: {"port": value} if key == "http" else value}})

    assert problems(lowest) == problems(highest) == []
    assert len(problems(lowest - 1)) == len(problems(highest + 1)) == 1


def test_neighbouring_blocks_of_ports_are_fine():
    assert catalogue.problems({"a": entry(8120), "b": entry(8100), "c": entry(8140)}) == []


def test_all_mistakes_are_told_at_once():
    services = {"greeting": entry(8120, worker=1, instances=0), "airports": entry("8140")}

    problems = catalogue.problems(services)

    assert len(problems) == 3
    with pytest.raises(FleetError) as refused:
        catalogue.complete(services)
    assert all(problem in str(refused.value) for problem in problems)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read: No such file"),
        ("services:\n  greeting: {release: 1.0.0\n", "line 3 is no valid YAML"),
        ("service:\n  greeting: {}\n", "needs the key `services`"),
        ("- greeting\n", "needs the key `services`"),
    ],
)
def test_a_file_that_is_no_catalogue_is_named(tmp_path, text, said):
    path = tmp_path / "services.yml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(FleetError) as refused:
        catalogue.load(path)

    assert str(path) in str(refused.value)
    assert said in str(refused.value)
