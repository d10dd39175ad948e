"""Smoke calls: what an instance must answer before it takes anybody's calls (`chassis.prove`)."""


def smoke(instance):
    """Have it greet."""
    greeting = instance.call("hello", "fleet")
    assert greeting == "Hello, fleet!", f"expected 'Hello, fleet!', found {greeting!r}"
