"""Each of the services that `test_rollout` doesn't roll alone: forth and back under load that calls it."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.load import Load
from tests.rolling.watch import Takers

pytestmark = [pytest.mark.lab, pytest.mark.long]


@pytest.fixture
def watched(lab, inventory, base_url, executions):
    """`watched(service, change)` makes a change under load, during which nothing may fail, be lost or be done twice."""

    def make(service, change):
        since = datetime.now(UTC).isoformat()
        with Takers(lab, inventory, service) as takers, Load(base_url, rate=5, trips=True) as load:
            change().check()
        assert load.sent > 100
        assert not load.failures
        assert not load.lost()
        wanted = inventory.variable("services", "app")[service]["instances"]
        assert all(fewest >= wanted for fewest in takers.fewest.values()), takers.fewest
        done = executions(since)
        times = Counter((method, call_id) for method, call_id, _, _ in done)
        assert not [call for call, number in times.items() if number > 1]
        return {release for method, _, release, _ in done if method.startswith(service)}

    return make


@pytest.mark.parametrize("service", ["airports", "trips", "gateway"])
def test_a_service_alone_rolls_forth_and_back(service, watched, roll, second, running, at_home):
    release = second(service)
    forth = watched(service, lambda: roll("rollout", service=service, release=release))
    after = running(service)
    back = watched(service, lambda: roll("rollback", service=service))
    at_home()

    assert after
    assert all("-2.0.0-" in program for there in after.values() for program in there)
    assert all("-1.0.0-" in program for there in running(service).values() for program in there)
    if service != "gateway":  # it isn't called, it calls
        assert forth == back == {"1.0.0", "2.0.0"}
