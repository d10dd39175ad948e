"""What became of a pass over the hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def failures(hosts: list[str], left: list[str], hostvars: Mapping[str, Mapping], fact: str) -> list[dict[str, str]]:
    """Why the pass is not to go on: `host` and `reason` of each host that failed or was lost; empty when all is well.

    Args:
        hosts: those that the play began with.
        left: those that Ansible still has; one that is not among them could not be reached any more.
        hostvars: Ansible's.
        fact: the variable in which a host that failed has its reason.
    """
    failed = [{"host": host, "reason": str(hostvars[host][fact])} for host in hosts if fact in hostvars[host]]
    lost = [
        {
            "host": host,
            "reason": f"{host} can't be reached any more: type `make status`, and leave it out with"
            f" `-e skip={host}` until it is back.",
        }
        for host in hosts
        if host not in left
    ]
    return [*failed, *lost]


def reason(result: Mapping) -> str:
    """What a failed task has to say, that of its items included."""
    return " ".join(dict.fromkeys(_said(result))) or "it failed without a word"


def _said(result: Mapping) -> Iterator[str]:
    items = [one for one in result.get("results", []) if one.get("failed")]
    if items:
        for one in items:
            yield from _said(one)
    else:
        for key in ("msg", "stderr", "module_stderr"):
            if text := str(result.get(key) or "").strip():
                yield text
                return


def sentence(found: list[Mapping[str, str]]) -> str:
    """The reasons with their hosts, in one line or several."""
    by_reason: dict[str, list[str]] = {}
    for one in found:
        by_reason.setdefault(one["reason"], []).append(one["host"])
    return " ".join(
        reason if hosts[0] in reason else f"{', '.join(hosts)}: {reason}" for reason, hosts in by_reason.items()
    )
