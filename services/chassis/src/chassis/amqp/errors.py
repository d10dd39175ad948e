"""What can go wrong with a connection to RabbitMQ."""

# ruff: noqa: N818 - the names say what happened


class AmqpError(Exception):
    """RabbitMQ refused something, or said what it must not say; the message is for the operator."""


class ConnectionLost(AmqpError):
    """The connection has ended: nobody knows what became of the messages that it had not confirmed."""
