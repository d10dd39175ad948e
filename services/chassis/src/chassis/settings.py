"""Settings that are whole numbers. Those that are timeouts: `chassis.rpc.deadline.timeout_setting`."""

from nameko.exceptions import ConfigurationError

MOST = 65535  # what AMQP has room for in a heartbeat, and more than is of use elsewhere


def whole_number_setting(config, name, default):
    """A setting that is a whole number from 0 on, or `default` without one. `ConfigurationError` if it is not."""
    number = config.get(name)
    if number is None:
        return default
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST:
        raise ConfigurationError(f"{name} must be a whole number from 0 to {MOST}, not {number!r}.")
    return number
