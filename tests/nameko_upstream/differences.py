"""Nameko's own tests that fail with the drop-in, and why that is meant. README.md says more."""

INNER = "calls inner classes of stock Nameko that the chassis doesn't have"
OPTIONS = "sets AMQP options of each message, which the chassis decides on"

#: By the beginning of the test's name.
DIFFERENCES = {
    "test_rpc.py::test_rpc_consumer_unregisters_if_no_providers": INNER,
    "test_rpc.py::test_rpc_consumer_creates_single_consumer": "RPC has a connection of its own, apart from events",
    "test_rpc.py::test_rpc_headers": INNER,
    "test_rpc.py::test_handle_message_raise_malformed_request": INNER,
    "test_rpc.py::test_handle_message_raise_other_exception": INNER,
    "test_rpc.py::test_rpc_container_being_killed_retries": INNER,
    "test_rpc.py::TestBackwardsCompatClassAttrs": INNER,
    "test_rpc.py::TestConfigurability": OPTIONS,
    "test_call_id_stack.py::test_call_id_stack": "a call's id is its caller's, so that a repeat has it too",
    "test_errors.py::test_runner_catches_container_errors": INNER,
    "test_errors.py::test_graceful_stop_on_one_container_error": INNER,
    "standalone/test_rpc_proxy.py::test_proxy_connection_error": INNER,
    "standalone/test_rpc_proxy.py::test_unexpected_correlation_id": INNER,
    "standalone/test_rpc_proxy.py::test_recover_from_keyboardinterrupt": INNER,
    "standalone/test_rpc_proxy.py::test_consumer_replacing": INNER,
    "standalone/test_rpc_proxy.py::test_use_after_close": "a closed proxy raises Unavailable, not RuntimeError",
}
