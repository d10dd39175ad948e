"""Whether all values of one schema are values of another, against what a validator says of the values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fleet.contract.subset import why_not

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 5) | st.sampled_from([0.5, 2.0, -1.5]) | st.text("ab", max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pqr"), inner, max_size=3),
    max_leaves=4,
)
SMALL = st.integers(0, 4)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def schemas_of(inner):
    keywords = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "properties": st.dictionaries(st.sampled_from("pqr"), inner, max_size=2),
        "required": st.lists(st.sampled_from("pqr"), unique=True, max_size=2),
        "additionalProperties": inner,
        "items": inner,
        "minimum": SMALL,
        "maximum": SMALL,
        "minLength": SMALL,
        "maxLength": SMALL,
        "pattern": st.sampled_from(["a", "^b"]),
        "title": st.just("whatever"),
    }
    some = st.lists(st.sampled_from(sorted(keywords)), unique=True, max_size=4)
    plain = some.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))
    return plain | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})


SCHEMAS = st.recursive(st.booleans() | st.fixed_dictionaries({"type": TYPES}), schemas_of, max_leaves=6)


@st.composite
def pairs(draw):
    """Two schemas that are often alike, so that one is often within the other."""
    one = draw(SCHEMAS)
    other = draw(SCHEMAS)
    if isinstance(one, dict) and draw(st.booleans()):
        other = {key: value for key, value in one.items() if draw(st.booleans())} | (
            {"type": draw(TYPES)} if draw(st.booleans()) else {}
        )
    return draw(st.permutations([one, other]))


@settings(deadline=None, max_examples=200)
@given(pairs(), st.lists(VALUES, min_size=5, max_size=10))
def test_what_is_called_a_subset_has_no_value_that_the_other_refuses(pair, values):
    narrow, wide = pair
    if why_not(narrow, wide) is None:
        allowed = [value for value in values if Draft202012Validator(narrow).is_valid(value)]
        assert [value for value in allowed if not Draft202012Validator(wide).is_valid(value)] == []


@settings(deadline=None)
@given(SCHEMAS)
def test_every_schema_is_within_itself_and_within_anything(schema):
    assert why_not(schema, schema) is None
    assert why_not(schema, True) is None


TEXT, WHOLE, NUMBER, NULL = ({"type": name} for name in ("string", "integer", "number", "null"))


def mapping(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required)}


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (WHOLE, NUMBER),
        (TEXT, {"type": ["string", "null"]}),
        (TEXT, {"anyOf": [TEXT, NULL]}),
        ({"anyOf": [TEXT, NULL]}, {"type": ["null", "string"]}),
        ({"type": "boolean"}, {"enum": [True, False]}),
        ({"enum": ["a"]}, TEXT),
        ({"const": 3}, {"type": "integer", "maximum": 3}),
        ({"type": "string", "minLength": 2, "maxLength": 3}, {"type": "string", "minLength": 1, "maxLength": 3}),
        ({"type": "array", "items": WHOLE}, {"type": "array", "items": NUMBER}),
        (mapping(["id"], id=TEXT), mapping(id=TEXT)),
        ({"type": "object", "additionalProperties": WHOLE}, {"type": "object"}),
        ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^a", "description": "of an id"}),
        ({"anyOf": [mapping(["a"], a=TEXT), NULL]}, {"anyOf": [NULL, mapping(a=TEXT)]}),
    ],
)
def test_what_is_within_another_is_seen_to_be(narrow, wide):
    assert why_not(narrow, wide) is None


@pytest.mark.parametrize(
    ("narrow", "wide", "said"),
    [
        (NUMBER, WHOLE, "the value may be number"),
        ({"anyOf": [TEXT, NULL]}, TEXT, "the value may be null"),
        (TEXT, {"enum": ["a", "b"]}, 'the value may be another string than ["a", "b"]'),
        ({"enum": ["a", "c"]}, {"enum": ["a", "b"]}, 'the value may be "c"'),
        (mapping(id=TEXT), mapping(["id"], id=TEXT), ".id may be missing"),
        (mapping(["id"], id=WHOLE), mapping(["id"], id=TEXT), ".id may be a whole number"),
        (
            mapping(rows={"type": "array", "items": mapping(id=TEXT)}),
            mapping(rows={"type": "array", "items": mapping(["id"], id=TEXT)}),
            ".rows[].id may be missing",
        ),
        (
            {"anyOf": [mapping(a=TEXT), NULL]},
            {"anyOf": [mapping(["a"], a=TEXT), NULL]},
            ".a may be missing",
        ),
        ({"type": "string"}, {"type": "string", "maxLength": 9}, "the value may be longer than 9"),
        ({"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 1}, "the value may be less than 1"),
        (
            {"type": "object"},
            {"type": "object", "additionalProperties": False},
            ".* is no longer allowed",
        ),
        (
            {"type": "string", "pattern": "^a"},
            {"type": "string", "pattern": "^b"},
            "it can't be proven for the value: the keyword pattern is compared for equality only",
        ),
        (
            {"type": "string", "anyOf": [{"maxLength": 1}]},
            TEXT,
            "it can't be proven for the value: there are other keywords beside anyOf",
        ),
    ],
)
def test_what_is_not_is_told_with_the_place(narrow, wide, said):
    assert why_not(narrow, wide) == said
