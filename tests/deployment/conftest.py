"""What the tests of the deployed fleet share: its passwords, and its API."""

from collections.abc import Mapping

import pytest

from tests.deployment.api import Api


@pytest.fixture(scope="session")
def passwords(inventory):
    """The `secrets` of the lab's inventory."""
    return inventory.variable("secrets", "app")


@pytest.fixture(scope="session")
def secret_values(passwords):
    """Every value among the lab's secrets, each long enough to be found nowhere by chance."""

    def values(part):
        return [text for one in part.values() for text in (values(one) if isinstance(one, Mapping) else [str(one)])]

    found = values(passwords)
    weak = sum(len(value) < 20 for value in found)
    assert not weak, (
        f"{weak} of the lab's secrets were made by hand: delete their file, then type `make secrets deploy`"
    )
    return found


@pytest.fixture
def api(base_url):
    """The API; what a test creates through `airport` and `trip` is deleted after it."""
    api = Api(base_url)
    yield api
    api.forget()
