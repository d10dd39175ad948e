"""Faults in any order, as hypothesis thinks them up, on a real broker whose connections are cut and frozen."""

import itertools
import logging
import time
from collections import Counter

import eventlet
import pytest
from chassis.testing.cuttable_proxy import CuttableProxy
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from nameko.exceptions import RemoteError

from .conftest import SECONDS, Here, eventually
from .work import TIMEOUT, Work, assert_rules_kept, requests_of


class Faults(RuleBasedStateMachine):
    """A service, its caller, and a network for each, which break in any order."""

    rabbitmq = None

    def __init__(self):
        super().__init__()
        self.records = []
        self.handler = logging.Handler("WARNING")
        self.handler.emit = self.records.append
        logging.getLogger().addHandler(self.handler)
        self.vhost = self.rabbitmq.add_vhost()
        self.proxies = [CuttableProxy(self.rabbitmq.port).__enter__() for _ in range(2)]
        self.client_side, self.service_side = self.proxies
        self.services = Here(self.rabbitmq.uri(self.vhost, self.service_side.port))
        self.clients = Here(self.rabbitmq.uri(self.vhost, self.client_side.port))
        self.replies, self.numbers, self.made = {}, itertools.count(), 0
        Work.done = Counter()

    @initialize()
    def begin(self):
        self.container = self.services.start(Work, HEARTBEAT=0, max_workers=5)
        self.work = self.clients.calls(timeout=TIMEOUT).work_service
        self.call_one()

    def call_one(self):
        self.made += 1
        assert self.work.do.using(timeout=5)(-1) == -1

    @rule(many=st.integers(1, 8), method=st.sampled_from(["do", "take", "fail"]))
    def call(self, many, method):
        for _ in range(many):
            number = next(self.numbers)
            self.made += 1
            args = (number, 0.02) if method == "take" else (number,)
            self.replies[number] = method, getattr(self.work, method).call_async(*args)

    @rule(side=st.sampled_from([0, 1]), reset=st.booleans())
    def cut(self, side, reset):
        self.proxies[side].cut(reset=reset)

    @rule(side=st.sampled_from([0, 1]), direction=st.sampled_from(["to_target", "to_client"]), both=st.booleans())
    def freeze(self, side, direction, both):
        self.proxies[side].freeze(**({} if both else {direction: False}))

    @rule(side=st.sampled_from([0, 1]))
    def heal(self, side):
        self.proxies[side].heal()

    @rule(side=st.sampled_from([0, 1]))
    def refuse(self, side):
        self.proxies[side].refuse()
        self.proxies[side].cut()

    @rule()
    def second_service(self):
        """Calls are shared with another process, so to say, which ends in order."""
        for proxy in self.proxies:
            proxy.heal()
        other = self.services.start(Work, HEARTBEAT=0, max_workers=2)
        self.call(3, "do")
        other.stop()

    @rule(seconds=st.sampled_from([0, 0.01, 0.15]))
    def let_run(self, seconds):
        eventlet.sleep(seconds)

    @precondition(lambda self: self.replies)
    @rule()
    def collect(self):
        """Every call ends with its own result; and afterwards a new call works at once."""
        for proxy in self.proxies:
            proxy.heal()
        for number, (method, reply) in self.replies.items():
            if method == "fail":
                with pytest.raises(RemoteError, match=f"^KeyError {number}$"):
                    reply.result()
            else:
                assert reply.result() == number
            assert time.monotonic() < reply.deadline + 1
        self.replies = {}
        self.call_one()

    def teardown(self):
        with eventlet.Timeout(2 * SECONDS):
            if self.replies:
                self.collect()
            if hasattr(self, "work"):
                # At least once each, and under no id but its own.
                assert len(Work.done) == self.made
                eventually(lambda: not requests_of(self.container)._in_hand)
                eventually(lambda: self.rabbitmq.depth(self.vhost, "rpc-work_service") == 0)
            self.clients.close()
            self.services.close()
        for proxy in self.proxies:
            proxy.__exit__()
        logging.getLogger().removeHandler(self.handler)
        self.rabbitmq.delete_vhost(self.vhost)
        assert_rules_kept(self.records)


def test_faults_in_any_order(rabbitmq):
    Faults.rabbitmq = rabbitmq
    run_state_machine_as_test(
        Faults,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
