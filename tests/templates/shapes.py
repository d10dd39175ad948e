"""Fleets and services of every shape, for the tests of what roles make of them."""

SPLIT = {
    "core": {"core1": "10.0.0.11", "core2": "10.0.0.12", "core3": "10.0.0.13"},
    "app": {"app1": "10.0.0.21", "app2": "10.0.0.22"},
    "edge": {"edge1": "10.0.0.31", "edge2": "10.0.0.32"},
}
SINGLE = {group: {"solo": "10.0.0.51"} for group in SPLIT}
PUBLISHED = {"shop": {"release": "1.0.0", "instances": 2, "workers": 5, "port": 8100, "http": {"port": 8000}}}
INTERNAL = {"mail": {"release": "2.1.0", "instances": 1, "workers": 5, "port": 8200, "call_timeout": 30}}
STORING = {"stock": {**INTERNAL["mail"], "port": 8300, "redis": {"write": ["stock:*"], "read": ["shop:*", "mail:*"]}}}


def lines(text):
    """The lines of a file without what surrounds them, comments and empty ones left out."""
    return [line.strip() for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;%"]
