"""A peer that speaks just enough ZMTP 3.0, and just enough protobuf, to misbehave."""

import socket
import struct

GREETING = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" * 32
MORE = 1
LONG = 2
COMMAND = 4


def command(name, body):
    return frame(bytes([len(name)]) + name + body, COMMAND)


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body


def socket_type(name):
    return b"\x0bSocket-Type" + struct.pack(">I", len(name)) + name


READY = command(b"READY", socket_type(b"DEALER"))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 10)


def peer(port):
    """A connection that has shaken hands: libzmq takes frames only after it has said READY."""
    link = connect(port)
    link.sendall(GREETING + READY)
    got = b""
    while len(got) < len(GREETING) + 2 or len(got) < len(GREETING) + 2 + got[len(GREETING) + 1]:
        data = link.recv(1)
        if not data:
            raise ConnectionError(f"hung up after {got!r}")
        got += data
    return link


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """An integer, or bytes, or text."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def hello(**fields):
    """A Hello that would be admitted, with some fields changed."""
    numbers = {"protocol_min": 1, "protocol_max": 2, "role": 3, "name": 4, "instance": 5,
               "attach": 7, "version": 8, "beat_interval_ms": 9, "host": 11, "depth_below": 12}
    values = {"protocol_min": 1, "protocol_max": 1, "role": "leaf", "name": "stranger",
              "instance": "f" * 32, "attach": 1, "beat_interval_ms": 200, "host": "here", **fields}
    return field(10, b"".join(field(numbers[key], value) for key, value in values.items()))


def received(link, seconds=5.0):
    """What has come until the peer hangs up, or nothing comes for so long."""
    link.settimeout(seconds)
    got = b""
    try:
        while data := link.recv(65536):
            got += data
    except TimeoutError:
        pass
    except OSError:
        pass
    return got
