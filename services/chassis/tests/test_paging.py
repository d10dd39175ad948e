"""Pages: every item once, in order, whatever is made or deleted between two pages."""

import base64

import pytest
from chassis.errors import Invalid
from chassis.paging import LIMIT_MAX, page_of_ids
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture
def client(redis_server):
    with redis_server.client() as client:
        yield client


def fill(client, numbers):
    client.delete("index")
    if numbers:
        client.zadd("index", {f"id{number}": number for number in numbers})


def all_pages(client, limit):
    cursor, ids = None, []
    while True:
        page, cursor = page_of_ids(client, "index", limit, cursor)
        assert len(page) <= limit
        ids += page
        if cursor is None:
            return ids


@given(numbers=st.sets(st.integers(1, 2**53 - 1), max_size=30), limit=st.integers(1, 12))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pages_are_the_list(client, numbers, limit):
    fill(client, numbers)
    assert all_pages(client, limit) == [f"id{number}" for number in sorted(numbers)]


def test_there_is_no_cursor_after_a_last_page_that_is_full(client):
    fill(client, [1, 2])
    assert page_of_ids(client, "index", 2, None) == (["id1", "id2"], None)


def test_a_cursor_survives_the_deletion_of_its_item_and_insertions(client):
    fill(client, range(1, 7))
    first, cursor = page_of_ids(client, "index", 3, None)
    client.zrem("index", *first, "id4")
    client.zadd("index", {"id7": 7})
    assert page_of_ids(client, "index", 3, cursor) == (["id5", "id6", "id7"], None)


def test_a_cursor_is_fit_for_a_url(client):
    fill(client, [2**53 - 2, 2**53 - 1])
    _, cursor = page_of_ids(client, "index", 1, None)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1, 2**70, True, "5", 5.0, None])
def test_a_limit_must_be_a_number_from_1_to_200(client, limit):
    with pytest.raises(Invalid, match="1 to 200"):
        page_of_ids(client, "index", limit, None)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "AAAAAAAAAA", "AAAAAAAAAQ==", "AAAAAAAAAR", "AQ",
     "=AAAAAAAAAQ", "AAAAAAAAA ", "ä", "\ud800", 7, ["x"], {},
     base64.urlsafe_b64encode((2**53).to_bytes(7, "big")).decode().rstrip("="), "A" * 100_000],
)  # fmt: skip
def test_a_cursor_that_no_page_gave_out_is_invalid(client, cursor):
    with pytest.raises(Invalid, match="cursor"):
        page_of_ids(client, "index", 1, cursor)
