"""Where a broker is and who we are there."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from nameko.exceptions import ConfigurationError
from nameko.utils import sanitize_url

PORT = 5672


@dataclass(frozen=True)
class Address:
    """An AMQP URI taken apart (https://www.rabbitmq.com/docs/uri-spec)."""

    host: str
    port: int
    user: str
    password: str
    vhost: str

    @classmethod
    def from_uri(cls, uri):
        """Take `amqp://USER:PASSWORD@HOST:PORT/VHOST` apart; `ConfigurationError` for anything else."""
        parts = urlsplit(uri)
        try:
            port = parts.port or PORT
        except ValueError:
            port = None
        if parts.scheme not in ("amqp", "pyamqp") or not parts.hostname or port is None:
            raise ConfigurationError(
                f"AMQP_URI must be amqp://USER:PASSWORD@HOST:PORT/VHOST, not {sanitize_url(uri)} "
                "(encrypted connections, amqps://, are not supported)."
            )
        return cls(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            # As kombu, whose URIs these are: nothing, or a slash alone, is the virtual host "/".
            vhost=unquote(parts.path[1:]) or "/",
        )

    def __str__(self):
        return f"{self.host}:{self.port}"
