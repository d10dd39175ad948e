"""Calls to other services, each with a deadline: a drop-in for `nameko.rpc.RpcProxy`."""

import time
import uuid

from amqp.exceptions import AMQPError, MessageNacked
from eventlet import Timeout
from kombu.exceptions import ChannelError, OperationalError
from nameko.amqp.publish import Publisher as NamekoPublisher
from nameko.amqp.publish import get_producer
from nameko.exceptions import UnknownService
from nameko.rpc import MethodProxy as NamekoMethodProxy
from nameko.rpc import ReplyListener as NamekoReplyListener
from nameko.rpc import RpcProxy as NamekoRpcProxy
from nameko.rpc import RpcReply as NamekoRpcReply
from nameko.rpc import ServiceProxy as NamekoServiceProxy
from nameko.rpc import get_rpc_exchange

from chassis.errors import RpcTimeout, Unavailable

DEFAULT_TIMEOUT = 10  # seconds, where there is no RPC_TIMEOUT setting


class Deadline:
    """The time that one call has. As a context manager it ends what runs in it with `RpcTimeout` when it is up."""

    def __init__(self, service, method, seconds):
        self._message = f"{service}.{method} did not answer within {seconds:g} s."
        self._ends = time.monotonic() + seconds
        self._timeout = None

    def __enter__(self):
        self._timeout = Timeout(max(0, self._ends - time.monotonic()))

    def __exit__(self, exc_type, exc, traceback):
        self._timeout.cancel()
        if exc is self._timeout:
            raise RpcTimeout(self._message) from exc


class ReplyListener(NamekoReplyListener):
    """Nameko's, which can also be told that nobody waits for a reply any more."""

    def forget(self, correlation_id):
        """Drop what is kept for a reply; one that comes late is ignored."""
        self._reply_events.pop(correlation_id, None)


class RpcReply(NamekoRpcReply):
    """The answer to one call, to be had until the call's deadline."""

    def __init__(self, reply_event, deadline, forget):
        super().__init__(reply_event)
        self._deadline, self._forget = deadline, forget

    def result(self):
        """Return what the method returned or raise what it raised, or `RpcTimeout`."""
        try:
            with self._deadline:
                self.resp_body = self.reply_event.wait()  # returns at once, also later, if the answer is there
        finally:
            self._forget()
        return super().result()


class Publisher(NamekoPublisher):
    """Nameko's, except that a connection whose publish was interrupted is never used again.

    It may hold half a frame, or a confirm that the next message would take for its own.
    """

    def publish(self, payload, extra_headers=None, **kwargs):
        """Publish a message and wait until the broker has it."""
        with get_producer(self.amqp_uri, self.use_confirms, self.ssl, self.login_method) as producer:
            try:
                producer.publish(
                    payload,
                    headers=extra_headers,
                    delivery_mode=self.delivery_mode,
                    serializer=self.serializer,
                    retry=self.retry,
                    retry_policy=self.retry_policy,
                    **self.publish_kwargs,
                    **kwargs,
                )
            except Timeout:
                producer.connection.collect()
                raise


class MethodProxy(NamekoMethodProxy):
    """A method of another service. A call ends with a result, an error, or `RpcTimeout`, but it ends."""

    publisher_cls = Publisher

    def _call(self, *args, **kwargs):
        config = self.container.config
        deadline = Deadline(self.service_name, self.method_name, config.get("RPC_TIMEOUT", DEFAULT_TIMEOUT))
        correlation_id = str(uuid.uuid4())
        reply_event = self.reply_listener.get_reply_event(correlation_id)
        try:
            with deadline:
                self.publisher.publish(
                    {"args": args, "kwargs": kwargs},
                    exchange=get_rpc_exchange(config),
                    routing_key=f"{self.service_name}.{self.method_name}",
                    mandatory=True,
                    reply_to=self.reply_listener.routing_key,
                    correlation_id=correlation_id,
                    extra_headers=self.get_message_headers(self.worker_ctx),
                )
        except BaseException as error:
            self.reply_listener.forget(correlation_id)
            if isinstance(error, ChannelError) and "NO_ROUTE" in str(error):
                raise UnknownService(self.service_name) from error
            if isinstance(error, (OperationalError, AMQPError, MessageNacked, OSError)):
                message = f"{self.service_name} can't be called: RabbitMQ does not take the message."
                raise Unavailable(message) from error
            raise
        return RpcReply(reply_event, deadline, lambda: self.reply_listener.forget(correlation_id))


class ServiceProxy(NamekoServiceProxy):
    """Another service: its methods are attributes."""

    def __getattr__(self, name):
        return MethodProxy(self.worker_ctx, self.service_name, name, self.reply_listener, **self.options)


class RpcProxy(NamekoRpcProxy):
    """Drop-in for `nameko.rpc.RpcProxy`: every call has RPC_TIMEOUT seconds (10 unless set)."""

    rpc_reply_listener = ReplyListener()

    def get_dependency(self, worker_ctx):
        return ServiceProxy(worker_ctx, self.target_service, self.rpc_reply_listener, **self.options)
