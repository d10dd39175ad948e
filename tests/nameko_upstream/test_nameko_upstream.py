"""Nameko's own tests of RPC pass with the chassis in the place of `nameko.rpc`, but for what is known to differ."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.long


def _load(name):
    # This folder is no package: the tests in it run in another process.
    spec = importlib.util.spec_from_file_location(f"nameko_upstream_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


differences, upstream = _load("differences"), _load("upstream")


def failed(results):
    return {test: result["why"] for test, result in results.items() if result["outcome"] == "failed"}


def test_stock_nameko_passes_them_all():
    results, output = upstream.run("stock")
    assert failed(results) == {}, output[-3000:]
    assert sum(result["outcome"] == "passed" for result in results.values()) >= 128


def test_the_drop_in_fails_what_is_meant_to_differ_and_nothing_else():
    results, output = upstream.run("drop-in")
    found = failed(results)
    known = {name for name in differences.DIFFERENCES for test in found if test.startswith(name)}
    new = {test: why for test, why in found.items() if not test.startswith(tuple(differences.DIFFERENCES))}

    assert new == {}, output[-3000:]
    assert known == differences.DIFFERENCES.keys(), "what does not differ any more must not stand there"
    assert any(result["drop_in"] and result["outcome"] == "passed" for result in results.values())
