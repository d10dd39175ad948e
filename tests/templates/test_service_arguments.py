"""What the playbooks tell the role nameko_service of a service."""

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from fleet.paths import ROOT

GROUPS = {"edge": ["edge1", "edge2"], "targeted": ["edge1", "edge2", "app1"]}


def argument(name, service, desired):
    loader = DataLoader()
    known = loader.load_from_file(str(ROOT / "playbooks" / "vars" / "service.yml"), trusted_as_template=True)
    variables = {**known, "groups": GROUPS, "rolled": service, "__desired": desired}
    return Templar(loader=loader, variables=variables).template(known[name])


def test_balancers_let_go_of_what_is_published_and_of_what_may_have_been():
    desired = {"shop": {"http": {"port": 8000}}, "mail": {"http": None}}

    assert argument("nameko_service_balancers", "shop", desired) == ["edge1", "edge2"]
    assert argument("nameko_service_balancers", "mail", desired) == []
    assert argument("nameko_service_balancers", "gone", desired) == ["edge1", "edge2"]


def test_what_has_left_the_catalogue_may_end_as_slowly_as_anything():
    assert argument("nameko_service_call_timeout", "mail", {"mail": {"call_timeout": 30}}) == 30
    assert argument("nameko_service_call_timeout", "gone", {}) == 600
