#!/usr/bin/env python3
"""A fake CAN adapter on a pseudo-terminal with a small MasterBus behind it, for tests.

Written apart from the program it tests: it shares no code with it and knows the protocol from its description alone.
It prints the path of the terminal, and when its standard input ends, a JSON object of what it saw.

  --late MS       every answer comes this much later
  --duplicates    every answer comes twice
  --lose N        every Nth request is lost
  --chatter       another master polls, and there are error states and foreign frames
  --no-listen     the adapter knows no 'L'
"""
import argparse
import heapq
import json
import os
import select
import struct
import sys
import termios
import time
import tty

SHUNT = 0x1B << 18 | 0x31297
COMBI = 0x0E << 18 | 0x2F412

# attribute: (name, unit, visualisation, value, options)
DEVICES = {
    SHUNT: dict(
        name="MSH Test",
        groups=[[0x00, 0x01, 0x02, 0x03, 0x09, 0x0A]],
        attributes={
            0x00: ("State of Charge", "%", 1, 98.80245, []),
            0x01: ("Battery", "V", 1, 12.73, []),
            0x02: ("Battery", "A", 1, -11.5701, []),
            0x03: ("Cap. consumed", "Ah", 1, 4.5, []),
            0x09: ("Time", "", 7, 29848.0, []),
            0x0A: ("Date", "", 8, 841027.0, []),
            0x05: ("Battery", "\xb0C", 1, float("nan"), []),
        },
    ),
    COMBI: dict(
        name="INT Mass Combi",
        groups=[[0x10, 0x14], [0x0A, 0x0B]],
        attributes={
            0x10: ("State", "", 3, 3.0, ["Off", "Standby", "Charging", "Inverting"]),
            0x14: ("Inverter", "", 3, 1.0, ["Off", "On"]),
            0x0A: ("AC Output", "V", 1, 230.0, []),
            0x0B: ("AC Output", "A", 1, 0.7, []),
        },
    ),
}


class Bus:
    def __init__(self, options):
        self.options = options
        self.requests = 0
        self.leftover = 0x55
        for device in DEVICES.values():
            device["strings"] = {}
            device["ids"] = {}
            texts = [device["name"]]
            for name, unit, _, _, choices in device["attributes"].values():
                texts += [name, unit] + choices
            for text in texts:
                if text and text not in device["ids"]:
                    number = 0x20 + 5 * len(device["ids"])
                    device["ids"][text] = number
                    device["strings"][number] = text

    def answers(self, identifier, data):
        """The frames that follow a frame on the wire, as (delay, identifier, data)."""
        klass = identifier >> 23
        address = identifier & 0x7FFFFF
        if klass == 0x0A:
            return [
                (0.01, 0x08 << 23 | device, struct.pack("<I", (device & 0x3FFFF) << 8 | device >> 18) + bytes(4))
                for device in DEVICES
            ]
        device = DEVICES.get(address)
        if device is None:
            return []
        self.requests += 1
        if self.options.lose and self.requests % self.options.lose == 0:
            return []
        answer = self.answer(device, klass, data)
        if answer is None:
            return []
        kind, payload = answer
        self.leftover = payload[3] if len(payload) > 3 else 0
        delay = 0.004 + self.options.late / 1000
        frames = [(delay, kind << 23 | address, payload)]
        if self.options.duplicates:
            frames.append((delay + 0.002, kind << 23 | address, payload))
        return frames

    def answer(self, device, klass, data):
        def text(number):
            return struct.pack("<H", number)

        attributes, groups, ids = device["attributes"], device["groups"], device["ids"]
        if klass == 0x0E and len(data) == 2:
            if data[0] == 0x08 and data[1] == 0x02:
                return 0x0C, bytes(data) + text(len(groups))
            if data[0] == 0x09 and data[1] == 0x03:
                return 0x0C, bytes(data) + text(ids[device["name"]])
            return 0x0D, bytes(data)
        if klass == 0x0E and len(data) == 4 and data[0] == 0x30:
            string = device["strings"].get(data[1] | data[2] << 8)
            if string is None:
                return None
            piece = string.encode("latin-1")[4 * data[3]: 4 * data[3] + 4]
            return 0x0C, bytes(data) + piece + (b"" if len(piece) == 4 else b"\0")
        if klass == 0x30 and len(data) == 2:
            entry = attributes.get(data[0] | data[1] << 8)
            return entry and (0x10, bytes(data) + struct.pack("<f", entry[3]))
        if klass == 0x31 and len(data) in (3, 4):
            entry = attributes.get(data[1] | data[2] << 8)
            if entry is None:
                return None
            name, unit, shown, _, choices = entry
            head = bytes(data[:3])
            junk = bytes([self.leftover])
            if data[0] == 0x02:
                return 0x11, head + junk + bytes([shown, 0])
            if data[0] in (0x06, 0x07, 0x08):
                number = {0x06: 0.0, 0x07: float(len(choices) or 100), 0x08: 1.0}[data[0]]
                return 0x11, head + junk + struct.pack("<f", number)
            if data[0] in (0x0B, 0x0C):
                return 0x11, head + junk + b"\0\0"
            if data[0] == 0x28 and name:
                return 0x11, head + junk + text(ids[name])
            if data[0] == 0x2C and unit:
                return 0x11, head + junk + text(ids[unit])
            if data[0] == 0x26 and len(data) == 4 and data[3] < len(choices):
                return 0x11, head + bytes([data[3]]) + text(ids[choices[data[3]]])
            return None
        if klass == 0x32 and len(data) == 3 and data[1] < len(groups) and data[0] == 0x07:
            return 0x12, bytes(data) + bytes([self.leftover]) + struct.pack("<f", len(groups[data[1]]))
        if klass == 0x32 and len(data) == 4 and data[0] == 0x03 and data[1] < len(groups):
            if data[3] < len(groups[data[1]]):
                return 0x12, bytes(data) + text(groups[data[1]][data[3]])
        return None


def is_question(identifier, data):
    klass = identifier >> 23
    if klass == 0x0A:
        return len(data) == 0
    if klass == 0x0E:
        return len(data) == 2 or (len(data) == 4 and data[0] == 0x30)
    if klass == 0x30:
        return len(data) == 2
    return klass in (0x31, 0x32) and len(data) in (3, 4)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--late", type=float, default=0)
    parser.add_argument("--duplicates", action="store_true")
    parser.add_argument("--lose", type=int, default=0)
    parser.add_argument("--chatter", action="store_true")
    parser.add_argument("--no-listen", action="store_true")
    options = parser.parse_args()

    master, slave = os.openpty()
    tty.setraw(slave)
    settings = termios.tcgetattr(slave)
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.set_blocking(master, False)
    print(os.ttyname(slave), flush=True)

    bus = Bus(options)
    channel = None
    speed = None
    line = b""
    queue = []
    order = 0
    times = []
    bits = 0
    seen = dict(frames=0, forbidden=0, opened="", closed=0, speed=None, bad_lines=0, timestamps_off=False)
    next_chatter = time.monotonic()

    def schedule(frames):
        nonlocal order
        for delay, identifier, data in frames:
            order += 1
            heapq.heappush(queue, (time.monotonic() + delay, order, identifier, data))

    def put(payload):
        try:
            os.write(master, payload)
        except BlockingIOError:
            pass

    def command(text):
        nonlocal channel, speed, bits
        if not text:
            return b"\r"
        letter, rest = text[:1], text[1:]
        if letter == b"S":
            if channel or len(rest) != 1:
                return b"\a"
            speed = int(rest)
            seen["speed"] = speed
            return b"\r"
        if letter == b"Z" and not channel:
            seen["timestamps_off"] = rest == b"0"
            return b"\r"
        if letter == b"O" or (letter == b"L" and not options.no_listen):
            if channel or speed is None:
                return b"\a"
            channel = letter
            seen["opened"] += letter.decode()
            return b"\r"
        if letter == b"C":
            if not channel:
                return b"\a"
            channel = None
            seen["closed"] += 1
            return b"\r"
        if letter == b"F" and channel:
            return b"F24\r" if options.chatter else b"F00\r"
        if letter == b"T":
            try:
                identifier, count = int(rest[:8], 16), int(rest[8:9])
                data = bytes.fromhex(rest[9:].decode())
            except ValueError:
                seen["bad_lines"] += 1
                return b"\a"
            if len(data) != count or len(rest) != 9 + 2 * count or channel != b"O":
                seen["bad_lines"] += 1
                return b"\a"
            seen["frames"] += 1
            if not is_question(identifier, data):
                seen["forbidden"] += 1
            times.append(time.monotonic())
            bits += 67 + 8 * count
            frames = bus.answers(identifier, data)
            bits += sum(67 + 8 * len(payload) for _, _, payload in frames)
            schedule(frames)
            return b"z\r"
        seen["bad_lines"] += 1
        return b"\a"

    while True:
        now = time.monotonic()
        pause = 0.25
        if queue:
            pause = max(0, min(pause, queue[0][0] - now))
        ready, _, _ = select.select([master, sys.stdin], [], [], pause)
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 4096):
            break
        if master in ready:
            try:
                received = os.read(master, 4096)
            except (BlockingIOError, OSError):
                received = b""
            for byte in received:
                if byte == 13:
                    put(command(line))
                    line = b""
                else:
                    line += bytes([byte])
        now = time.monotonic()
        if options.chatter and channel and now >= next_chatter:
            next_chatter = now + 0.5
            for attribute in (0x01, 0x02):
                # Somebody else's question, heard on the bus, and its answer.
                identifier, data = 0x30 << 23 | SHUNT, struct.pack("<H", attribute)
                put(b"T%08X%d%s\r" % (identifier, len(data), data.hex().upper().encode()))
                schedule(bus.answers(identifier, data))
            put(b"t1232AABB\r" + b"T077F12972083F\r" + b"garbage\r" + b"T08\a")
        while queue and queue[0][0] <= now:
            _, _, identifier, data = heapq.heappop(queue)
            if channel:
                put(b"T%08X%d%s\r" % (identifier, len(data), data.hex().upper().encode()))

    most = 0
    for index, first in enumerate(times):
        most = max(most, sum(1 for moment in times[index:index + 200] if moment < first + 1))
    seen["most_a_second"] = most
    span = (times[-1] - times[0]) if len(times) > 1 else 1
    seen["load"] = bits / max(span, 1) / 250000
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()
