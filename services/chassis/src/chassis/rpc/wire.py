"""What RPC looks like on the wire: Nameko's exchange, queues, headers and bodies, and what the chassis adds."""

import bz2
import json
import zlib

import kombu.serialization
import kombu.utils.json
from nameko import serialization
from nameko.constants import (
    CALL_ID_STACK_CONTEXT_KEY,
    HEADER_PREFIX,
    RPC_EXCHANGE_CONFIG_KEY,
    SERIALIZERS_CONFIG_KEY,
)
from nameko.exceptions import MalformedRequest, UnserializableValueError
from pamqp import commands

from chassis.amqp.tables import Properties
from chassis.rpc.deadline import TIMEOUT_MAX

#: A request's header with the milliseconds that it has; not one of Nameko's, which services pass on as they are.
DEADLINE_HEADER = "fleet-deadline-ms"
#: A message's header with the compression of its body, which kombu writes for clients that ask for one.
COMPRESSION_HEADER = "compression"
#: RabbitMQ 4 takes no larger message, and would end the connection with all that is on it.
BODY_MAX = 16 * 2**20  # bytes
PERSISTENT = 2
# By kombu's names. Those that can say when there is too much before it is there; the rest is little used.
_DECOMPRESSORS = {"application/x-gzip": zlib.decompressobj, "application/x-bz2": bz2.BZ2Decompressor}
# As kombu writes and reads JSON, which would make an encoder or a decoder anew for each message.
_encode_json = kombu.utils.json.JSONEncoder().encode
_decode_json = json.JSONDecoder(object_hook=kombu.utils.json.object_hook).decode
_JSON, _JSON_TYPE, _JSON_ENCODING = "json", "application/json", "utf-8"
_OWN_HEADERS = (DEADLINE_HEADER, COMPRESSION_HEADER)  # about the message alone
_PREFIX = f"{HEADER_PREFIX}."


def exchange_name(config):
    """The topic exchange that requests and replies go through."""
    return config.get(RPC_EXCHANGE_CONFIG_KEY, "nameko-rpc")


def declare_exchange(connection, config):
    """Declare the exchange, as Nameko does."""
    declare = commands.Exchange.Declare(exchange=exchange_name(config), exchange_type="topic", durable=True)
    connection.call(declare, commands.Exchange.DeclareOk)


def declare_queue(connection, config, queue, routing_key, **options):
    """Declare a queue and bind it to the exchange with the routing key."""
    connection.call(commands.Queue.Declare(queue=queue, **options), commands.Queue.DeclareOk)
    bind = commands.Queue.Bind(queue=queue, exchange=exchange_name(config), routing_key=routing_key)
    connection.call(bind, commands.Queue.BindOk)


class Codec:
    """Bodies to bytes and back, with the serializers that Nameko's settings name and accept."""

    def __init__(self, config):
        self.serializer, accept = serialization.setup(config)
        self._accept = kombu.serialization.prepare_accept_content(accept)  # names as content types
        self._knows_json = not config.get(SERIALIZERS_CONFIG_KEY)  # which may have another one under JSON's name

    def encode(self, body, serializer=None):
        """Return content type, encoding and bytes. `UnserializableValueError` for what can't be one message."""
        try:
            content_type, encoding, content = self._dumps(body, serializer or self.serializer)
        except Exception as error:
            raise UnserializableValueError(body) from error
        content = content.encode(encoding) if isinstance(content, str) else content
        if len(content) > BODY_MAX:
            raise UnserializableValueError(f"{len(content)} bytes, where RabbitMQ takes {BODY_MAX} at most")
        return content_type, encoding, content

    def _dumps(self, body, serializer):
        if self._knows_json and serializer == _JSON:
            return _JSON_TYPE, _JSON_ENCODING, _encode_json(body)
        return kombu.serialization.dumps(body, serializer)

    def serializer_of(self, content_type):
        """The serializer of a content type that is accepted, else the default one."""
        accepted = content_type in self._accept
        return kombu.serialization.registry.type_to_name[content_type] if accepted else self.serializer

    def decode(self, message):
        """Return a message's body. `MalformedRequest` for a type that is not accepted, or bytes that are not it."""
        properties = message.properties
        try:
            content, compression = message.body, (properties.headers or {}).get(COMPRESSION_HEADER)
            if compression:
                content = _decompressed(content, compression)
            return self._loads(content, properties.content_type, properties.content_encoding)
        except Exception as error:
            raise MalformedRequest(f"The message can't be read: {error}") from error

    def _loads(self, content, content_type, encoding):
        if self._knows_json and content_type == _JSON_TYPE and _JSON_TYPE in self._accept:
            return _decode_json(content.decode(_JSON_ENCODING))
        return kombu.serialization.loads(content, content_type, encoding or _JSON_ENCODING, accept=self._accept)


def _decompressed(content, compression):
    """`ValueError` for what is no whole message in that compression, or more than a message can be without one."""
    if compression not in _DECOMPRESSORS:
        raise ValueError(f"of the compressions it may be gzip or bzip2, not {compression!r}")
    decompressor = _DECOMPRESSORS[compression]()
    content = decompressor.decompress(content, BODY_MAX + 1)
    if len(content) > BODY_MAX:
        raise ValueError(f"decompressed it has more than {BODY_MAX} bytes")
    if not decompressor.eof:
        raise ValueError("its compressed content is cut off")
    return content


def context_headers(context_data):
    """A worker's context as message headers; what has no value is left out."""
    return {f"{_PREFIX}{key}": value for key, value in context_data.items() if value is not None}


def context_data(headers):
    """The context that a request's headers carry."""
    data = {key.removeprefix(_PREFIX): value for key, value in headers.items() if key not in _OWN_HEADERS}
    # Nameko takes it for a list, and ends the service with an error when it is not.
    if not isinstance(data.get(CALL_ID_STACK_CONTEXT_KEY, []), list):
        del data[CALL_ID_STACK_CONTEXT_KEY]
    return data


def remaining(headers):
    """The seconds that a request has, or None where it says nothing that makes sense."""
    milliseconds = headers.get(DEADLINE_HEADER)
    sensible = type(milliseconds) is int and 0 < milliseconds <= TIMEOUT_MAX * 1000
    return milliseconds / 1000 if sensible else None


def properties(**values):
    """The properties of a persistent message; headers, correlation id and so on as `values`."""
    return Properties(delivery_mode=PERSISTENT, **values)
