"""One readable report of the fleet from what its parts said, and a verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from fleet.rollout.past import unfinished_line

ADMITTED = "admitted"
READY = 200  # HTTP status of an instance that takes work
LINKED = ("up", "connected")  # what Redis calls a replica's live link, in INFO and in ROLE


@dataclass(frozen=True)
class Report:
    """What `make status` shows."""

    lines: list[str]
    problems: list[str]  # a sentence each

    @property
    def ok(self) -> bool:
        return not self.problems


def report(facts: Mapping) -> Report:
    """Judge a fleet and lay out its state.

    Args:
        facts: `hosts`, name to `groups`, `reachable`, `address`, `rabbitmq` (`nodes`, `running_nodes`, `alarms`),
            `redis` (`role`, `replicas`, `link`), `sentinel` (`primary`, an address), `vip` (whether it holds it),
            `units` (systemd unit to its state) and `instances` (see module `service_instances`), null where something
            doesn't answer; `vip`, the address; `services`, the catalogue; `record`, the fleet's, or an empty one with
            `record_unreadable`, why it can't be read; `lock`, what `fleet.record.lock.judge` says of the fleet's lock,
            null where nobody can tell.
    """
    problems = [
        *_unreachable(facts),
        *_unit_problems(facts),
        *_broker_problems(facts),
        *_redis_problems(facts),
        *_sentinel_problems(facts),
        *_vip_problems(facts),
        *_instance_problems(facts),
        *_roll_problems(facts),
    ]
    lines = [
        *_table(("host", "groups", "address", "daemons", "broker", "redis", "virtual IP"), _host_rows(facts)),
        "",
        *_table(("instance", "host", "release", "state", "ready"), _instance_rows(facts)),
        "",
        *_roll_lines(facts),
        f"{len(problems)} problem(s):" if problems else "All is well.",
        *(f"- {problem}" for problem in problems),
    ]
    return Report(lines=lines, problems=problems)


def text_and_verdict(facts: Mapping) -> dict:
    """The report in types that Ansible's variables can hold: `text`, `ok`, `problems`."""
    result = report(facts)
    return {"text": "\n".join(result.lines), "ok": result.ok, "problems": result.problems}


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    table = [tuple(header), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _answering(facts: Mapping, group: str) -> dict[str, Mapping]:
    return {name: host for name, host in facts["hosts"].items() if host["reachable"] and group in host["groups"]}


def _count(facts: Mapping, group: str) -> int:
    return sum(group in host["groups"] for host in facts["hosts"].values())


def _host_rows(facts: Mapping) -> Iterator[tuple[str, ...]]:
    for name, host in facts["hosts"].items():
        groups = ",".join(host["groups"])
        if not host["reachable"]:
            yield name, groups, host["address"], "unreachable", "", "", ""
            continue
        core = "core" in host["groups"]
        silent = "no answer" if core else ""
        down = [unit for unit, state in host["units"].items() if state != "active"]
        broker, redis = host["rabbitmq"], host["redis"]
        yield (
            name,
            groups,
            host["address"],
            f"down: {','.join(down)}" if down else "active",
            f"sees {len(broker['running_nodes'])} of {len(broker['nodes'])}" if broker else silent,
            _redis_cell(redis) if redis else silent,
            "holds it" if host["vip"] else "",
        )


def _redis_cell(redis: Mapping) -> str:
    return f"primary, {redis['replicas']} replica(s)" if redis["role"] == "master" else f"replica, {redis['link']}"


def _instance_rows(facts: Mapping) -> Iterator[tuple[str, ...]]:
    for name, host in _answering(facts, "app").items():
        for one in host["instances"]:
            ready = "yes" if one["ready"] == READY else f"no ({one['ready'] or 'no answer'})"
            yield one["program"], name, one["release"], one["state"], ready


def _unreachable(facts: Mapping) -> Iterator[str]:
    for name, host in facts["hosts"].items():
        if not host["reachable"]:
            yield f"{name} can't be reached: type `ssh {host['address']}` to see why."


def _unit_problems(facts: Mapping) -> Iterator[str]:
    for name, host in facts["hosts"].items():
        if host["reachable"]:
            for unit, state in host["units"].items():
                if state != "active":
                    yield f"{unit} is {state} on {name}: `journalctl -u {unit}` there says why."


def _broker_problems(facts: Mapping) -> Iterator[str]:
    hosts, expected = _answering(facts, "core"), _count(facts, "core")
    for name, host in hosts.items():
        broker = host["rabbitmq"]
        if not broker:
            yield f"RabbitMQ doesn't answer on {name}."
            continue
        if len(broker["nodes"]) != expected:
            nodes = ", ".join(sorted(broker["nodes"]))
            yield f"RabbitMQ on {name} is in a cluster of {len(broker['nodes'])} ({nodes}) instead of {expected}."
        if down := sorted(set(broker["nodes"]) - set(broker["running_nodes"])):
            yield f"RabbitMQ on {name} doesn't see {', '.join(down)} running."
        for alarm in broker["alarms"]:
            yield f"RabbitMQ on {name} raised an alarm, which blocks every publisher: {alarm}."
        if broker["stopped"]:
            queues = ", ".join(sorted(broker["stopped"]))
            yield f"RabbitMQ on {name} runs no replica of {queues}: consumers there get nothing. Type `make deploy`."


def _redis_problems(facts: Mapping) -> Iterator[str]:
    hosts = _answering(facts, "core")
    roles = {name: host["redis"] for name, host in hosts.items() if host["redis"]}
    for name in hosts:
        if name not in roles:
            yield f"Redis doesn't answer on {name}."
    primaries = [name for name, redis in roles.items() if redis["role"] == "master"]
    if hosts and len(primaries) != 1:
        yield f"Redis has {len(primaries)} primaries ({', '.join(primaries) or 'none'}) instead of one."
    for name, redis in roles.items():
        replicas = _count(facts, "core") - 1
        if primaries == [name] and redis["replicas"] < replicas:
            yield f"The Redis primary {name} has {redis['replicas']} replica(s) instead of {replicas}."
        if redis["role"] != "master" and redis["link"] not in LINKED:
            yield f"The Redis replica on {name} has lost its primary (link: {redis['link']})."


def _sentinel_problems(facts: Mapping) -> Iterator[str]:
    hosts = _answering(facts, "core")
    named = {name: host["sentinel"]["primary"] for name, host in hosts.items() if host["sentinel"]}
    for name in hosts:
        if name not in named:
            yield f"Sentinel doesn't answer on {name}."
    if len(set(named.values())) > 1:
        opinions = ", ".join(f"{name} says {address}" for name, address in named.items())
        yield f"The Sentinels disagree about the primary: {opinions}."
    primaries = [host["address"] for host in hosts.values() if host["redis"] and host["redis"]["role"] == "master"]
    if len(primaries) == 1 and set(named.values()) - set(primaries):
        yield f"The Redis primary is {primaries[0]}, but the Sentinels name {', '.join(sorted(set(named.values())))}."


def _vip_problems(facts: Mapping) -> Iterator[str]:
    holders = [name for name, host in _answering(facts, "edge").items() if host["vip"]]
    if len(holders) != 1:
        names = ", ".join(holders) or "none"
        yield f"The virtual IP {facts['vip']} has {len(holders)} holders ({names}) instead of one."


def _expected(facts: Mapping) -> dict[str, tuple[int, list[str]]]:
    """By service, how many instances each host should have, and of which releases: in a roll of old and new."""
    record = facts["record"]
    entries = {**facts["services"], **{name: one["entry"] for name, one in record["services"].items()}}
    rolls = record["roll"]["services"] if record["roll"] else {}
    entries |= {name: one["to"]["entry"] for name, one in rolls.items() if one["to"] and name not in entries}
    return {
        name: (
            entry["instances"],
            list(dict.fromkeys([entry["release"], *_releases(rolls.get(name, {}))])),
        )
        for name, entry in entries.items()
    }


def _releases(change: Mapping) -> list[str]:
    return [one["entry"]["release"] for one in change.values() if one]


def _instance_problems(facts: Mapping) -> Iterator[str]:
    expected = _expected(facts)
    for name, host in _answering(facts, "app").items():
        for service, (instances, releases) in expected.items():
            serving = [
                one
                for one in host["instances"]
                if one["service"] == service and one["release"] in releases
                if (one["state"], one["ready"]) == (ADMITTED, READY)
            ]
            if len(serving) < instances:
                held = any(one["service"] == service and one["state"] == "held" for one in host["instances"])
                tells = "`journalctl -u fleet-watch`" if held else "`supervisorctl status`"
                yield (
                    f"{name} has {len(serving)} ready instance(s) of {service} {' or '.join(releases)} instead of"
                    f" {instances}{' (held back)' if held else ''}: {tells} there and /var/log/fleet/ tell more."
                )
        for one in host["instances"]:
            if one["service"] not in expected:
                yield f"{name} runs {one['program']}, but the catalogue has no {one['service']}: type `make deploy`."
            elif one["release"] not in expected[one["service"]][1]:
                wanted = " or ".join(expected[one["service"]][1])
                yield f"{name} runs {one['program']}, and the fleet should run {wanted}: type `make deploy`."


def _roll_lines(facts: Mapping) -> list[str]:
    """The roll that is under way, and who has the lock; nothing when the fleet is at rest."""
    roll, lock = facts["record"]["roll"], facts["lock"]
    told = [f"Unfinished roll: {unfinished_line(roll)}"] if roll else []
    told += [f"Lock: {lock['sentence']}"] if lock and lock["sentence"] else []
    return [*told, ""] if told else []


def _roll_problems(facts: Mapping) -> Iterator[str]:
    if facts["record_unreadable"]:
        yield facts["record_unreadable"]
    roll, lock = facts["record"]["roll"], facts["lock"]
    if roll and roll["phase"] != "canary" and lock and lock["state"] != "live":
        yield (
            f"The roll of {roll['what']} by {roll['who']} was interrupted: type what began it, and it goes on, or"
            " `make abort`, and it is withdrawn."
        )
    for name, one in facts["record"]["services"].items():
        entry, runs = facts["services"].get(name), one["entry"]["release"]
        if entry and entry["release"] != runs:
            yield (
                f"This clone's catalogue says {name} {entry['release']}, and the fleet runs {runs}: type `git pull`, or"
                f" `make rollout SERVICE={name}`, which makes true what it says."
            )
