"""The smoke calls: they pass on the service, and find out another."""

import pytest
from chassis.testing.smoke import InProcessInstance
from greeting.service import GreetingService
from greeting.smoke import smoke
from nameko.testing.services import worker_factory


def test_they_pass():
    smoke(InProcessInstance(worker_factory(GreetingService)))


def test_they_find_out_one_that_greets_otherwise():
    service = worker_factory(GreetingService)
    service.hello = "Hi, {}!".format
    with pytest.raises(AssertionError, match="expected 'Hello, fleet!', found 'Hi, fleet!'"):
        smoke(InProcessInstance(service))
