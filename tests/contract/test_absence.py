"""Calls of services that are nowhere."""

from fleet.contract.absence import absences
from tests.contract.sources import contract

CALLER = contract("w = RpcProxy('weather_service')\ndef m(self): self.w.today()", name="trips_service")
WEATHER = contract("def today(self): ...", name="weather_service")


def runs(service, described):
    return {"service": service, "release": "1.0.0", "hosts": ["app1"], "contract": described}


def test_a_new_caller_of_what_the_catalogue_lacks_is_told():
    (one,) = absences({"trips": CALLER}, [], ["trips"])

    assert one.id == "trips_service.calls.weather_service:absent"
    assert "the catalogue has no such service" in one.problem


def test_a_callee_that_comes_too_or_runs_or_was_built_elsewhere_is_none():
    assert list(absences({"trips": CALLER, "weather": WEATHER}, [], ["trips", "weather"])) == []
    assert list(absences({"trips": CALLER}, [runs("weather", WEATHER)], ["trips", "weather"])) == []
    assert list(absences({"trips": CALLER}, [runs("weather", None)], ["trips", "weather"])) == []


def test_a_service_does_not_leave_while_another_calls_it():
    running = [runs("trips", CALLER), runs("weather", WEATHER)]

    assert [one.id for one in absences({}, running, ["trips"])] == ["trips_service.calls.weather_service:absent"]


def test_of_what_runs_without_its_callee_already_nothing_is_said():
    assert list(absences({"trips": CALLER}, [runs("trips", CALLER)], ["trips"])) == []
