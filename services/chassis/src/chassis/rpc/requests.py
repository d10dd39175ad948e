"""Requests from a service's queue: taken, handed on, answered, acknowledged once the answer is confirmed."""

import collections
import itertools
import time
import uuid
from contextlib import suppress

import eventlet
from eventlet.event import Event
from nameko.exceptions import UnserializableValueError, serialize

from chassis import metrics
from chassis.amqp import ConnectionLost, Outcome
from chassis.rpc import wire
from chassis.rpc.answered import Answer, Answered
from chassis.rpc.returned import HELD_MAX, REPLY_PAUSES
from chassis.rpc.tap import Tap

REFUSED_PAUSE = 0.2  # seconds until a reply that the broker refused is sent again
UNSENT_PATIENCE = 1  # seconds that a worker waits with its reply while much is unsent; then it is free for other calls
SHOWN_MAX = 1000  # characters of a result that can't be sent
SIZE_ALONE = 1024  # bytes that a request takes beside its body and its reply, roughly


class Requests:
    """The consumer of a service's queue, and of one of its own. At most `limit` requests of each are not acknowledged.

    The service's queue is shared by all of its instances, and taken from while this one `takes`. The own one is for
    calls to just this instance (routing key `ADDRESS.METHOD`), whatever its state. It ends with its connection and has
    a fresh name on each: the broker may not know yet that the last one is gone.

    Args:
        address: what the routing keys of calls to just this instance begin with; None for no such calls.
        takes: whether to take requests from the service's queue as soon as there is a connection.
        begin: called with each `Request`, when `free()` says that there is a worker for it; must answer it at last.
    """

    def __init__(self, link, config, *, queue, routing_key, address, takes, limit, free, begin):
        self._config = config
        self._queue, self._routing_key, self._address = queue, routing_key, address
        self._free, self._begin = free, begin
        self.codec, self.exchange = wire.Codec(config), wire.exchange_name(config)
        self._backlog, self._hands_on = collections.deque(), False
        self._in_hand = {}  # call to `Request`, until its reply is confirmed
        self.answered = Answered()
        self._returned = {}  # `Request` to the bytes that it holds: acknowledged, and no queue has its reply yet
        self._shared, self._own = Tap(self._take, limit, takes), Tap(self._take, limit, True)
        self._own_name, self._numbers = f"{queue}.{address}.{uuid.uuid4().hex[:12]}", itertools.count(1)
        self._stopped, self._settled = False, None
        self.connection = None  # set before the link counts as up: replies are due while others are still set up
        link.add(self)

    @property
    def taking(self):
        """Whether requests from the service's queue come."""
        return self._shared.open

    @property
    def in_hand(self):
        """The requests that were taken and are not acknowledged: routing key, id of the call, and since when."""
        found = [(request.routing_key, request.call_id, request.came) for request in self._in_hand.values()]
        waiting = list(self._backlog)
        return found + [(message.routing_key, message.properties.correlation_id, came) for message, came in waiting]

    def set_up(self, connection):
        """Take requests from a new connection, and send the replies that the last one did not confirm."""
        wire.declare_exchange(connection, self._config)
        wire.declare_queue(connection, self._config, self._queue, self._routing_key, durable=True)
        self.connection = connection
        for request in [*self._in_hand.values(), *self._returned]:
            request.send(connection)
        if self._address is not None:
            own = f"{self._own_name}-{next(self._numbers)}"
            options = {"exclusive": True, "auto_delete": True}
            wire.declare_queue(connection, self._config, own, f"{self._address}.*", **options)
            self._own.set_up(connection, own)
        self._shared.set_up(connection, self._queue)

    def lost(self):
        """The connection has ended: RabbitMQ delivers again what was not acknowledged, here or elsewhere."""
        self.connection = None
        self._own.lost()
        self._shared.lost()

    def take(self, takes):
        """Take requests from the service's queue from now on, or leave them to other instances.

        What was taken is done either way.
        """
        if not self._stopped:
            self._shared.want(takes)

    def stop(self):
        """Take no more from any queue; return when all that were taken are handed on."""
        self._stopped = True
        self._shared.want(False)
        self._own.want(False)
        while self._backlog or self._hands_on:
            eventlet.sleep(0.01)

    def settle(self, seconds):
        """Wait until every reply is confirmed, `seconds` at most."""
        if self._in_hand or self._returned:
            self._settled = Event()
            self._settled.wait(seconds)

    def done(self, key):
        """Forget a request: it is acknowledged."""
        if self._in_hand.pop(key, None):
            metrics.in_flight.dec()
        self._tell_settled()

    def hold(self, request, size):
        """Keep a request whose reply found no queue. Returns whether there is room for it."""
        if request not in self._returned and sum(self._returned.values()) + size > HELD_MAX:
            return False
        self._returned[request] = size
        return True

    def let_go(self, request):
        """A queue has its reply, or it is given up."""
        if self._returned.pop(request, None):
            self._tell_settled()

    def _tell_settled(self):
        if self._settled and not (self._in_hand or self._returned) and not self._settled.ready():
            self._settled.send()

    def _take(self, message):
        """Called by the connection, which must not wait."""
        if self._hands_on or self._free() <= 0:
            self._backlog.append((message, time.monotonic()))
            if not self._hands_on:
                self._hands_on = True
                eventlet.spawn(self._hand_on)
        else:
            self._hand(message, time.monotonic())

    def _hand_on(self):
        """Hand on what waits for a worker, in a greenlet that may wait."""
        try:
            while self._backlog:
                self._hand(*self._backlog.popleft())
        finally:
            self._hands_on = False

    def _hand(self, message, came):
        if message.connection.lost.ready():
            return  # it is delivered again
        request = Request(self, message, came)
        if message.redelivered:
            metrics.redelivered(request.routing_key)
        if request.late:
            metrics.too_late(request.routing_key)
            message.ack()  # its caller has given up
        elif other := self._in_hand.get(request.key):
            other.also(message)
        else:
            self._in_hand[request.key] = request
            metrics.in_flight.inc()
            if answer := self.answered.find(request.key, message.redelivered):
                eventlet.spawn(request.answer_again, answer)  # which may wait
            else:
                self._begin(request)


class Request:
    """A call that was delivered, perhaps more than once."""

    def __init__(self, requests, message, came):
        properties = message.properties
        headers = properties.headers or {}
        left = wire.remaining(headers)
        self._requests, self._message, self._deliveries = requests, message, [message]
        self._answer, self._pauses = None, iter(REPLY_PAUSES)
        self.routing_key, self.came = message.routing_key, came
        self.call_id = properties.correlation_id
        self.context_data = wire.context_data(headers)
        self.until = None if left is None else came + left
        # What the same call is known by when it comes again. An id alone may be any sender's, and stand for anything.
        self.key = object()
        if self.call_id and properties.reply_to:
            self.key = properties.reply_to, self.call_id, message.routing_key, hash(message.body)

    @property
    def late(self):
        """Whether its caller has given up."""
        return self.until is not None and self.until <= time.monotonic()

    def decode(self):
        """The request's body; `MalformedRequest` for one that can't be read."""
        return self._requests.codec.decode(self._message)

    def also(self, message):
        """The same call was delivered again while it is in hand: it has one answer, and is done once."""
        self._deliveries.append(message)
        if not message.redelivered:
            # Its caller sent it again, on a connection with a new queue: a reply that is out went to the last one.
            eventlet.spawn(self.send, self._requests.connection)  # which may wait

    def requeue(self):
        """Give it back undone."""
        for message in self._deliveries:
            message.requeue()
        self._requests.done(self.key)

    def answer_worker(self, result, exc_info):
        """Answer with what a worker returned or raised; return what became of it, as Nameko's containers want it."""
        error = self.answer(result, exc_info[1] if exc_info else None)
        if error is not None:
            return None, (type(error), error, error.__traceback__)
        return result, exc_info

    def answer(self, result, error):
        """Reply with a result or an error. Returns the error if the result can't be sent."""
        codec = self._requests.codec
        # As the request was written, so that its caller can read it.
        serializer = codec.serializer_of(self._message.properties.content_type)
        failure, body = None, {"result": result, "error": error and serialize(error)}
        try:
            reply = codec.encode(body, serializer)
        except UnserializableValueError as unserializable:
            failure = unserializable if error is None else None
            shown = _shown(unserializable, result, error)
            reply = codec.encode({"result": None, "error": serialize(shown)}, serializer)
        self.answer_again(Answer(reply, is_error=error is not None or failure is not None))
        return failure

    def answer_again(self, answer):
        """Reply with what the call was answered with."""
        self._answer = answer
        self.send(self._requests.connection)

    def send(self, connection):
        """Publish the reply, if there is one yet. Without a connection it waits for the next to be set up."""
        if connection is None or self._answer is None:
            return
        properties = self._message.properties
        if not properties.reply_to:
            self._acknowledge()
            return
        content_type, encoding, content = self._answer.reply
        reply = wire.properties(
            content_type=content_type, content_encoding=encoding, correlation_id=self.call_id, headers={}
        )

        def settled(outcome):
            if outcome is Outcome.REFUSED:
                self._send_later(connection, REFUSED_PAUSE)
            elif outcome is Outcome.RETURNED:
                self._came_back(connection, len(content))
            elif outcome is Outcome.CONFIRMED:
                self._acknowledge()
                self._requests.let_go(self)

        with suppress(ConnectionLost):  # the next connection is set up with it
            # The id tells which one comes back; without one nobody could tell.
            mandatory, until = self.call_id is not None, time.monotonic() + UNSENT_PATIENCE
            exchange, key = self._requests.exchange, properties.reply_to
            if not connection.publish(exchange, key, content, reply, settled, mandatory=mandatory, until=until):
                self._send_later(connection, REFUSED_PAUSE)

    def _came_back(self, connection, size):
        """No queue is bound for the reply. The call is acknowledged: callers that are gone must not hold up others."""
        size += len(self._message.body) + SIZE_ALONE
        pause = next(self._pauses, None)
        late = pause is None or (self.until is not None and time.monotonic() + pause >= self.until)
        # Held first: between the two the instance would count as having nothing left to do.
        if not late and self._requests.hold(self, size):
            self._acknowledge()
            self._send_later(connection, pause)
        else:
            self._acknowledge()
            self._requests.let_go(self)
            metrics.undelivered(self.routing_key)

    def _send_later(self, connection, pause):
        """Send the reply once more; on another connection it is sent anyway."""
        eventlet.spawn_after(pause, lambda: self._requests.connection is connection and self.send(connection))

    def _acknowledge(self):
        deliveries, self._deliveries = self._deliveries, []
        if not deliveries:
            return  # its reply was sent more than once, and confirmed before
        for message in deliveries:
            message.ack()
        if self.call_id and self._message.properties.reply_to:  # else the key is found no more
            # The acknowledgement is not sent yet: if the connection ends before, RabbitMQ delivers the call again.
            self._requests.answered.keep(self.key, self._answer)
        self._requests.done(self.key)


def _shown(unserializable, result, error):
    """What the caller gets instead of a result or an error that can't be sent: small, whatever that is."""
    if error is not None:
        return RuntimeError("its error can't be sent")
    if unserializable.__cause__ is None:  # it could be serialized, but has too many bytes, and says how many
        return unserializable
    shown = UnserializableValueError(result)
    if len(shown.repr_value) > SHOWN_MAX:
        shown.repr_value = f"{shown.repr_value[:SHOWN_MAX]}…"
    return shown
