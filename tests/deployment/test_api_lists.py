"""Lists: their order, their pages, and cursors that last."""

# ruff: noqa: RUF001 - letters and digits of other scripts are meant

import pytest

from tests.deployment.api import PERSIAN, assert_error

pytestmark = pytest.mark.lab


def page(api, kind, **query):
    answer = api("GET", f"/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {kind, "next"}
    return answer.json()[kind], answer.json()["next"]


def pages(api, kind, **query):
    """Every page of a list, with the query that asked for it."""
    while True:
        items, following = page(api, kind, **query)
        yield items, query
        if following is None:
            return
        query["cursor"] = following


def everything(api, kind):
    return [item for items, _ in pages(api, kind, limit=200) for item in items]


def cursor_after(api, kind, wanted):
    """The cursor of the page that ends with the item `wanted`, which is not the list's last."""
    for items, query in pages(api, kind, limit=200):
        ids = [item["id"] for item in items]
        if wanted in ids:
            return page(api, kind, **{**query, "limit": ids.index(wanted) + 1})[1]
    pytest.fail(f"{wanted} is in no page of {kind}")


def test_airports_are_listed_in_the_order_of_their_creation(api):
    made = [{"id": api.airport(name), "airport": name} for name in (PERSIAN, "B", "A", "B")]
    listed = everything(api, "airports")
    assert [one for one in listed if one in made] == made
    assert everything(api, "airports") == listed


def test_trips_are_listed_in_the_order_of_their_creation(api):
    origin, destination = api.airport(), api.airport()
    made = [
        {"id": api.trip(start, end), "from": start, "to": end}
        for start, end in [(origin, destination), (destination, origin), (origin, destination)]
    ]
    assert [one for one in everything(api, "trips") if one in made] == made


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_a_page_has_as_many_items_as_were_asked_for(api, limit):
    for _ in range(3):
        api.airport()
    every = everything(api, "airports")
    items, following = page(api, "airports", limit=limit)
    assert items == every[:limit]
    assert (following is None) == (len(every) <= limit)


def test_pages_hold_every_item_once(api):
    made = [api.airport() for _ in range(7)]
    cursor = cursor_after(api, "airports", made[0])
    walked = [[item["id"] for item in items] for items, _ in pages(api, "airports", limit=2, cursor=cursor)]
    assert [one for ids in walked for one in ids if one in made] == made[1:]
    assert all(len(ids) == 2 for ids in walked[:-1])


@pytest.mark.parametrize("kind", ["airports", "trips"])
@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "x", "", "9" * 30, "۵"])
def test_a_limit_outside_1_to_200_is_a_400(api, kind, limit):
    assert_error(api("GET", f"/{kind}", params={"limit": limit}), 400, "invalid")


@pytest.mark.parametrize("cursor", ["", "x", "AAAAAAAAAA", "%00", "a" * 5000, "ا"])
def test_a_cursor_that_no_page_gave_is_a_400(api, cursor):
    assert_error(api("GET", "/airports", params={"cursor": cursor}), 400, "invalid")


def test_a_cursor_survives_inserts_and_deletes(api):
    first, second, third, fourth = (api.airport(name) for name in "1234")
    cursor = cursor_after(api, "airports", first)
    for gone in (first, second):  # also the one that the cursor stands for
        assert api("DELETE", f"/airport/{gone}").status_code == 204
    fifth = api.airport("5")
    items, following = page(api, "airports", limit=2, cursor=cursor)
    assert [item["id"] for item in items] == [third, fourth]
    items, _ = page(api, "airports", limit=1, cursor=following)
    assert [item["id"] for item in items] == [fifth]
