"""The greeting service of Nameko's tutorial."""

from chassis.checks import checked_name
from chassis.rpc import rpc


class GreetingService:
    """Greets by name."""

    name = "greeting_service"

    @rpc
    def hello(self, name: str) -> str:
        """Return a greeting; `Invalid` for what is no name."""
        return f"Hello, {checked_name(name)}!"
