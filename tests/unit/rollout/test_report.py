"""What who opens a roll's report finds in it."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.rollout import charts, report
from fleet.rollout.bake import verdict
from tests.unit.rollout.traffic import Fleet, Instance, by_release, steady

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """A page's elements and text; fails where elements don't end as they began."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def labels(self):
        return [attributes["aria-label"] for _, attributes in self.elements if "aria-label" in attributes]


def rolled():
    """A roll of greeting over two hosts: a new instance beside the old one, which then drains."""
    fleet = Fleet(Instance("1.0.0", host="app1"), Instance("1.0.0", host="app2"), at=1_800_000_000.0)
    each = by_release(v1_0_0=steady(10, 0.002), v2_0_0=steady(10, 0.004, errors=0.02))
    fleet.run(5, each)
    for old, host in zip(list(fleet.instances), ("app1", "app2"), strict=True):
        new = Instance("2.0.0", host=host, number=2, state="probation")
        fleet.instances.append(new)
        fleet.run(3, by_release(v1_0_0=steady(10, 0.002), v2_0_0=steady(0, 0)))
        new.state = "admitted"
        fleet.run(10, each)
        old.state = "draining"
        fleet.run(2, each)
    found = verdict(fleet.samples, "greeting", ["rev-1.0.0"], "rev-2.0.0")
    roll = {
        "id": "20270115-080000",
        "who": "anna",
        "what": "make rollout SERVICE=greeting",
        "began": 1_800_000_000.0,
        "ended": 1_800_000_035.0,
        "verdict": "finished",
        "reason": "Every instance of greeting runs 2.0.0.",
        "services": {"greeting": {"from": "1.0.0", "to": "2.0.0"}},
        "gate": {"breaks": [], "allowed": ["greeting/method-gone/bye"]},
        "proofs": [
            {
                "id": "app1/b1",
                "ok": True,
                "reason": "answered",
                "seconds": 1.4,
                "smoke": "hello",
                "calls": [{"call": "hello(1)", "seconds": 0.02}],
            }
        ],
        "bakes": [{"service": "greeting", **found}],
        "seconds": {"stage": 4.0, "bake": 10.0},
        "hosts": ["app1", "app2"],
        "left_out": ["app3"],
    }
    return roll, fleet.samples


@pytest.fixture(scope="module")
def text():
    return report.html(*rolled())


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_the_verdict_its_reason_and_what_changed_come_first(page):
    first = page.text.index("Finished", page.text.index("Finished"))
    begins = page.text[first:]
    assert "It brought greeting 2.0.0 in place of 1.0.0. Every instance of greeting runs 2.0.0." in begins[:200]


def test_who_when_and_what_is_told(page):
    for said in ("20270115-080000", "anna", "make rollout SERVICE=greeting", "2027-01-15 08:00:00 UTC", "35 s"):
        assert said in page.text


def test_every_host_and_release_and_instance_is_named(page):
    for name in ("app1", "app2", "app3", "1.0.0", "2.0.0", "greeting-1.0.0-a1", "greeting-2.0.0-a2"):
        assert name in page.text


def test_gate_proof_bake_and_phases_are_told(page):
    for said in ("greeting/method-gone/bye", "app1/b1", "answered", "stage: 4 s", "bake: 10 s", "95 %"):
        assert said in page.text


def test_it_needs_nothing_else(text, page):
    assert not re.search(r"https?://|@import|src=|<script|<link|javascript:", text)
    assert "default-src 'none'" in text
    assert not [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)]
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{one}" for one in page.ids}


def test_pictures_are_well_formed_and_told_in_words(text, page):
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) > 10
    for picture in pictures:
        ElementTree.fromstring(picture)  # noqa: S314 - our own
    for _, attributes in (element for element in page.elements if element[0] == "svg"):
        assert "aria-label" in attributes or attributes.get("aria-hidden") == "true"
    told = " ".join(page.labels())
    assert "greeting-2.0.0-a2 on app1: probation from 6 s to 9 s; admitted from 9 s to 35 s" in told
    assert "greeting-1.0.0-a1 on app1: admitted from 0 s to 19 s; draining from 19 s to 35 s" in told


def test_releases_and_states_differ_in_more_than_colour(text):
    assert ".line.r1 { stroke-dasharray" in text
    assert 'fill="url(#hatch-1)"' in text
    assert 'fill="url(#probation)"' in text
    assert 'fill="url(#draining)"' in text


def test_it_fits_phones_dark_screens_and_paper(text):
    for said in ('name="viewport"', "prefers-color-scheme: dark", "max-width: 600px", "@media print"):
        assert said in text


NOBODY = {"at": 1.0, "instances": []}


@pytest.mark.parametrize(
    ("roll", "samples"),
    [
        ({}, {}),
        ({"verdict": "aborted", "services": {"greeting": {"from": "", "to": "1.0.0"}}}, {"app1": []}),
        ({"verdict": "canary", "bakes": [{"service": "x"}], "proofs": [{}], "began": None}, {"app1": [NOBODY]}),
        ({"services": {"gone": {"from": "1.0.0", "to": None}}, "gate": {"breaks": ["a sentence"]}}, {}),
    ],
)  # fmt: skip
def test_a_roll_of_which_little_is_known_has_a_report(roll, samples):
    page = Page(report.html(roll, samples))

    assert "Nothing was sampled" in page.text
    assert "Compatible" not in page.text  # nobody compared


def test_a_change_of_configuration_tells_its_revisions_apart():
    old, new = Instance("1.0.0", revision="aaaaaaaaaa"), Instance("1.0.0", number=2, revision="bbbbbbbbbb")
    fleet = Fleet(old).run(2, steady(10, 0.002))
    fleet.instances.append(new)
    fleet.run(5, steady(10, 0.002))
    page = Page(report.html({"services": {"greeting": {"from": "1.0.0", "to": "1.0.0"}}}, fleet.samples))

    assert "1.0.0 (aaaaaaa)" in page.text
    assert "1.0.0 (bbbbbbb)" in page.text


def test_one_that_its_host_holds_back_is_drawn_as_one_in_probation():
    fleet = Fleet(Instance("1.0.0", state="held")).run(5, steady(0, 0))
    text = report.html({"services": {"greeting": {"from": "1.0.0", "to": "1.0.0"}}}, fleet.samples)

    assert 'fill="url(#probation)" pointer-events' in text
    assert "held from 0" in text


EVIL = "<script>alert(1)</script>\"'&"


def test_nothing_that_was_said_becomes_markup():
    roll, samples = rolled()
    one = {
        "id": EVIL,
        "ok": False,
        "reason": EVIL,
        "seconds": 1,
        "smoke": [EVIL],
        "calls": [{"call": EVIL, "seconds": 1}],
    }
    evil = {
        "id": EVIL, "who": EVIL, "what": EVIL, "reason": EVIL, "verdict": EVIL, "hosts": [EVIL], "left_out": [EVIL],
        "services": {EVIL: {"from": EVIL, "to": EVIL}}, "gate": {"breaks": [{"id": EVIL, "problem": EVIL}]},
        "proofs": [one], "bakes": [{"service": EVIL, "verdict": EVIL, "reason": EVIL}], "seconds": {EVIL: 1.0},
    }  # fmt: skip
    for line in samples["app1"]:
        for instance in line["instances"]:
            instance.update(program=EVIL, service=EVIL, release=EVIL, revision=EVIL, state=EVIL)
    text = report.html({**roll, **evil}, {EVIL: samples["app1"], "app2": samples["app2"]})

    assert "<script" not in text
    assert Page(text).text.count("<script>alert(1)</script>") > 10


def test_it_is_written_whole_into_a_folder_of_its_own(tmp_path):
    path = tmp_path / "reports" / "one.html"
    roll, samples = rolled()

    assert report.write(str(path), {**roll, "who": "half \ud800 of a pair"}, samples) == str(path)
    assert path.read_text("utf-8").endswith("</html>")
    assert [one.name for one in path.parent.iterdir()] == ["one.html"]


def test_where_it_can_not_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(FleetError, match="can't be written"):
        report.write(tmp_path / "file" / "one.html", {}, {})


@given(st.floats(1e-8, 1e9))
def test_an_axis_ends_at_a_round_number_a_little_above_what_is_drawn(value):
    end = charts.ceiling(value)

    assert value * (1 - 1e-6) <= end <= value * 2.01
    assert float(f"{end:.2g}") == pytest.approx(end)


@settings(max_examples=40)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=12))
def test_any_series_can_be_drawn(values):
    at = [index + 0.5 for index in range(len(values))]
    whole = ElementTree.fromstring(charts.lines("a & b", at, len(values), {"<1>": values, "2": values}))  # noqa: S314
    assert whole.get("aria-label").startswith("a & b. <1>: ")
    shares = [value and min(1.0, value) for value in values]
    ElementTree.fromstring(charts.areas("shares", at, len(values), {"1": shares}))  # noqa: S314
