"""What the prover says of smoke calls and of its own use, without instances."""

import importlib
import sys
import textwrap
from itertools import count

import pytest
from chassis.errors import NotFound
from chassis.prove import smoke
from chassis.prove.command import main
from chassis.prove.errors import Unproven

numbers = count(1)


class Subject:
    id = "tried-1@app1"

    def call(self, method, args, kwargs, _seconds, _call_id):
        if method == "find":
            raise NotFound("no\nx")
        return [method, list(args), kwargs]

    def http(self, method, path, _seconds, _content, _headers):
        raise ConnectionRefusedError(111, "Connection refused", method, path)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A function that writes a module `smoke` and returns the name of the module beside it."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(source):
        written.append(f"tried{next(numbers)}")
        folder = tmp_path / written[-1]
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "smoke.py").write_text(textwrap.dedent(source).strip() + "\n")
        importlib.invalidate_caches()
        return f"{folder.name}.service"

    yield write
    for name in list(sys.modules):
        if name.partition(".")[0] in written:
            del sys.modules[name]


WRONG = {
    'assert instance.call("hello", "x", a=1) == "", "expected nothing,\\nfound more."': (
        "answered the smoke call hello('x', a=1) wrongly: expected nothing, found more."
    ),
    'assert instance.call("hello", "x") == ""': "answered the smoke call hello('x') wrongly: see smoke.py, line 2.",
    """
    try:
        assert instance.call("hello") == "", "it is not"
    finally:
        instance.call("clean up")
    """: "answered the smoke call hello() wrongly: it is not.",
    """
    try:
        instance.call("find")
    finally:
        instance.call("clean up")
    """: "failed the smoke call find(): NotFound: no x.",
    """
    try:
        instance.call("hello").text
    finally:
        instance.call("find")
    """: "failed the smoke call find(): NotFound: no x.",
    'assert False, "it is Monday"': "failed its smoke calls before the first of them: it is Monday.",
    'instance.call("find", "x")': "failed the smoke call find('x'): NotFound: no x.",
    'instance.call("hello").text': "could not be judged by its smoke calls after hello(): AttributeError: "
    "'list' object has no attribute 'text' (smoke.py, line 2).",
    'instance.http("GET", "/x")': "did not answer the smoke call GET /x (connection refused).",
    'open("/none/such")': "could not be judged by its smoke calls: FileNotFoundError: [Errno 2] No such file or "
    "directory: '/none/such' (smoke.py, line 2).",
    "import eventlet; instance.call('a'); eventlet.sleep(60)": (
        "was not through with its smoke calls in time; the last was a()."
    ),
}


def _indented(lines):
    return textwrap.indent(textwrap.dedent(lines).strip(), "    ")


@pytest.mark.parametrize("line", WRONG)
def test_what_fails_is_told_in_one_sentence(package, monkeypatch, line):
    monkeypatch.setattr(smoke, "LEAST_SECONDS", 0)
    run = smoke.smoke_function(package(f"def smoke(instance):\n{_indented(line)}"))
    with pytest.raises(Unproven) as raised:
        smoke.run(run, smoke.SmokeInstance(Subject(), 0), "tried-1@app1", 0.5)
    assert str(raised.value) == f"tried-1@app1 {WRONG[line]}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nothing_like_it", "can't be imported: ModuleNotFoundError: No module named 'nothing_like_it'."),
        ("def smoke(instance:", "can't be imported: SyntaxError: "),
        ("", "has no function smoke(instance)."),
    ],
)
def test_broken_smoke_calls_are_no_missing_ones(package, source, reason):
    with pytest.raises(smoke.SmokeModuleError) as raised:
        smoke.smoke_function(package(source))
    assert reason in str(raised.value)


GOOD = "{AMQP_URI: 'amqp://h/', WEB_SERVER_ADDRESS: 127.0.0.1:1, INSTANCE: {id: a, service: nothing, release: '1'}}"
UNUSABLE = {
    None: "can't be read: No such file or directory",
    "[]": "must be a mapping",
    "INSTANCE: {id: a": "line 1",
    "AMQP_URI: amqp://127.0.0.1/": "INSTANCE is missing",
    "INSTANCE: {id: a, service: proven, release: '1'}": "AMQP_URI is missing",
    "{AMQP_URI: 'amqp://h/', INSTANCE: {id: a, service: proven, release: '1'}}": "WEB_SERVER_ADDRESS must be",
    GOOD: "nothing.service is not in this Python's packages",
}


@pytest.mark.parametrize("config", UNUSABLE)
def test_a_configuration_that_is_none_is_refused_in_a_sentence(tmp_path, capsys, config):
    path = tmp_path / "config.yml"
    if config is not None:
        path.write_text(config)
    assert_refused([str(path)], UNUSABLE[config], capsys)


def test_a_wrong_use_is_refused_in_a_sentence(tmp_path, capsys):
    path = tmp_path / "config.yml"
    path.write_text(GOOD)
    assert_refused([str(path), str(path)], "a is named 2 times", capsys)
    assert_refused([str(path), "--timeout=soon"], "invalid", capsys)
    assert_refused([str(path), "--settle=-1"], "must be 0 to 3600 seconds", capsys)
    assert_refused([], "required: config", capsys)


def assert_refused(arguments, text, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert text in told.err
