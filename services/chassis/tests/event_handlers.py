"""A service that announces, and hears what is announced with two handlers, for a process of `nameko run`."""

from chassis.rpc import RpcProxy, rpc
from nameko.events import EventDispatcher, event_handler


class AnnouncingService:
    """Both handlers make the same call."""

    name = "announcing_service"
    dispatch = EventDispatcher()
    work = RpcProxy("work_service")

    @rpc
    def announce(self, number):
        self.dispatch("announced", number)

    @event_handler("announcing_service", "announced")
    def hear(self, number):
        self.work.do(number)

    @event_handler("announcing_service", "announced")
    def hear_too(self, number):
        self.work.do(number)
