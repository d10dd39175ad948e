"""An instance of the slow greeting on an app host: beside the fleet, run as the fleet runs the greeting."""

import json
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("slow_greeting.py")
FOLDER = "/run/tutorial"
UNIT = "tutorial"
USER = "fleet-greeting"
WORKERS = 10


@contextmanager
def running(lab, host, version, nameko, amqp_uri):
    """One instance within the block, the only one on its host. It connects to the broker in its own time.

    `nameko` is the program of an installed release, `amqp_uri` the broker as the host reaches it.
    """
    instance = Instance(lab, host)
    instance.remove()  # a test session that was killed leaves its own
    try:
        instance.start(nameko, {"AMQP_URI": amqp_uri, "VERSION": version, "max_workers": WORKERS})
        yield instance
    finally:
        instance.remove()


class Instance:
    """The instance on one host."""

    def __init__(self, lab, host):
        self.host = host
        self._lab = lab

    def start(self, nameko, config):
        """Start it with Nameko's settings."""
        self._write(SOURCE.name, SOURCE.read_text(), "0644")
        self._write("config.yml", json.dumps(config), "0600")
        self._run(
            "systemd-run", "--quiet", "--collect", f"--unit={UNIT}", f"--uid={USER}", f"--working-directory={FOLDER}",
            "--property=TimeoutStopSec=10",  # without a broker Nameko doesn't stop at all
            nameko, "run", "--config", "config.yml", SOURCE.stem,
        )  # fmt: skip

    def kill(self):
        """End its process with SIGKILL."""
        self._run("systemctl", "kill", "--signal=KILL", UNIT)

    def remove(self):
        """Stop it if it runs, and delete its files."""
        # A pattern matches the units that are there, and is content when none is.
        self._run("systemctl", "stop", f"{UNIT}*.service")
        self._run("rm", "-rf", FOLDER)

    def log(self):
        """What it has logged since it started, line by line."""
        return self._run("journalctl", f"--unit={UNIT}", "--invocation=0", "--output=cat").splitlines()

    def _write(self, name, text, mode):
        self._run("install", "-D", f"--mode={mode}", f"--owner={USER}", "/dev/stdin", f"{FOLDER}/{name}", text=text)

    def _run(self, *command, text=""):
        done = self._lab.exec(self.host, command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command[0]} on {self.host}: {done.stderr}"
        return done.stdout
