"""What is said of an instance that could not be proven."""

TEXT_MAX = 500  # characters of somebody else's text


class Unproven(Exception):  # noqa: N818 - it says what the instance is
    """One sentence for an operator: which instance, and what it did."""


def one_line(text):
    """A text as part of a sentence: on one line, not too long, without the full stop that the sentence brings."""
    text = " ".join(str(text).split())
    return (text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…").rstrip(".")


def fault(error):
    """What went wrong with a connection, in few words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection closed"
    return one_line(getattr(error, "strerror", None) or error or type(error).__name__)
