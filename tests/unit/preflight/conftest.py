"""What the tests of pre-flight spoil."""

import pytest

from tests.unit.preflight.fleets import PASSWORDS, host, write_release


@pytest.fixture
def facts(tmp_path):
    """A fleet with nothing wrong."""
    for service in ("greeting", "airports"):
        write_release(tmp_path, service)
    groups = {"core": ["core1", "core2", "core3"], "app": ["app1", "app2"], "edge": ["edge1", "edge2"]}
    names = [name for members in groups.values() for name in members]
    entry = {"release": "1.0.0", "instances": 2, "workers": 10}
    return {
        "groups": groups,
        "hosts": {name: host(f"10.77.0.{number}") for number, name in enumerate(names, start=11)},
        "services": {
            "greeting": {**entry, "port": 8120},
            "airports": {**entry, "port": 8140, "redis": {"write": ["a:*"]}},
        },
        "secrets": {
            "rabbitmq": {"erlang_cookie": "COOKIE", "operator_password": "op"},
            "redis": dict.fromkeys(
                ("admin_password", "monitor_password", "replication_password", "sentinel_password"), "secret"
            ),
            "services": {"greeting": PASSWORDS, "airports": PASSWORDS},
        },
        "vip": "10.77.0.100",
        "skip": [],
        "outage": [],
        "allow_incompatible": [],
        "allow_older": [],
        "kind": "deploy",
        "release": "",
        "limit": "",
        "canary": "",
        "tells_only": False,
        "catalogue": {},
        "options": {
            "rollout_batch": "50%",
            "rollout_settle": 5,
            "rollout_bake": 15,
            "rollout_limits": {},
            "rollout_unsure": "continue",
            "releases_kept": 3,
            "plan_only": False,
        },
        "releases_dir": str(tmp_path),
    }
