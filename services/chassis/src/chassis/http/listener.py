"""Closing a listening socket without losing who is just connecting."""

import ctypes
import socket
import struct
from contextlib import suppress

SO_ATTACH_FILTER = 26  # asm-generic/socket.h; Python has no name for it
# Classic BPF on what arrives for a TCP socket, from the TCP header on: nothing with the SYN flag, else everything.
_NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take all of it
)
_SETTLED = 0.02  # seconds without another connection: handshakes on their way have ended


def close_gently(sock, take):
    """Close a listening socket; every connection that the kernel has made on it before goes to `take`.

    To close it at once would reset those that are connected but not accepted yet, with their requests. So nobody new
    gets in first: whoever tries does not get an answer, tries again after a second, as TCP has it, and is refused.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in _NO_SYN))
    with suppress(OSError):  # a kernel without filters: then a connection may be lost
        sock.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(_NO_SYN), ctypes.addressof(program))
        )
    sock.settimeout(_SETTLED)
    with suppress(OSError):
        while True:
            take(*sock.accept())
    sock.close()
