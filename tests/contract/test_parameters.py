"""Signatures side by side: whoever could call the old one can call the new one, or the break is told."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.contract import extract
from fleet.contract.parameters import parameter_breaks


def method(written):
    """The contract's form of a method with these parameters."""
    source = f"from nameko.rpc import rpc\nclass S:\n    name = 's'\n    @rpc\n    def m(self, {written}): ...\n"
    return extract({"s.py": source.encode()}, "s")["methods"]["m"]


def breaks(old, new):
    return [one.id.removeprefix("s.m") for one in parameter_breaks("s.m", method(old), method(new))]


@st.composite
def signatures(draw):
    names = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4))
    only, both = sorted(draw(st.tuples(st.integers(0, len(names)), st.integers(0, len(names)))))
    first_default = draw(st.integers(0, len(names)))
    parts = [f"{name}=0" if index >= first_default else name for index, name in enumerate(names)]
    parts[both:] = [name if draw(st.booleans()) else f"{name[0]}=0" for name in parts[both:]]
    more = draw(st.booleans())
    star = ["*args"] if more else (["*"] if parts[both:] else [])
    slash = ["/"] if only else []
    more_keywords = ["**kwargs"] if draw(st.booleans()) else []
    return ", ".join([*parts[:only], *slash, *parts[only:both], *star, *parts[both:], *more_keywords])


def function(written):
    scope = {}
    exec(f"def m({written}): ...", scope)  # noqa: S102 - made up above
    return scope["m"]


# Each number of positional arguments with each choice of keywords.
CALLS = [
    (range(count), dict.fromkeys(names, 0))
    for count in range(6)
    for size in range(4)
    for names in itertools.combinations("abcde", size)
]


def takes(one, args, kwargs):
    try:
        one(*args, **kwargs)
    except TypeError:
        return False
    return True


@settings(deadline=None, max_examples=300)
@given(signatures(), signatures())
def test_without_a_break_whatever_could_be_called_can_be(old, new):
    if not breaks(old, new):
        before, after = function(old), function(new)
        assert [one for one in CALLS if takes(before, *one) and not takes(after, *one)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a", "a"),
        ("a", "a, b=1"),
        ("a", "a, *, b=1"),
        ("a", "a=1"),
        ("a, /", "b, /"),
        ("a, /", "a"),
        ("*, a", "a"),
        ("*, a", "**more"),
        ("a, b=1", "a, b=2, *args, **more"),
        ("a: str", "a: str | None"),
        ("a", "a: str"),
        ("*, a, b", "*, b, a"),
    ],
)
def test_what_every_caller_can_live_with_is_no_break(old, new):
    assert breaks(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a, b", "a", [".b:removed"]),
        ("a", "b", [".a:removed"]),
        ("a", "b=1", [".a:removed"]),
        ("a", "a, b", [".b:required"]),
        ("a=1", "a", [".a:required"]),
        ("a, b", "b, a", [".a:moved", ".b:moved"]),
        ("a", "b=1, a=1", [".a:moved"]),
        ("a", "*, a", [".a:moved"]),
        ("a", "a, /", [".a:unnamed"]),
        ("*args", "a=1, *args", [".a:takes"]),
        ("*args, **more", "", [":more_positional", ":more_keywords"]),
        ("a: str | None", "a: str", [".a:narrowed"]),
        ("a: str", "a: int", [".a:narrowed"]),
        ("a: str", "a", [".a:undeclared"]),
    ],
)
def test_what_some_caller_can_not_is_one(old, new, said):
    assert breaks(old, new) == said


def test_a_new_name_is_told_as_such():
    (one,) = parameter_breaks("s.m", method("airport_id"), method("id"))

    assert one.problem == "The parameter airport_id of s.m is called id now."
    assert one.remedy == "Keep airport_id in this release; take it out in a later one, when no running caller uses it."
