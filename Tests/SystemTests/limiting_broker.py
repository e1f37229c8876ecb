#!/usr/bin/env python3
"""A broker of MQTT 5 for one purpose: it states limits in its CONNACK and keeps to them, or acknowledges nothing.

    limiting_broker.py [PROPERTIES] [--no-acknowledgements]

PROPERTIES are those of the CONNACK in hex digits, such as 2400 for Maximum QoS 0. Listens on a free port of the loopback
interface and prints JSON lines: the port, then every connection, its end, and every message published to it. Delivers
nothing. Shares nothing with vebridge.
"""

import json
import socket
import struct
import sys
import threading

ARGUMENTS = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
PROPERTIES = bytes.fromhex(ARGUMENTS[0]) if ARGUMENTS else b""
ACKNOWLEDGES = "--no-acknowledgements" not in sys.argv
output = threading.Lock()


def say(**members):
    with output:
        print(json.dumps(members), flush=True)


def length(number):
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def read(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def read_length(stream):
    number, shift = 0, 0
    while True:
        byte = read(stream, 1)[0]
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number


def split(body, at):
    """A text with its length before it, and what follows."""
    size = struct.unpack_from(">H", body, at)[0]
    return body[at + 2:at + 2 + size], at + 2 + size


def skip_properties(body, at):
    size, shift = 0, 0
    while True:
        byte = body[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return at + size


def serve(connection):
    stream = connection.makefile("rb")
    try:
        while True:
            first = read(stream, 1)[0]
            body = read(stream, read_length(stream))
            kind = first >> 4
            if kind == 1:
                flags = body[7]
                say(event="connected", level=body[6], will_qos=flags >> 3 & 3)
                answer = b"\0\0" + length(len(PROPERTIES)) + PROPERTIES
                connection.sendall(b"\x20" + length(len(answer)) + answer)
            elif kind == 3:
                topic, at = split(body, 0)
                qos = first >> 1 & 3
                packet = body[at:at + 2]
                at = skip_properties(body, at + 2 if qos else at)
                say(event="message", topic=topic.decode(), qos=qos, retain=first & 1, size=len(body),
                    payload=body[at:].decode(errors="replace"))
                if qos == 1 and ACKNOWLEDGES:
                    connection.sendall(b"\x40\x02" + packet)
            elif kind == 8:
                at = skip_properties(body, 2)
                filters = 0
                while at < len(body):
                    _, at = split(body, at)
                    at += 1
                    filters += 1
                answer = body[:2] + b"\0" + b"\0" * filters
                connection.sendall(b"\x90" + length(len(answer)) + answer)
            elif kind == 12:
                connection.sendall(b"\xd0\0")
            elif kind == 14:
                break
    except (EOFError, OSError):
        pass
    finally:
        connection.close()
        say(event="closed")


listener = socket.create_server(("127.0.0.1", 0))
say(event="listening", port=listener.getsockname()[1])
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
