"""What a service calls of others, and what can't be told of it."""

import pytest

from tests.contract.sources import contract

ANYHOW = (0, [], True, True)


def calls(code):
    """Calls in the body of a method: by service and method, each as a tuple, and the places that can't be followed."""
    described = contract(f"t = RpcProxy('trips')\nu = RpcProxy(target_service='users')\ndef m(self, x): {code}")
    made = {
        f"{service}.{method}": [tuple(site.values()) for site in sites]
        for service, methods in described["calls"].items()
        for method, sites in methods.items()
    }
    return made, described["unknown_calls"]


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ("return self.t.get(x)", {"trips.get": [(1, [], False, False)]}),
        ("self.t.get.call_async(x, b=2, a=1).result()", {"trips.get": [(1, ["a", "b"], False, False)]}),
        ("self.t.get.using(timeout=1)(x)", {"trips.get": [(1, [], False, False)]}),
        ("self.t.get.using(timeout=1).call_async()", {"trips.get": [(0, [], False, False)]}),
        ("self.t.get(x, *x, k=1, **x)", {"trips.get": [(1, ["k"], True, True)]}),
        ("self.t.get(self.u.find())", {"trips.get": [(1, [], False, False)], "users.find": [(0, [], False, False)]}),
        ("self.t.get(1); self.t.get(2); self.t.get()", {"trips.get": [(0, [], False, False), (1, [], False, False)]}),
        ("t = self.t; t.get(x)", {"trips.get": [(1, [], False, False)]}),
        ("t = self.t; get = t.get; get(x)", {"trips.get": [(1, [], False, False)]}),
        ("return [self.t.get(one) for one in x]", {"trips.get": [(1, [], False, False)]}),
        ("return (lambda: self.t.get(x))()", {"trips.get": [(1, [], False, False)]}),
        ("return map(self.t.get, x)", {"trips.get": [ANYHOW]}),
        ("spawn(self.t.get.call_async, x)", {"trips.get": [ANYHOW]}),
        ("self.other.get(x)", {}),
    ],
)
def test_a_call_is_told_however_it_is_made(code, made):
    assert calls(code) == (made, {})


@pytest.mark.parametrize(
    "code",
    [
        "getattr(self.t, x)(1)",
        "helper(self.t)",
        "return self.t",
        "self.t = x",
        "t = self.t if x else None",
        "t = self.t; t = x; t.get()",
        "x = self.t; x.get()",
    ],
)
def test_a_use_that_cannot_be_followed_is_told(code):
    assert calls(code) == ({}, {"trips": ["m"]})


@pytest.mark.parametrize("code", ["getattr(self, x).get()", "helper(self)"])
def test_whoever_gets_the_service_may_call_anything(code):
    assert calls(code) == ({}, {"trips": ["m"], "users": ["m"]})
