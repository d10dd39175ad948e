"""What is read of a service's source, without running any of it."""

import json

import pytest

from fleet import paths
from fleet.contract import as_text, places
from fleet.errors import FleetError
from tests.contract.sources import IMPORTS, contract, of


def test_nothing_of_a_source_is_run():
    described = of("raise SystemExit\nimport gone\nfrom nameko.rpc import rpc\n" + CLASS)

    assert list(described["methods"]) == ["get"]


OTHER = "from nameko.rpc import rpc\nclass Base:\n    @rpc\n    def get(self, a): ...\n"
CLASS = "class S:\n    name = 's'\n    @rpc\n    def get(self, a): ...\n"


@pytest.mark.parametrize(
    "source",
    [
        "from chassis.rpc import rpc\n" + CLASS,
        "from chassis.rpc import rpc as remote\n" + CLASS.replace("@rpc", "@remote"),
        "import nameko.rpc\n" + CLASS.replace("@rpc", "@nameko.rpc.rpc"),
        "from nameko import rpc as module\n" + CLASS.replace("@rpc", "@module.rpc(expected_exceptions=KeyError)"),
        "from nameko.rpc import rpc\nremote = rpc\n" + CLASS.replace("@rpc", "@remote"),
        "from package.other import rpc\n" + CLASS,
        "from .other import *\n" + CLASS,
        "try:\n    from chassis.rpc import rpc\nexcept ImportError:\n    from nameko.rpc import rpc\n" + CLASS,
        "from nameko.rpc import rpc\nNAME = 's'\n" + CLASS.replace("'s'", "NAME"),
        "from package.other import Base\nclass S(Base):\n    name = 's'\n",
        "from package import other\nclass S(other.Base):\n    name = 's'\n",
        "from package.named import Named as Service\n",
    ],
)
def test_a_method_is_found_under_whatever_name_its_decorator_or_class_has(source):
    described = of(source, other=OTHER, named=OTHER + "class Named(Base):\n    name = 's'\n")

    assert (described["service"], list(described["methods"])) == ("s", ["get"])


def test_a_method_that_is_overridden_without_the_decorator_is_none():
    described = of("from .other import Base\nclass S(Base):\n    name = 't'\n    def get(self): ...", other=OTHER)

    assert (described["service"], described["methods"]) == ("t", {})


def test_parameters_are_told_with_their_kind_and_whether_they_are_required():
    described = contract("def get(self, a, /, b, c=1, *, d, e=2): ...\ndef put(self, *args, **kwargs): ...")

    parameters = [tuple(one.values()) for one in described["methods"]["get"]["parameters"]]
    assert parameters == [
        ("a", "positional_only", True),
        ("b", "positional_or_keyword", True),
        ("c", "positional_or_keyword", False),
        ("d", "keyword_only", True),
        ("e", "keyword_only", False),
    ]
    assert described["methods"]["put"] == {"parameters": [], "more_positional": True, "more_keywords": True}


TYPES = """
class Base(TypedDict):
    id: str

class Row(Base, total=False):
    rank: Required[int]
    note: str

Trip = TypedDict("Trip", {"from": str, "to": NotRequired[str]})
Id = NewType("Id", str)
Ids = list[Id]
"""


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", {"type": "string"}),
        ("float", {"type": "number"}),
        ("None", {"type": "null"}),
        ("Any", {}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        ("dict[str, bool]", {"type": "object", "additionalProperties": {"type": "boolean"}}),
        ("str | None", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("Optional[str]", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("Union[str, int, str]", {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ("'str'", {"type": "string"}),
        ("Literal['a', 1]", {"enum": ["a", 1]}),
        ("Ids", {"type": "array", "items": {"type": "string"}}),
        ("Annotated[str, 'a name', {'maxLength': 200}]", {"type": "string", "maxLength": 200}),
        (
            "Row",
            {
                "type": "object",
                "properties": {"id": {"type": "string"}, "rank": {"type": "integer"}, "note": {"type": "string"}},
                "required": ["id", "rank"],
                "x-closed": True,
            },
        ),
        (
            "Trip",
            {
                "type": "object",
                "properties": {"from": {"type": "string"}, "to": {"type": "string"}},
                "required": ["from"],
                "x-closed": True,
            },
        ),
    ],
)
def test_annotations_become_schemas_wherever_they_are_defined(annotation, schema):
    other = IMPORTS + TYPES
    imports = f"{IMPORTS}\nfrom package.other import Row, Trip, Ids\n"

    described = contract(f"def get(self, a: {annotation}) -> {annotation}: ...", imports=imports, other=other)

    method = described["methods"]["get"]
    assert (method["parameters"][0]["schema"], method["result"]) == (schema, schema)
    assert described["notes"] == []


@pytest.mark.parametrize(
    "annotation",
    [
        "bytes",
        "Decimal",
        "list[Decimal]",
        "dict[int, str]",
        "'str['",
        "f()",
        "Literal[1.5]",
        "Annotated[str, {'maxLength': 'long'}]",
        "Annotated[str, {'$ref': '#'}]",
        "Annotated[str | None, {'maxLength': 3}]",
        "Endless",
    ],
)
def test_an_annotation_that_says_no_schema_counts_as_none_and_is_told(annotation):
    imports = f"{IMPORTS}\nclass Endless(TypedDict):\n    a: 'Endless'\n"

    described = contract(f"def get(self, a: {annotation}) -> str: ...", imports=imports)

    assert "schema" not in described["methods"]["get"]["parameters"][0]
    (note,) = described["notes"]
    assert note.startswith("get: the parameter a counts as not declared, for ")


def test_events_and_routes_are_told():
    described = contract(
        """
        @event_handler('trips_service', event_type='made')
        def made(self, payload): ...
        @http('GET,POST', '/airport/<int:id>')
        def route(self, request, id): ...
        """.replace("        ", "")
    )

    assert described["events"]["handles"] == [
        {
            "service": "trips_service",
            "event": "made",
            "method": "made",
            "handler_type": "service_pool",
            "reliable": True,
        }
    ]
    assert described["routes"] == [
        {"method": "GET", "path": "/airport/<int:id>"},
        {"method": "POST", "path": "/airport/<int:id>"},
    ]
    assert described["methods"] == {}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("@http('GET', PATH + 'a')\ndef m(self, r): ...", "m: what it answers to can't be read from the source"),
        ("@elsewhere.task\ndef m(self): ...", "m: whether elsewhere.task makes it callable can't be told"),
        ("other = RpcProxy(choose())", "Which service other calls can't be read from the source"),
    ],
)
def test_what_cannot_be_read_is_told(body, said):
    (note,) = contract(body)["notes"]

    assert note.startswith(said)


def test_a_base_from_elsewhere_is_told():
    (note,) = of("from shared import Base\nclass S(Base):\n    name = 's'\n")["notes"]

    assert note == "S inherits from Base, which is not in its package: what that adds is not known."


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", 'src/package/service.py has no service: it needs a class with name = "..._service".'),
        ("class S:\n  name = f()", "src/package/service.py doesn't say the name of S as text"),
        (
            "from nameko.rpc import rpc\n" + CLASS + CLASS.replace("class S", "class T"),
            "src/package/service.py has several services (S, T), but a release is one",
        ),
        ("class S:\n  def", "src/package/service.py, line 2 can't be read as Python ("),
        ("from .other import *", "src/package/other.py, line 1 can't be read as Python ("),
    ],
)
def test_a_source_without_one_service_is_refused_with_what_to_write(source, said):
    with pytest.raises(FleetError) as refused:
        of(source, other="def")

    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "source", ["a = b\nb = a\nclass S(a):\n  name = a\n", "from .other import x\nclass S(x):\n  name = x\n"]
)
def test_names_that_go_in_circles_end(source):
    with pytest.raises(FleetError, match="doesn't say the name of S as text"):
        of(source, other="from .service import x\n")


@pytest.mark.parametrize("service", ["greeting", "airports", "trips", "gateway"])
def test_of_the_fleets_own_services_everything_is_declared(service):
    described = places.of_source(paths.SERVICES / service)

    assert described["service"] == f"{service}_service"
    assert (described["notes"], described["unknown_calls"]) == ([], {})
    for method in described["methods"].values():
        assert "result" in method
        assert all("schema" in parameter for parameter in method["parameters"])


def test_the_order_of_a_source_does_not_matter():
    one = contract("def a(self): ...\ndef b(self): ...\nt = RpcProxy('t')\ndef c(self): self.t.x(); self.t.y(1)")
    other = contract("t = RpcProxy('t')\ndef c(self): self.t.y(1); self.t.x()\ndef b(self): ...\ndef a(self): ...")

    assert as_text(one) == as_text(other)
    assert json.loads(as_text(one)) == one
