"""RabbitMQ over one connection: frames, a connection from its opening to its end, and a link that replaces it.

Built on pamqp's codec and eventlet's sockets. What stock Nameko does with a connection for each publisher, a pool
and a confirm waited for one by one goes over a single connection here, with writes coalesced and confirms pipelined.
"""

from chassis.amqp.address import Address
from chassis.amqp.connection import Connection, Message
from chassis.amqp.errors import AmqpError, ConnectionLost
from chassis.amqp.link import Link
from chassis.amqp.publications import Outcome

__all__ = ["Address", "AmqpError", "Connection", "ConnectionLost", "Link", "Message", "Outcome"]
