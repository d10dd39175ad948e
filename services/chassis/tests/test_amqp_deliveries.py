"""Acknowledgements: few, of what is done, and of nothing else."""

from chassis.amqp.deliveries import Deliveries
from hypothesis import given
from hypothesis import strategies as st


def delivered(*tags):
    deliveries = Deliveries()
    for tag in tags:
        deliveries.came(tag)
    return deliveries


def acknowledged(deliveries, *done):
    for tag in done:
        deliveries.done(tag)
    return [(method.delivery_tag, method.multiple) for method in deliveries.acknowledgements()]


def test_what_came_one_after_the_other_is_acknowledged_as_one():
    assert acknowledged(delivered(1, 2, 4), 2, 4, 1) == [(4, True)]


def test_nothing_waits_behind_a_message_that_is_still_worked_on():
    deliveries = delivered(1, 2, 3)
    assert acknowledged(deliveries, 3, 2) == [(2, False), (3, False)]
    assert acknowledged(deliveries, 1) == [(1, False)]
    assert acknowledged(deliveries) == []


def test_a_message_that_was_given_back_holds_up_nothing():
    deliveries = delivered(1, 2, 3)
    deliveries.given_back(1)
    assert acknowledged(deliveries, 2, 3) == [(3, True)]


@given(st.lists(st.lists(st.integers(1, 12), unique=True, max_size=4), max_size=6))
def test_each_is_acknowledged_once_and_none_that_is_not_done(rounds):
    deliveries, open_tags, done = delivered(*range(1, 13)), set(range(1, 13)), set()
    for wanted in rounds:
        now = [tag for tag in wanted if tag not in done]
        done.update(now)
        covered = set()
        for tag, multiple in acknowledged(deliveries, *now):
            included = {one for one in open_tags if one <= tag} if multiple else {tag}
            assert included <= open_tags
            open_tags -= included
            covered |= included
        assert covered == set(now)
