"""What systemd is told of supervisor."""

from tests.templates.shapes import INTERNAL, lines
from tests.templates.test_program import program

LONGEST_CALL = 600  # seconds; what a catalogue may say at most


def test_systemd_lets_the_longest_call_end(render):
    settings = dict(
        line.split("=", 1)
        for line in lines(render("nameko_service/supervisor.service.conf.j2", "app1"))[1:]
        if "=" in line
    )
    longest = program(render, "mail", {**INTERNAL["mail"], "call_timeout": LONGEST_CALL})

    assert int(settings["TimeoutStopSec"].removesuffix("s")) > int(longest["stopwaitsecs"])
