"""Requests on their way, and the replies that come back for them."""

import itertools
import logging
import math
import secrets
import time
import uuid
from contextlib import suppress

import eventlet
from eventlet.event import Event
from nameko.exceptions import MalformedRequest, UnknownService, deserialize

from chassis import metrics
from chassis.amqp import ConnectionLost, Outcome
from chassis.errors import RpcTimeout, Unavailable
from chassis.rpc import wire
from chassis.rpc.deadline import seconds_text, timeout_setting, until
from chassis.rpc.returned import REQUEST_PAUSES

_log = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 10  # seconds, where there is no RPC_TIMEOUT setting
REFUSED_PAUSE = 0.2  # seconds until a request that the broker refused is sent again
SWEEP_PAUSE = 1  # seconds between two looks at all that is pending, so that calls pay next to nothing for it
_REPLY_EXPIRES = "the connection was lost, and with it perhaps the reply: the call may have been done"


class RpcReply:
    """The answer to one call, to be had until the call's deadline."""

    def __init__(self, caller, service, method, deadline, options):
        self.service, self.method, self.deadline = service, method, deadline
        self.retry = options.get("retry", True)
        self.repeat_after = options.get("repeat_after") if self.retry else None
        self.began = time.monotonic()
        self.tried = self.sent = False  # whether there was time to send it; whether it is on its way
        self.pauses = iter(REQUEST_PAUSES)
        self.event = Event()
        self.request = None  # routing key, properties and content
        self._caller, self._body = caller, None

    def result(self):
        """Return what the method returned or raise what it raised.

        `RpcTimeout` at the deadline, `UnknownService` if no such service has ever run, `Unavailable` if RabbitMQ
        can't be reached or takes nothing.
        """
        if self._body is None:
            self._body = self._caller.wait(self)
        if error := self._body.get("error"):
            raise deserialize(error)
        return self._body["result"]


class Caller:
    """Sends requests over a link and hands out their replies.

    Replies come to an exclusive queue, which costs the broker little and ends with the connection. Each connection
    declares a new one, under a fresh name (the broker may not know yet that the last one is gone), bound with the
    same key: so replies that are on their way find it. Those that came in between are lost; their requests are sent
    again, with the id that they had.
    """

    def __init__(self, link, config, service_name):
        self._link, self._config, self._service_name = link, config, service_name
        self._codec = wire.Codec(config)
        self._exchange = wire.exchange_name(config)
        self._timeout = timeout_setting(config, "RPC_TIMEOUT", DEFAULT_TIMEOUT)
        self._repeat_after = timeout_setting(config, "RPC_REPEAT_AFTER", None)
        self._reply_to, self._numbers = str(uuid.uuid4()), itertools.count(1)
        self._pending, self._sweep_at = {}, 0
        self._connection = None  # set before the link counts as up: calls are made while others are still set up
        link.add(self)

    def call(self, service, method, args, kwargs, context, options, served_until=None):
        """Send a request and return its `RpcReply`. `Unavailable` while the broker takes no messages.

        `served_until` is the deadline of the call that is being served, which makes this one.
        """
        if self._link.blocked:
            raise Unavailable(f"{service} can't be called: RabbitMQ takes no messages ({self._link.blocked}).")
        serializer, repeat_after = options.get("serializer"), options.get("repeat_after") or self._repeat_after
        content_type, encoding, content = self._codec.encode({"args": args, "kwargs": kwargs}, serializer)
        deadline = until(options.get("timeout") or self._timeout, served_until)
        call = RpcReply(self, service, method, deadline, {**options, "repeat_after": repeat_after})
        call_id = options.get("call_id") or secrets.token_hex(16)
        call.request = (f"{service}.{method}", call_id, context, content_type, encoding, content)
        self._forget_expired()
        # Two calls under one id at the same time get the same reply; the one that waits longer is kept for it.
        other = self._pending.get(call_id)
        if other:
            _require_same(call, other)
            call.event = other.event
        if not other or other.deadline <= call.deadline:
            self._pending[call_id] = call
        try:
            self._send(call, self._connection)
        except Exception:  # it can't be sent, now or on another connection
            self._forget(call)
            raise
        return call

    def wait(self, call):
        """Return the body of the reply to a call, or raise why there is none."""
        outcome = "error"
        try:
            body = self._codec.decode(self._await(call))
            if not isinstance(body, dict) or not isinstance(body.get("error"), dict | None) or "result" not in body:
                raise MalformedRequest(f"The reply of {call.service}.{call.method} is not one of Nameko's.")
            outcome = "ok"
            if error := body.get("error"):
                outcome = str(error.get("exc_type") or "error")  # what a peer put there
            return body
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            self._forget(call)
            metrics.made(call.service, call.method, outcome, time.monotonic() - call.began)

    def set_up(self, connection):
        """Listen for replies on a new connection, and send again what may have been lost with the last."""
        wire.declare_exchange(connection, self._config)
        queue = f"rpc.reply-{self._service_name}-{self._reply_to}-{next(self._numbers)}"
        wire.declare_queue(connection, self._config, queue, self._reply_to, exclusive=True)
        # Without acknowledgements: a reply that is lost on the way is lost with the queue, and called for again.
        connection.consume(queue, self._on_reply, no_ack=True)
        self._connection = connection
        for call in list(self._pending.values()):
            try:
                self._send(call, connection)
            except ValueError as error:  # it can't be sent, which nobody found out while there was no connection
                self._fail(call, error)

    def lost(self):
        """The connection has ended."""
        self._connection = None
        for call in list(self._pending.values()):
            if call.sent and not call.retry:
                self._fail(call, Unavailable(f"{call.service}.{call.method}: {_REPLY_EXPIRES}."))

    def settle(self, seconds):
        """Calls are waited for by those who made them."""

    def _await(self, call):
        while not call.event.ready():
            left = call.deadline - time.monotonic()
            if left <= 0:
                self._time_out(call)
            pause = min(left, call.repeat_after) if call.repeat_after else left
            call.event.wait(pause)
            if call.repeat_after and call.sent and not call.event.ready() and pause < left:
                self._send(call, self._connection)
        return call.event.wait()

    def _time_out(self, call):
        name, seconds = f"{call.service}.{call.method}", call.deadline - call.began
        if call.tried and not call.sent:
            raise Unavailable(f"{call.service} can't be called: RabbitMQ does not answer.")
        metrics.deadline_missed(call.service, call.method)
        if not call.tried:
            raise RpcTimeout(f"{name} was not called: its deadline had passed {seconds_text(-seconds)} before.")
        raise RpcTimeout(f"{name} did not answer within {seconds_text(seconds)}.")

    def _send(self, call, connection):
        """Publish a request, perhaps again. While there is no connection it waits for the next to be set up."""
        left = math.ceil((call.deadline - time.monotonic()) * 1000)
        if left <= 0:
            return
        call.tried = True
        if connection is None:
            return
        if call.sent:
            metrics.retried(call.service, call.method)
        routing_key, call_id, context, content_type, encoding, content = call.request
        properties = wire.properties(
            content_type=content_type,
            content_encoding=encoding,
            headers={**wire.context_headers(context), wire.DEADLINE_HEADER: left},
            correlation_id=call_id,
            reply_to=self._reply_to,
            expiration=str(left),  # whoever would take it later, would take it in vain
        )

        def settled(outcome):
            if outcome is Outcome.RETURNED:
                self._came_back(call, connection)
            elif outcome is Outcome.REFUSED:
                self._send_later(call, connection, REFUSED_PAUSE)

        with suppress(ConnectionLost):  # the next connection is set up with it
            call.sent |= connection.publish(
                self._exchange, routing_key, content, properties, settled, mandatory=True, until=call.deadline
            )

    def _came_back(self, call, connection):
        """No queue is bound for a request: nobody has it."""
        pause = next(call.pauses, None)
        if pause is None or time.monotonic() + pause >= call.deadline:
            self._fail(call, UnknownService(call.service))
        else:
            self._send_later(call, connection, pause)

    def _send_later(self, call, connection, pause):
        """Send what the broker did not keep once more, if it is still wanted; another connection sends it anyway."""

        def again():
            if self._connection is connection and call.request[1] in self._pending and not call.event.ready():
                self._send(call, connection)

        eventlet.spawn_after(pause, again)

    def _on_reply(self, message):
        call = self._pending.pop(message.properties.correlation_id, None)
        if call is None:
            _log.debug("A reply that nobody waits for: %s", message.properties.correlation_id)
        elif not call.event.ready():
            call.event.send(message)

    def _forget(self, call):
        if self._pending.get(call.request[1]) is call:
            del self._pending[call.request[1]]

    def _fail(self, call, error):
        self._forget(call)
        if not call.event.ready():
            call.event.send_exception(error)

    def _forget_expired(self):
        """Calls that nobody asked for the result of don't stay: of those that are over, a second's worth at most."""
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_PAUSE
        self._pending = {call_id: call for call_id, call in self._pending.items() if call.deadline >= now}


def _require_same(call, other):
    """Of two calls under one id at the same time only one has the reply: they must ask for the same."""
    if call.request[0] != other.request[0] or call.request[-1] != other.request[-1]:
        raise ValueError(
            f"{call.service}.{call.method} can't be called under the id {call.request[1]}: a call of {other.service}."
            f"{other.method} with other arguments is under way with it. Take another id."
        )
