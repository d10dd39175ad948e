"""A new release of a service held against an old one, both of which answer from one queue."""

import pytest

from fleet.contract import compare
from fleet.contract.callers import caller_breaks
from tests.contract.sources import IMPORTS, contract


def ids(old, new):
    return [one.id for one in compare(contract(old), contract(new))]


def test_a_release_is_compatible_with_itself():
    body = "def get(self, a: str) -> str: ...\n@http('GET', '/')\ndef route(self, request): ..."

    assert ids(body, body) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "def get(self): ..."),
        ("def get(self): ...", "def get(self) -> str: ..."),
        ("def get(self) -> str | None: ...", "def get(self) -> str: ..."),
        ("def get(self, a: Literal['x']): ...", "def get(self, a: str, b: int = 0): ..."),
        ("@http('GET', '/<id>')\ndef a(self, r, id): ...", "@http('GET', '/<name>')\ndef b(self, r, name): ..."),
        ("@http('GET,PUT', '/')\ndef a(self, r): ...", "@http('PUT,GET,POST', '/')\ndef a(self, r): ..."),
        (
            "@http('GET', '/<int:id>')\ndef a(self, r, id): ...\n@http('GET', '/<name>')\ndef b(self, r, name): ...",
            "@http('GET', '/<int:id>')\ndef a(self, r, id): ...\n@http('GET', '/<name>')\ndef b(self, r, name): ...",
        ),
        (
            "@event_handler('s', 'e')\ndef a(self, p): ...",
            "@event_handler('s', 'e')\ndef a(self, p, q=0): ...\n@event_handler('s', 'e')\ndef b(self, p): ...",
        ),
        (
            "@event_handler('s', 'e', handler_type=SINGLETON)\ndef a(self, p): ...",
            "@event_handler('s', 'e', handler_type='singleton')\ndef b(self, p): ...",
        ),
        (
            "@event_handler('s', 'e', BROADCAST, reliable_delivery=False)\ndef a(self, p): ...",
            "@event_handler('s', 'e', BROADCAST, False)\ndef b(self, p): ...",
        ),
        ("@consume(requeue_on_error=True, queue=QUEUE)\ndef a(self, p): ...", "@consume(QUEUE)\ndef b(self, p): ..."),
        ("def get(self, a: Given): ...", "def get(self, a: GivenMore): ..."),
        ("def get(self) -> GivenMore: ...", "def get(self) -> Given: ..."),
        ("def get(self) -> Given: ...", "def get(self) -> GivenMore: ..."),
        ("def get(self, a: Literal['x', None]): ...", "def get(self, a: str | None): ..."),
    ],
)
def test_what_callers_can_live_with_is_no_break(old, new):
    imports = IMPORTS + (
        "from nameko.events import BROADCAST, SINGLETON\nfrom nameko.messaging import consume\n"
        "class Given(TypedDict):\n    id: str\nclass GivenMore(Given):\n    note: NotRequired[str]\n"
    )

    assert compare(contract(old, imports=imports), contract(new, imports=imports)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected", "said"),
    [
        ("def get(self): ...", "", "airports_service.get:removed", "The method get is gone."),
        (
            "def get(self) -> str: ...",
            "def get(self) -> str | None: ...",
            "airports_service.get.result:changed",
            "The result of airports_service.get is not what callers were promised: the value may be null.",
        ),
        (
            "def get(self) -> Full: ...",
            "def get(self) -> Part: ...",
            "airports_service.get.result:changed",
            "The result of airports_service.get is not what callers were promised: .id may be missing.",
        ),
        (
            "def get(self) -> str: ...",
            "def get(self): ...",
            "airports_service.get.result:undeclared",
            "airports_service.get no longer declares its result",
        ),
        (
            "def get(self, a: str | None): ...",
            "def get(self, a: str): ...",
            "airports_service.get.a:narrowed",
            (
                "The parameter a of airports_service.get takes less than it did: for callers of the old release the"
                " value may be null."
            ),
        ),
        (
            "@http('DELETE', '/airport/<id>')\ndef a(self, r, id): ...",
            "",
            "airports_service.DELETE/airport/{}:removed",
            "The route DELETE /airport/<id> is gone.",
        ),
        (
            "@http('GET', '/airport/<id>')\ndef a(self, r, id): ...",
            "@http('GET', '/airport/<int:id>')\ndef a(self, r, id): ...",
            "airports_service.GET/airport/{}:changed",
            "The route GET /airport/<id> is /airport/<int:id> now",
        ),
        (
            "@event_handler('trips_service', 'made')\ndef a(self, p): ...",
            "@event_handler('trips_service', 'gone')\ndef a(self, p): ...",
            "airports_service.on.trips_service.made:removed",
            "The event trips_service.made is no longer handled",
        ),
        (
            "@event_handler('trips_service', 'made')\ndef a(self, p): ...",
            "@event_handler('trips_service', 'made')\ndef b(self, p): ...",
            "airports_service.on.trips_service.made.a:moved",
            "The event trips_service.made was handled by a (service_pool) and is by b (service_pool) now",
        ),
        (
            "@event_handler('trips_service', 'made')\ndef a(self, p): ...",
            "@event_handler('trips_service', 'made', handler_type='singleton')\ndef a(self, p): ...",
            "airports_service.on.trips_service.made.a:moved",
            "The event trips_service.made was handled by a (service_pool) and is by a (singleton) now",
        ),
        (
            "@event_handler('trips_service', 'made')\ndef a(self, p): ...",
            "@event_handler('trips_service', 'made', 'service_pool', False)\ndef a(self, p): ...",
            "airports_service.on.trips_service.made.a:moved",
            "The event trips_service.made was handled by a",
        ),
        (
            "@event_handler('s', 'e')\ndef a(self, p): ...\n@event_handler('s', 'e')\ndef b(self, p): ...",
            "@event_handler('s', 'e')\ndef a(self, p): ...",
            "airports_service.on.s.e.b:moved",
            "The event s.e was handled by b",
        ),
        (
            "@consume(QUEUE)\ndef a(self, p): ...",
            "@consume(OTHER)\ndef a(self, p): ...",
            "airports_service.consumes.a:changed",
            "The queue QUEUE is no longer consumed, or is written in another way",
        ),
        (
            "def get(self, a: Part): ...",
            "def get(self, a: Full): ...",
            "airports_service.get.a:narrowed",
            "The parameter a of airports_service.get takes less than it did",
        ),
    ],
)
def test_what_they_can_not_is_told_by_an_id_that_can_be_typed(old, new, expected, said):
    imports = IMPORTS + (
        "from nameko.messaging import consume\nclass Full(TypedDict):\n    id: str\n"
        "class Part(TypedDict, total=False):\n    id: str\n"
    )

    (one,) = compare(contract(old, imports=imports), contract(new, imports=imports))

    assert one.id == expected
    assert one.problem.startswith(said)
    assert one.remedy.endswith(".")
    assert not set(one.id) & set(" ,'\"<>$&|;()")


def test_a_service_of_another_name_answers_nobody():
    (one,) = compare(contract(name="a_service"), contract(name="b_service"))

    assert one.id == "a_service:renamed"


def misfits(call, method):
    caller = contract(f"a = RpcProxy('airports_service')\ndef m(self, x): self.a.get{call}", name="trips_service")
    return [(one.id, one.problem) for one in caller_breaks(caller, contract(method), "First this.")]


@pytest.mark.parametrize(
    ("call", "method"),
    [
        ("(1)", "def get(self, a): ..."),
        ("(1)", "def get(self, a, b=2, *, c=3): ..."),
        ("(1, c=3)", "def get(self, a, *, c): ..."),
        ("(b=1, a=2)", "def get(self, a, b): ..."),
        ("(1, 2, z=3)", "def get(self, *args, **kwargs): ..."),
        ("(1, a=2)", "def get(self, a, /, **kwargs): ..."),
        ("(*x)", "def get(self, a, b): ..."),
        ("(1, **x)", "def get(self, a, *, b): ..."),
    ],
)
def test_a_call_that_fits_is_no_break(call, method):
    assert misfits(call, method) == []


@pytest.mark.parametrize(
    ("call", "method", "why"),
    [
        ("(1, 2)", "def get(self, a): ...", "with 2 positional argument(s), and it takes 1"),
        ("()", "def get(self, a): ...", "without a, which it needs"),
        ("(1, b=2)", "def get(self, a): ...", "with the keyword b, which it doesn't know"),
        ("(1, a=2)", "def get(self, a): ...", "with a twice, by position and by name"),
        ("(a=1)", "def get(self, a, /): ...", "with the keyword a, which it doesn't know"),
        ("(*x)", "def get(self, a, *, b): ...", "without b, which it needs"),
        ("(1, 2, *x)", "def get(self, a): ...", "with 2 positional argument(s), and it takes 1"),
        ("(**x)", "def get(self, a, /): ...", "without a, which it needs"),
    ],
)
def test_one_that_does_not_is_named_with_both(call, method, why):
    assert misfits(call, method) == [
        ("trips_service.calls.airports_service.get:unfit", f"trips_service calls airports_service.get {why}.")
    ]


def test_a_method_that_is_not_there_is_named_with_both():
    assert misfits("()", "def put(self): ...") == [
        (
            "trips_service.calls.airports_service.get:missing",
            "trips_service calls airports_service.get, which is not there.",
        )
    ]
