"""A message comes as several frames: its method, its header, and its body in pieces."""


class Content:
    """Puts the frames of one channel's messages together; they don't mix there."""

    def __init__(self):
        self._method = self._properties = None
        self._chunks, self._left = [], 0

    def begin(self, method):
        """The method that brings a message."""
        self._method, self._chunks = method, []

    def header(self, frame):
        """Its header; returns method, properties and body if there is no body to come, else None."""
        self._properties, self._left = frame.properties, frame.body_size
        return self._whole()

    def body(self, frame):
        """A piece of its body; returns method, properties and body with the last one, else None."""
        self._chunks.append(frame.value)
        self._left -= len(frame.value)
        return self._whole()

    def _whole(self):
        return None if self._left > 0 else (self._method, self._properties, b"".join(self._chunks))
