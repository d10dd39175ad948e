"""What may stand in the catalogue, and what an operator is told when something else does."""

import pytest
from ansible.parsing.utils.yaml import from_yaml

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
        ({}, "services names nothing to run, which would end all that runs: give at least one service."),
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
        ({"greeting": entry(8120, instances=2.0)}, "greeting.instances must be a whole number from 1 to 10, not 2.0."),
        ({"greeting": entry(8100.0)}, "greeting.port must be a whole number from 1024 to 65516, not 8100.0."),
        (
            {"greeting": entry(8100, http={"port": 80.0})},
            "greeting.http.port must be a port from 1 to 65535, not 80.0.",
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
        ({"a": entry(8385)}, "a.port is 8385, but among its 20 ports 8404 belongs to HAProxy's own check: choose"),
        ({"a": entry(35665)}, "a.port is 35665, but among its 20 ports 35672 belongs to rabbitmqctl: choose another."),
        ({"a": entry(8100, http={"port": 22})}, "a.http.port is 22, which belongs to SSH: choose another port."),
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


def test_ports_that_are_taken_elsewhere_are_refused_too():
    (problem,) = catalogue.problems({"a": entry(2220)}, {2222: "SSH on app1"})

    assert problem == "a.port is 2220, but among its 20 ports 2222 belongs to SSH on app1: choose another."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read: No such file"),
        ("services:\n  a: {}\n  b: {}\n  a: {}\n", "line 4 is no valid YAML: the key a is there twice."),
        ("services:\n  a: {port: 1, release: 1, port: 2}\n", "line 2 is no valid YAML: the key port is there twice."),
        ("services: \0\n", "has the character 0x00, which YAML doesn't allow: delete it."),
        (b"services:\n  # caf\xe9\n", "line 2 has the byte 0xe9, which is no UTF-8: save the file as UTF-8."),
        ("services: {a: {settings: {day: 2026-13-45}}}\n", "is no valid YAML: month must be in 1..12"),
        ("services:\n  greeting: {release: 1.0.0\n", "line 3 is no valid YAML"),
        ("service:\n  greeting: {}\n", "needs the key `services`"),
        ("- greeting\n", "needs the key `services`"),
    ],
)
def test_a_file_that_is_no_catalogue_is_named(tmp_path, text, said):
    path = tmp_path / "services.yml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(FleetError) as refused:
        catalogue.load(path)

    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_ansibles_own_numbers_and_texts_are_numbers_and_texts():
    services = from_yaml("{greeting: {release: 1.0.0, instances: 2, workers: 10, port: 8120, http: {port: 8000}}}")

    assert type(services["greeting"]["port"]) is not int
    assert catalogue.problems(services) == []


def test_what_entries_share_may_be_written_once(tmp_path):
    path = tmp_path / "services.yml"
    path.write_text("services:\n  a: &a {port: 1, workers: 2}\n  b: &b {<<: *a, port: 3}\n  c: {<<: *b, workers: 4}\n")

    services = catalogue.load(path)

    assert services == {
        "a": {"port": 1, "workers": 2},
        "b": {"port": 3, "workers": 2},
        "c": {"port": 3, "workers": 4},
    }
