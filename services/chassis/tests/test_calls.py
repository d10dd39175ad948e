"""What a service can know of the call that it works on."""

from chassis.calls import Call, CurrentCall
from chassis.http import http


class Service:
    name = "tried_service"
    call = Call()

    @http("GET", "/look")
    def look(self, _request):
        return {"id": self.call.id, "made": [self.call.new_id(), self.call.new_id("second")]}


def test_a_call_makes_the_same_ids_each_time_and_others_than_any_other_call():
    first, again, other = CurrentCall("a"), CurrentCall("a"), CurrentCall("b")
    made = [first.new_id(), first.new_id("x"), other.new_id(), other.new_id("x"), CurrentCall("ax").new_id()]
    assert len(set(made)) == 5
    assert [again.new_id(), again.new_id("x")] == made[:2]
    assert all(len(identifier) == 32 and set(identifier) <= set("0123456789abcdef") for identifier in made)


def test_a_method_sees_the_call_of_its_worker(serve):
    service = serve(Service)
    first, second = (service.request("GET", "/look").json for _ in range(2))
    assert first["id"].startswith("tried_service.look.")
    assert len({first["id"], second["id"], *first["made"], *second["made"]}) == 6
