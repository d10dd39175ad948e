"""The one connection to RabbitMQ that a container has for all of its RPC."""

import time

from nameko.constants import (
    AMQP_SSL_CONFIG_KEY,
    AMQP_URI_CONFIG_KEY,
    HEARTBEAT_CONFIG_KEY,
    LOGIN_METHOD_CONFIG_KEY,
)
from nameko.exceptions import ConfigurationError
from nameko.extensions import SharedExtension

from chassis import metrics
from chassis.amqp import Address, Link
from chassis.settings import whole_number_setting

HEARTBEAT = 10  # seconds, where there is no HEARTBEAT setting
PATIENCE = 5  # seconds that a container waits for RabbitMQ when it starts; then it goes on trying beside its work
SETTLE = 5  # seconds that replies have to be confirmed when the container stops


class RpcConnection(SharedExtension):
    """Shared by all that speaks RPC in a container: the first to be set up makes the link, the last uses it to the end.

    A container stops its entrypoints first, then waits for its workers, and stops this last.
    """

    _link = None

    @property
    def link(self):
        """The container's `chassis.amqp.Link`."""
        if self._link is None:
            instance = getattr(self.container, "instance", None)
            self._link = link_from_config(
                self.container.config, instance.id if instance else self.container.service_name
            )
        return self._link

    def start(self):
        self.link.start()
        self.link.wait(PATIENCE)

    def stop(self):
        give_up = time.monotonic() + SETTLE
        for user in self.link.users:
            user.settle(max(0, give_up - time.monotonic()))
        self.link.stop()

    def kill(self):
        self.link.stop()


def link_from_config(config, name):
    """A link to the broker that Nameko's settings name. `ConfigurationError` for what the chassis can't do."""
    if config.get(AMQP_SSL_CONFIG_KEY):
        raise ConfigurationError("AMQP_SSL is not supported: let a local proxy encrypt, and point AMQP_URI to it.")
    if config.get(LOGIN_METHOD_CONFIG_KEY) not in (None, "PLAIN"):
        raise ConfigurationError("LOGIN_METHOD is not supported: leave it out, and users log in with their password.")
    heartbeat = whole_number_setting(config, HEARTBEAT_CONFIG_KEY, HEARTBEAT)
    link = Link(Address.from_uri(config[AMQP_URI_CONFIG_KEY]), heartbeat=heartbeat, name=name)
    link.watch(metrics.connection)
    return link
