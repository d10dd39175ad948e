"""One connection to RabbitMQ with one channel, from its opening to its end. It never comes back: see `link`.

Whoever holds a `Message` acknowledges it on the very connection that delivered it. So a delivery tag can't be used
on another connection, where the same number is another message.
"""

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass

import eventlet
from eventlet import hubs
from eventlet.event import Event
from eventlet.green import socket
from eventlet.semaphore import Semaphore
from pamqp import body, commands, header

from chassis.amqp import frames
from chassis.amqp.content import Content
from chassis.amqp.deliveries import Deliveries
from chassis.amqp.errors import AmqpError, ConnectionLost
from chassis.amqp.opening import READ_SIZE, opened
from chassis.amqp.publications import Publications

_log = logging.getLogger(__name__)

CALL_TIMEOUT = 15  # seconds for the broker to answer a declaration; an election of a leader takes one or two
CANCEL_TIMEOUT = 3  # seconds; whoever cancels is about to stop, and has not forever
CLOSE_TIMEOUT = 2  # seconds
ACK_PAUSE = 0.05  # seconds that an acknowledgement waits for others
ACK_SHARE = 4  # and while the messages that wait so are less than this part, a fourth, of a consumer's prefetch
GOODBYE_PAUSE = 0.005  # seconds in which the answer to the broker's goodbye is written
UNSENT_MAX = 8 * 2**20  # bytes that may wait to be written before publishers wait with them

Basic, Channel = commands.Basic, commands.Channel


@dataclass(slots=True)
class Message:
    """A message from a queue. `properties` are pamqp's `Basic.Properties`."""

    connection: "Connection"
    delivery_tag: int
    redelivered: bool
    routing_key: str
    properties: Basic.Properties
    body: bytes = b""

    def ack(self):
        """Tell the broker that it is done; nothing happens if the connection that brought it is gone."""
        self.connection.ack(self.delivery_tag)

    def requeue(self):
        """Give it back, for another consumer."""
        self.connection.requeue(self.delivery_tag)


class Connection:
    """An open connection. All of its callbacks run in the greenlet that reads, and must not wait.

    Args:
        address: an `Address`.
        heartbeat: seconds of silence to agree upon; 0 for none.
        name: what RabbitMQ lists it under.
        tell: called with `blocked` or `unblocked` when the broker stops taking messages, or takes them again.

    Attributes:
        lost: an event, sent with the reason (an `AmqpError`) when the connection has ended.
        blocked: why the broker takes no messages at the moment, or an empty text.
    """

    def __init__(self, address, heartbeat, name, tell):
        self.lost = Event()
        self.blocked = ""
        self._tell = tell
        self._consumers = {}  # consumer tag to callback, and whether it takes messages without acknowledging them
        self._calling, self._answer = Semaphore(), None
        self._unsent, self._unsent_size = [], 0
        self._to_write, self._room = Event(), None
        self._content, self._publications = Content(), Publications()
        self._deliveries, self._ack_timer, self._acks_max = Deliveries(), None, math.inf
        agreed = opened(address, heartbeat, name)
        self._socket, self._decoder = agreed.socket, agreed.decoder
        self._heartbeat, self._frame_max = agreed.heartbeat, agreed.frame_max
        self._received = self._sent = time.monotonic()
        eventlet.spawn(self._read)
        eventlet.spawn(self._write)
        if self._heartbeat:
            eventlet.spawn(self._beat)
        try:
            self.call(Channel.Open(), Channel.OpenOk)
            self.call(commands.Confirm.Select(), commands.Confirm.SelectOk)
        except BaseException:  # whoever opens it may be killed while it waits
            self._end(ConnectionLost("it was not opened"))
            raise

    def call(self, method, answer, timeout=CALL_TIMEOUT):
        """Send a method that the broker answers, and return the answer, of class `answer`.

        `AmqpError` with the broker's reason if it refuses (which ends the connection), `ConnectionLost` if it ends.
        """
        with self._calling:  # AMQP pairs answers with questions by their order alone
            self._require_open()
            self._answer = Event()
            self._send(frames.method(method))
            with eventlet.Timeout(timeout, False):
                given = self._answer.wait()
                if not isinstance(given, answer):
                    raise AmqpError(f"it answered {given.name} to {method.name}")
                return given
            error = ConnectionLost(f"it did not answer {method.name} within {timeout} s")
            self._end(error)
            raise error

    def consume(self, queue, on_message, *, prefetch=0, no_ack=False, exclusive=False):
        """Have each message of a queue given to `on_message`, at most `prefetch` unacknowledged; return the tag."""
        tag = f"{queue}:{len(self._consumers)}"
        self._consumers[tag] = on_message, no_ack  # before the first message comes, which may be before the answer
        if prefetch:
            self._acks_max = min(self._acks_max, prefetch // ACK_SHARE)
        self.call(Basic.Qos(prefetch_count=prefetch), Basic.QosOk)
        self.call(Basic.Consume(queue=queue, consumer_tag=tag, no_ack=no_ack, exclusive=exclusive), Basic.ConsumeOk)
        return tag

    def cancel(self, tag):
        """Take no more messages for a consumer; what it has is still to be acknowledged."""
        self.call(Basic.Cancel(consumer_tag=tag), Basic.CancelOk, CANCEL_TIMEOUT)

    def publish(self, exchange, routing_key, content, properties, settled, *, mandatory=False, until=None):
        """Publish a message. `settled` is called once with its `Outcome`, when that is known.

        A mandatory message needs a correlation id, unique among those with its routing key that are on their way.
        Waits while much is unsent, but not longer than `until` (on the monotonic clock). Returns whether it is on its
        way.
        `ConnectionLost` if the connection has ended, `ValueError` for properties that can't be sent. `settled` is
        called only for a message that is on its way.
        """
        while self._unsent_size > UNSENT_MAX and not self.lost.ready():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._room = self._room or Event()
            self._room.wait(left)
        data = frames.message(exchange, routing_key, content, properties, mandatory, self._frame_max)
        self._require_open()
        self._publications.add(settled, routing_key, properties.correlation_id, mandatory)
        self._send(data)
        return True

    def ack(self, tag):
        """Acknowledge a message of this connection, in a moment; dropped if it has ended.

        A process that dies in that moment has done calls that RabbitMQ delivers again.
        """
        self._deliveries.done(tag)
        if self._deliveries.to_acknowledge >= self._acks_max:
            self._send_acks()  # RabbitMQ sends nothing new in their place until then
        elif self._ack_timer is None:
            self._ack_timer = hubs.get_hub().schedule_call_global(ACK_PAUSE, self._send_acks)

    def requeue(self, tag):
        """Give a message of this connection back; dropped if it has ended."""
        self._deliveries.given_back(tag)
        if not self.lost.ready():
            self._send(frames.method(Basic.Nack(tag, requeue=True)))

    def close(self):
        """End it in order, what is unsent included; a broker that does not answer is left."""
        if self.lost.ready():
            return
        self._send_acks()
        self._send(frames.method(commands.Connection.Close(200, "Goodbye", 0, 0), 0))
        with eventlet.Timeout(CLOSE_TIMEOUT, False):
            self.lost.wait()
        self._end(ConnectionLost("it was closed"))

    def _require_open(self):
        if self.lost.ready():
            raise ConnectionLost("the connection has ended")

    def _send_acks(self):
        timer, self._ack_timer = self._ack_timer, None
        if timer:
            timer.cancel()
        if not self.lost.ready():
            for method in self._deliveries.acknowledgements():
                self._send(frames.method(method))

    def _send(self, data):
        self._unsent.append(data)
        self._unsent_size += len(data)
        if not self._to_write.ready():
            self._to_write.send()

    def _write(self):
        """Everything that was to be sent since the last write goes out in one: each wakes the broker and its peers."""
        try:
            while not self.lost.ready():
                self._to_write.wait()
                if self.lost.ready():
                    return
                eventlet.sleep(0)  # whoever is ready to run now may add to it
                self._to_write = Event()
                data, self._unsent, self._unsent_size = b"".join(self._unsent), [], 0
                self._socket.sendall(data)
                self._sent = time.monotonic()
                if self._room:
                    room, self._room = self._room, None
                    room.send()
        except OSError as error:
            self._end(ConnectionLost(f"it broke ({error})"))

    def _read(self):
        try:
            while data := self._socket.recv(READ_SIZE):
                self._received = time.monotonic()
                for frame in self._decoder.feed(data):
                    handle = _HANDLERS.get(type(frame))
                    if handle is None:
                        raise AmqpError(f"it sent {frame.name}, which nobody expects")
                    handle(self, frame)
            self._end(ConnectionLost("it was closed by the other side"))
        except (OSError, EOFError) as error:  # eventlet's sockets raise the latter when another greenlet closes them
            self._end(ConnectionLost(f"it broke ({error})"))
        except AmqpError as error:
            self._end(error)
        except Exception as error:  # noqa: BLE001 - whatever it is
            # A bug must not leave a connection that looks open and that nobody reads. Nor may it leave this greenlet:
            # eventlet's hub, which may be what called it, would end with it.
            _log.exception("What came from RabbitMQ could not be handled.")
            self._end(AmqpError(f"what it sent could not be handled ({error})"))

    def _beat(self):
        """Heartbeats: RabbitMQ's documentation suggests two in each interval, and two missed before it counts."""
        while not self.lost.ready():
            eventlet.sleep(self._heartbeat / 2)
            now = time.monotonic()
            if now - self._received > 2 * self._heartbeat:
                self._end(ConnectionLost(f"it was silent for {2 * self._heartbeat} s"))
            elif now - self._sent > self._heartbeat / 2 and not self.lost.ready():
                self._send(frames.HEARTBEAT)

    def _end(self, reason):
        """Settle everything that waits for this connection. Safe to call from any greenlet, and again."""
        if self.lost.ready():
            return
        self.lost.send(reason)
        if not self._to_write.ready():
            self._to_write.send()
        room, self._room = self._room, None
        if room:
            room.send()
        if self._answer and not self._answer.ready():
            self._answer.send_exception(reason)
        with suppress(OSError):  # the other side may have been faster
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the greenlet that reads, which close alone would not
        self._socket.close()
        self._publications.lost()

    def _on_answer(self, frame):
        if self._answer and not self._answer.ready():
            self._answer.send(frame)

    def _on_content_method(self, frame):
        self._content.begin(frame)

    def _on_content_header(self, frame):
        if whole := self._content.header(frame):
            self._on_message(*whole)

    def _on_content_body(self, frame):
        if whole := self._content.body(frame):
            self._on_message(*whole)

    def _on_message(self, method, properties, content):
        if isinstance(method, Basic.Return):
            self._publications.returned(method.routing_key, properties.correlation_id)
            return
        deliver, no_ack = self._consumers[method.consumer_tag]
        if not no_ack:
            self._deliveries.came(method.delivery_tag)
        deliver(Message(self, method.delivery_tag, method.redelivered, method.routing_key, properties, content))

    def _on_confirm(self, frame):
        self._publications.confirmed(frame)

    def _on_close(self, frame):
        ok = commands.Connection.CloseOk() if isinstance(frame, commands.Connection.Close) else Channel.CloseOk()
        self._send(frames.method(ok, 0 if isinstance(ok, commands.Connection.CloseOk) else frames.CHANNEL))
        eventlet.sleep(GOODBYE_PAUSE)
        self._end(AmqpError(f"it closed the connection: {frame.reply_text}"))

    def _on_closed(self, _frame):
        self._end(ConnectionLost("it was closed"))

    def _on_cancel(self, frame):
        self._end(AmqpError(f"it ended the consumer {frame.consumer_tag}: its queue is gone"))

    def _on_blocked(self, frame):
        self.blocked = frame.reason or "it gave no reason"
        self._tell("blocked")

    def _on_unblocked(self, _frame):
        self.blocked = ""
        self._tell("unblocked")

    def _ignore(self, _frame):
        """A heartbeat has done its work by coming."""


_HANDLERS = {
    Basic.Deliver: Connection._on_content_method,
    Basic.Return: Connection._on_content_method,
    header.ContentHeader: Connection._on_content_header,
    body.ContentBody: Connection._on_content_body,
    Basic.Ack: Connection._on_confirm,
    Basic.Nack: Connection._on_confirm,
    Basic.Cancel: Connection._on_cancel,
    Channel.Close: Connection._on_close,
    commands.Connection.Close: Connection._on_close,
    commands.Connection.CloseOk: Connection._on_closed,
    commands.Connection.Blocked: Connection._on_blocked,
    commands.Connection.Unblocked: Connection._on_unblocked,
    frames.heartbeat.Heartbeat: Connection._ignore,
}
_HANDLERS |= dict.fromkeys(
    (
        Channel.OpenOk, commands.Confirm.SelectOk, commands.Exchange.DeclareOk, commands.Queue.DeclareOk,
        commands.Queue.BindOk, Basic.QosOk, Basic.ConsumeOk, Basic.CancelOk,
    ),
    Connection._on_answer,
)  # fmt: skip
