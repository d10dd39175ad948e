"""Nameko's own entrypoints under the chassis's container: held back while the instance is not admitted.

They are Nameko's classes, which know of no such thing. The container gives what a service has of them these methods,
rather than ask services to import others.
"""

from functools import partial

from nameko.extensions import ProviderCollector
from nameko.messaging import QueueConsumer
from nameko.rpc import ReplyListener
from nameko.timer import Timer


def hold_back(extension, admitted):
    """Have an extension, if it is one that takes work by itself, do so only while `admitted()`."""
    for kind, holding in ((QueueConsumer, HeldQueueConsumer), (Timer, HeldTimer)):
        if isinstance(extension, kind):
            own = type(extension)
            extension.__class__ = type(own.__name__, (holding, own), {"__module__": own.__module__})
            extension.admitted = admitted


class HeldQueueConsumer(QueueConsumer):
    """Connected always, so that it is known whether it can be; consumes replies always, all else while admitted.

    A queue that is held back is not declared either: one for events would collect those that nobody may ever want.
    """

    _channel = _make = None
    _gone = frozenset()

    @property
    def connected(self):
        """Whether it has begun, and has a channel. kombu's loses its connection when that is closed."""
        return self._consumers_ready.ready() and self._channel is not None and self._channel.connection is not None

    @property
    def taking(self):
        """Whether it consumes all that it should while admitted; while it is not, whether it still consumes any."""
        held = [provider for provider in self._providers if not isinstance(provider, ReplyListener)]
        if not held or not self.connected:
            return self.connected and self.admitted()
        return (all if self.admitted() else any)(provider in self._consumers for provider in held)

    def unregister_provider(self, provider):
        """Also before it has begun, where Nameko's fails for the second of several and then never ends."""
        if self._consumers_ready.ready():
            super().unregister_provider(provider)
        else:
            ProviderCollector.unregister_provider(self, provider)

    def get_consumers(self, consumer_cls, channel):
        """Called by kombu on each connection; the consumers are those of the last."""
        self._channel, self._make = channel, consumer_cls
        self._consumers = {provider: self._consumer(provider) for provider in self._wanted()}
        return self._consumers.values()

    def on_iteration(self):
        """Called by kombu every second at least, in the greenlet that may change consumers."""
        removed, self._pending_remove_providers = self._pending_remove_providers, {}
        self._gone |= removed.keys()  # each takes itself off the list of providers, in a moment
        wanted = self._wanted()
        for provider in set(self._consumers) - wanted:
            self._consumers.pop(provider).cancel()
        for provider in wanted - set(self._consumers):
            consumer = self._consumer(provider)
            consumer.consume()
            self._consumers[provider] = consumer
        self.should_stop |= not set(self._providers) - self._gone
        for event in removed.values():
            event.send()

    def _wanted(self):
        admitted = self.admitted()
        providers = set(self._providers) - self._gone
        return {provider for provider in providers if admitted or isinstance(provider, ReplyListener)}

    def _consumer(self, provider):
        callbacks = [partial(self.handle_message, provider)]
        consumer = self._make(queues=[provider.queue], callbacks=callbacks, accept=self.accept)
        consumer.qos(prefetch_count=self.prefetch_count)
        return consumer


class HeldTimer(Timer):
    """Starts when the instance is first admitted, and lets its turns pass while it is not."""

    _may_start = False

    def start(self):
        self._may_start = True
        self.follow()

    def follow(self):
        """The instance may have been admitted."""
        if self._may_start and self.gt is None and self.admitted():
            super().start()

    def stop(self):
        self._may_start = False
        if self.gt is not None:
            super().stop()

    def kill(self):
        self._may_start = False
        if self.gt is not None:
            super().kill()

    def handle_timer_tick(self):
        if self.admitted():
            super().handle_timer_tick()
        else:
            self.worker_complete.send()
