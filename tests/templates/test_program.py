"""What supervisor is told of one instance."""

import json

from tests.templates.shapes import INTERNAL, PUBLISHED, lines


def program(render, name, entry, **arguments):
    known = {
        "nameko_service_name": name,
        "nameko_service_release": entry["release"],
        "nameko_service_revision": "0123456789ab",
        "nameko_service_address": "10.77.0.21",
        "nameko_service_call_timeout": entry.get("call_timeout", 10),
        "__nameko_service_manifest": json.dumps({"module": f"{name}.service"}),
        "item": {"program": f"{name}-{entry['release']}-b2", "slot": "b", "number": 2, "port": entry["port"] + 11},
    }
    text = lines(render("nameko_service/program.conf.j2", "app1", **known, **arguments))
    assert text[0] == f"[program:{name}-{entry['release']}-b2]"
    return dict(line.split("=", 1) for line in text[1:])


def test_a_program_runs_its_own_release_and_configuration_as_its_own_user(render):
    settings = program(render, "mail", INTERNAL["mail"])
    assert settings["user"] == "fleet-mail"
    assert settings["command"] == (
        "/opt/fleet/mail/2.1.0/venv/bin/nameko run --config /etc/fleet/mail/mail-2.1.0-b2.yml mail.service"
    )


def test_a_program_is_killed_only_after_its_longest_call(render):
    assert int(program(render, "mail", INTERNAL["mail"])["stopwaitsecs"]) == 40
    assert int(program(render, "shop", PUBLISHED["shop"])["stopwaitsecs"]) == 20


def test_the_log_of_a_place_is_one_over_all_releases(render):
    assert program(render, "mail", INTERNAL["mail"])["stdout_logfile"] == "/var/log/fleet/mail-b2.log"
