"""The tutorial's greeting with its `sleep`: stock Nameko, without the fleet's chassis."""

import logging
import socket
import time

from nameko.dependency_providers import Config
from nameko.rpc import rpc

SECONDS = 5  # that a slow greeting takes


class TutorialService:
    """Greets by name, and tells which instance it is."""

    name = "tutorial_service"
    config = Config()

    @rpc
    def hello(self, name):
        """Greet at once."""
        return {"greeting": f"Hello, {name}!", "version": self.config["VERSION"], "host": socket.gethostname()}

    @rpc
    def slow_hello(self, name):
        """Greet after `SECONDS`; the log tells when a call begins."""
        logging.getLogger(__name__).info("begun %s", name)
        time.sleep(SECONDS)  # `nameko run` makes it eventlet's: other workers go on
        return self.hello(name)
