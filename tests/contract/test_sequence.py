"""In which order services roll, so that callers always find what they call."""

from fleet.contract.sequence import sequence


def contract(service, methods=(), calls=()):
    method = {"parameters": [], "more_positional": False, "more_keywords": False}
    use = {"positional": 0, "keywords": [], "unpacked_positional": False, "unpacked_keywords": False}
    by_service = {}
    for callee, name in calls:
        by_service.setdefault(callee, {})[name] = [use]
    return {
        "format": 1,
        "service": service,
        "methods": dict.fromkeys(methods, method),
        "events": {"handles": []},
        "routes": [],
        "calls": by_service,
        "unknown_calls": {},
        "notes": [],
    }


def running(name, one, **more):
    return {"service": name, "release": "1.0.0", "hosts": ["app1"], "contract": one, **more}


OLD_CALLEE, NEW_CALLEE = contract("shop_service", ["buy"]), contract("shop_service", ["buy", "sell"])
OLD_CALLER = contract("web_service", calls=[("shop_service", "buy")])
NEW_CALLER = contract("web_service", calls=[("shop_service", "sell")])


def test_a_caller_that_needs_what_is_new_in_its_callee_follows_it():
    now = [running("web", OLD_CALLER), running("shop", OLD_CALLEE)]
    order, breaks = sequence({"web": NEW_CALLER, "shop": NEW_CALLEE}, now)
    assert order == ["shop", "web"]
    assert not breaks


def test_on_the_way_back_the_caller_goes_first():
    now = [running("web", NEW_CALLER), running("shop", NEW_CALLEE)]
    order, breaks = sequence({"shop": OLD_CALLEE, "web": OLD_CALLER}, now, goes_back=True)
    assert order == ["web", "shop"]
    assert not breaks


def test_a_callee_does_not_go_back_while_a_caller_needs_what_is_new_in_it():
    now = [running("web", NEW_CALLER), running("shop", NEW_CALLEE)]
    _, breaks = sequence({"shop": OLD_CALLEE}, now, goes_back=True)
    assert {one.about for one in breaks} == {"shop_service.sell"}


def test_a_release_that_goes_back_may_lack_what_nobody_calls():
    now = [running("web", OLD_CALLER), running("shop", NEW_CALLEE)]
    assert sequence({"shop": OLD_CALLEE}, now)[1]
    assert not sequence({"shop": OLD_CALLEE}, now, goes_back=True)[1]


def test_a_caller_alone_is_refused_while_its_callee_is_old():
    order, breaks = sequence({"web": NEW_CALLER}, [running("web", OLD_CALLER), running("shop", OLD_CALLEE)])
    assert order == ["web"]
    assert breaks


def test_what_stays_beside_the_new_counts_to_the_end():
    now = [running("web", OLD_CALLER, stays=True), running("shop", OLD_CALLEE, stays=True)]
    (one,) = sequence({"web": NEW_CALLER, "shop": NEW_CALLEE}, now)[1]
    assert one.id == "web_service.calls.shop_service.sell:missing"
