"""The bridge that joins hosts and machine, and their way out for package installs."""

import json
from pathlib import Path

from lab.paths import RUN
from lab.process import run

BRIDGE = "fleet0"
TABLE = "nameko_fleet_lab"
# Fixed, or the bridge would take the lowest address among its ports and change it as hosts come and go.
BRIDGE_MAC = "02:00:0a:4d:00:01"
IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
FORWARD_BEFORE = RUN / "ip_forward.before"
# Higher than any route's, so that it counts only while the bridge's own route is absent.
LAST_METRIC = 4294967295


def link_name(host):
    """The machine's end of the link of `host`, as systemd-nspawn names it."""
    return f"vb-{host}"


def link_state(host):
    """`up`, `down`, or `absent`."""
    shown = run("ip", "-json", "link", "show", "dev", link_name(host), check=False)
    if shown.returncode:
        return "absent"
    return "up" if "UP" in json.loads(shown.stdout)[0]["flags"] else "down"


def set_link(host, state):
    """Set the link of `host` `up` or `down`."""
    run("ip", "link", "set", "dev", link_name(host), state)


def delete_link(host):
    """Remove what a host that died may have left of its link."""
    run("ip", "link", "delete", "dev", link_name(host), check=False)


def set_up(subnet, gateway):
    """Make the bridge and the masquerading, or repair them; `gateway` is the machine's address."""
    guard(subnet)
    if run("ip", "link", "show", "dev", BRIDGE, check=False).returncode:
        run("ip", "link", "add", BRIDGE, "address", BRIDGE_MAC, "type", "bridge", "mcast_snooping", "0")
    _sysctl(f"net/ipv6/conf/{BRIDGE}/disable_ipv6", "1")
    run("ip", "address", "replace", f"{gateway}/{subnet.prefixlen}", "dev", BRIDGE)
    run("ip", "link", "set", "dev", BRIDGE, "up")
    if not FORWARD_BEFORE.exists():
        FORWARD_BEFORE.write_text(IP_FORWARD.read_text())
    IP_FORWARD.write_text("1")
    _nft(f"""
        table ip {TABLE} {{}}
        delete table ip {TABLE}
        table ip {TABLE} {{
            chain postrouting {{
                type nat hook postrouting priority srcnat
                ip saddr {subnet} ip daddr != {subnet} masquerade
            }}
        }}
    """)
    _pass_foreign_firewall()


def guard(subnet):
    """Keep packets for lab addresses on this machine, whether the bridge is there or not."""
    run("ip", "route", "replace", "unreachable", subnet, "metric", LAST_METRIC)


def tear_down():
    """Remove the bridge and the masquerading; the guard stays, so that nothing leaks while the lab is down."""
    run("ip", "link", "delete", "dev", BRIDGE, check=False)
    run("nft", "delete", "table", "ip", TABLE, check=False)
    for handle in _own_forward_rules():
        run("nft", "delete", "rule", "ip", "filter", "FORWARD", "handle", handle)
    if FORWARD_BEFORE.exists():
        # A firewall that filters what is forwarded belongs to somebody who forwards: leave that on.
        if _forward_chain() is None:
            IP_FORWARD.write_text(FORWARD_BEFORE.read_text())
        FORWARD_BEFORE.unlink()


def _pass_foreign_firewall():
    """Let lab packets through the FORWARD chain that Docker and others set to drop.

    Accepting them in a table of our own can't do it: a packet needs every chain's consent. With
    bridge-nf-call-iptables even packets between two hosts pass through that chain.
    """
    if _forward_chain() is None or _own_forward_rules():
        return
    for side in ("iifname", "oifname"):
        _nft(f'insert rule ip filter FORWARD {side} "{BRIDGE}" counter accept')


def _own_forward_rules():
    """Handles of the rules that the lab put into the machine's own FORWARD chain."""
    rules = [item["rule"] for item in _forward_chain() or [] if "rule" in item]
    return [rule["handle"] for rule in rules if f'"{BRIDGE}"' in json.dumps(rule["expr"])]


def _forward_chain():
    shown = run("nft", "--json", "list", "chain", "ip", "filter", "FORWARD", check=False)
    return None if shown.returncode else json.loads(shown.stdout)["nftables"]


def _nft(rules):
    run("nft", rules)


def _sysctl(name, value):
    file = Path("/proc/sys") / name
    if file.exists():  # absent where the machine's kernel has no IPv6
        file.write_text(value)
