"""The greeting, as a caller sees it."""

import pytest
from chassis.errors import Invalid
from greeting.service import GreetingService
from nameko.testing.services import worker_factory


@pytest.mark.parametrize("name", ["world", "دنیا"])
def test_it_greets_by_name(name):
    assert worker_factory(GreetingService).hello(name) == f"Hello, {name}!"


@pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", None])
def test_it_greets_nobody_who_has_no_name(name):
    with pytest.raises(Invalid):
        worker_factory(GreetingService).hello(name)
