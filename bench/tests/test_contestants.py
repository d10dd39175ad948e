"""Every contestant has something to run."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.contestants import CONTESTANTS, PARTS, processes
from bench.site_lab import PEERS, spare_ports
from fleet import catalogue
from fleet.instances import SLOTS, instance
from fleet.paths import CATALOGUE

SITE = SimpleNamespace(
    address=lambda contestant, part: "127.0.0.1:1",  # noqa: ARG005
    amqp_uri=lambda contestant: f"amqp://127.0.0.1/bench-{contestant.name}",
    folder="/run/bench",
    own_nameko=lambda service, release: ([f"/opt/{service}/{release}/nameko"], {}),
    peer_program=lambda name: f"/venv/bin/{name}",
    peers=str(PEERS),
    redis_uri="redis://127.0.0.1",
    replicas=1,
)


@pytest.mark.parametrize("contestant", CONTESTANTS, ids=lambda one: one.name)
def test_a_contestant_is_one_gateway_and_one_service_whose_modules_are_there(contestant):
    found = processes(contestant, SITE)

    assert list(found) == list(PARTS)
    if contestant.kind != "ours":
        for process in found.values():
            modules = {path.stem for path in Path(process.folder).glob("*.py")}
            named = {word.partition(":")[0].removesuffix(".py") for word in process.command[1:]}
            assert len(modules & named) == 1


@pytest.mark.parametrize("service", PARTS.values())
def test_there_are_ports_for_all_contestants_beside_the_instances_of_either_slot(service):
    entry = catalogue.complete(catalogue.load(CATALOGUE))[service]
    taken = {instance(service, entry, slot, n + 1)["port"] for slot in SLOTS for n in range(entry["instances"])}

    ports = spare_ports(entry)

    assert len(ports) >= len(CONTESTANTS)
    assert not taken & set(ports)
