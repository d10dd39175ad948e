"""The catalogue's releases held against all that runs, before anything starts."""

from fleet.contract import gate
from tests.contract.sources import contract

AIRPORTS = contract("def get(self, id): ...\ndef old(self): ...")
CALLER = contract("a = RpcProxy('airports_service')\ndef m(self): self.a.get(1)", name="trips_service")
CALLER_OF_MORE = contract("a = RpcProxy('airports_service')\ndef m(self): self.a.more()", name="trips_service")
MORE = contract("def get(self, id): ...\ndef old(self): ...\ndef more(self): ...")
LESS = contract("def old(self): ...")


def runs(service, described, release="1.0.0", hosts=("app1", "app2")):
    why = "" if described else "It is not there."
    return {"service": service, "release": release, "hosts": list(hosts), "contract": described, "why": why}


def test_a_first_deployment_has_nothing_to_be_held_against():
    assert gate({"airports": AIRPORTS, "trips": CALLER}, []) == []


def test_what_runs_already_is_not_judged():
    running = [runs("airports", AIRPORTS), runs("trips", CALLER_OF_MORE)]

    assert gate({"airports": AIRPORTS, "trips": CALLER_OF_MORE}, running) == []


def test_a_roll_that_was_interrupted_may_be_finished():
    running = [runs("airports", LESS, "2.0.0", ["app1"]), runs("airports", AIRPORTS, "1.0.0", ["app2"])]

    assert gate({"airports": LESS}, running) == []


def test_a_method_that_goes_is_told_once_with_where_it_runs_and_who_calls_it():
    (one,) = gate({"airports": LESS, "trips": CALLER}, [runs("airports", AIRPORTS), runs("trips", CALLER)])

    assert one.id == "airports_service.get:removed"
    assert one.problem == (
        "Beside airports 1.0.0 on app1, app2: The method get is gone. It is called by trips_service."
    )
    assert one.remedy == "Keep get in this release; take it out in a later one, when no running caller uses it."


def test_what_nobody_is_known_to_call_may_be_taken_out_by_name():
    (one,) = gate({"airports": LESS}, [runs("airports", AIRPORTS), runs("trips", contract(name="trips_service"))])

    assert one.problem.endswith("The method get is gone. No service that runs is known to call it.")
    assert one.remedy.startswith("If no script does either, this is the step that takes it out")


def test_of_a_caller_that_can_not_be_read_that_is_said():
    lost = contract("a = RpcProxy('airports_service')\ndef m(self): use(self.a)", name="trips_service")

    (one,) = gate({"airports": LESS}, [runs("airports", AIRPORTS), runs("trips", lost)])

    assert one.problem.endswith("Whether trips_service calls it can't be told.")


def test_every_release_that_runs_counts_not_only_the_last():
    running = [runs("airports", LESS, "1.1.0", ["app1"]), runs("airports", AIRPORTS, "1.0.0", ["app2"])]

    (one,) = gate({"airports": contract("def old(self, a=1): ...")}, running)

    assert one.problem.startswith("Beside airports 1.0.0 on app2: ")


def test_a_new_caller_needs_what_every_running_callee_has():
    (one,) = gate({"airports": MORE, "trips": CALLER_OF_MORE}, [runs("airports", AIRPORTS), runs("trips", CALLER)])

    assert one.id == "trips_service.calls.airports_service.more:missing"
    assert one.problem.startswith("Of the new trips and airports 1.0.0 on app1, app2: trips_service calls")
    assert one.remedy == ("Deploy a release of airports that takes it first, and then this one of trips.")


def test_so_the_callee_goes_first_and_the_caller_after():
    first = gate({"airports": MORE, "trips": CALLER}, [runs("airports", AIRPORTS), runs("trips", CALLER)])
    then = gate({"airports": MORE, "trips": CALLER_OF_MORE}, [runs("airports", MORE, "2.0.0"), runs("trips", CALLER)])

    assert (first, then) == ([], [])


def test_two_new_releases_must_fit_each_other_too():
    (one,) = gate({"airports": AIRPORTS, "trips": CALLER_OF_MORE}, [])

    assert one.remedy == "Correct the call in trips, or give airports what it lacks."


def test_a_running_release_that_nobody_knows_is_told_if_it_is_to_be_replaced():
    (one,) = gate({"airports": AIRPORTS}, [runs("airports", None, "0.9.0"), runs("gone", None, "0.1.0")])

    assert one.id == "airports:unknown-0.9.0"
    assert one.remedy == "Copy dist/releases/airports-0.9.0 here from where it was built."
