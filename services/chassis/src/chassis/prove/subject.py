"""An instance as the prover addresses it: over HTTP on its own address, over RPC on its own queue."""

import http.client
import json
import time
from contextlib import closing
from dataclasses import dataclass

import eventlet
from nameko.constants import CALL_ID_STACK_CONTEXT_KEY
from nameko.exceptions import ConfigurationError, UnknownService
from nameko.web.server import parse_address

from chassis.instance import Instance
from chassis.prove.errors import one_line
from chassis.rpc.caller import Caller
from chassis.rpc.connection import link_from_config

UNKNOWN_PAUSE = 0.2  # seconds until an instance that has no queue is called again: it may be connecting anew
ANYWHERE = ("", "0.0.0.0")  # noqa: S104 - listens on every address; we ask at this host's own


@dataclass
class Answer:
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body's content. `AssertionError` if it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise AssertionError(f"expected JSON, found {self.body[:200]!r}") from error


class Subject:
    """One instance, as its configuration describes it."""

    def __init__(self, config):
        """`config` is that of `nameko run`. `ConfigurationError` if it says too little to find the instance."""
        for name, example in (("AMQP_URI", "amqp://USER:PASSWORD@127.0.0.1:5672/"), ("INSTANCE", "{id: …}")):
            if not config.get(name):
                raise ConfigurationError(f"{name} is missing: it must be as for `nameko run`, e.g. {name}: {example}.")
        instance = Instance.from_config(config, "")
        self.id, self.service = instance.id, instance.service
        host, self.port = _address(config.get("WEB_SERVER_ADDRESS"))
        self.host = "127.0.0.1" if host in ANYWHERE else host
        self._link = link_from_config(config, f"prover of {self.id}")
        # RabbitMQ lets a service's user have reply queues under the name that the service's class carries.
        self._caller = Caller(self._link, config, f"{self.service}_service")

    def start(self):
        """Begin to connect to RabbitMQ."""
        self._link.start()

    def stop(self):
        """Close the connection to RabbitMQ."""
        self._link.stop()

    def http(self, method, path, seconds, content=None, headers=None):
        """Send a request and return its `Answer`; `OSError` if there is none within the seconds."""
        headers = dict(headers or {})
        if content is not None:
            content = json.dumps(content).encode()
            headers = {"Content-Type": "application/json", **headers}
        with eventlet.Timeout(seconds, TimeoutError(f"no answer within {seconds:.3g} s")):
            try:
                with closing(http.client.HTTPConnection(self.host, self.port)) as connection:
                    connection.request(method, path, content, headers)
                    found = connection.getresponse()
                    names = {name.lower(): value for name, value in found.getheaders()}
                    return Answer(found.status, names, found.read())
            except http.client.RemoteDisconnected:
                raise  # a connection error already
            except http.client.HTTPException as error:
                raise ConnectionError(one_line(f"{type(error).__name__} {error}")) from error

    def call(self, method, args, kwargs, seconds, call_id=None):
        """Call a method of just this instance; raises what `chassis.rpc.RpcProxy` would."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                options = {"timeout": max(give_up - time.monotonic(), UNKNOWN_PAUSE), "call_id": call_id}
                return self._call(method, args, kwargs, options)
            except UnknownService as error:
                # Of another service it is the instance's own answer.
                if error.args != (self.id,) or time.monotonic() >= give_up:
                    raise
            eventlet.sleep(UNKNOWN_PAUSE)

    def _call(self, method, args, kwargs, options):
        context = {CALL_ID_STACK_CONTEXT_KEY: [f"smoke.{self.id}"]}  # what the instance's log has as the parent
        return self._caller.call(self.id, method, args, kwargs, context, options).result()


def _address(text):
    try:
        address = parse_address(str(text))
        if address.port:
            return address
    except ConfigurationError:
        pass  # told below, in our words
    raise ConfigurationError(f"WEB_SERVER_ADDRESS must be the HOST:PORT where the instance listens, not {text!r}.")
