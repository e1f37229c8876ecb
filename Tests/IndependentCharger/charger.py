#!/usr/bin/env python3
"""A simulated VE.Direct solar charger on a pseudo-terminal, with nothing but Python's standard library.

It shares no code and no tables with the program that it tests: where both misread the protocol in the same way, at
least they did so independently. It is one charger with one port:

    charger.py --kind old                    prints its port, runs until its standard input ends

What it says on standard output, one JSON object a line:

    {"event": "ready", "path": "/dev/pts/5", "serial": "…", "registers": {"EDBC": "6A0F0000", …}}
    {"event": "value", "register": "EDBC", "data": "6B0F0000"}      each time a register changes
    {"event": "forbidden", "command": 8}                            a host tried to write, restart or boot

Kinds:
    old        BlueSolar 75/15, firmware 1.16: answers cut TEXT in two and silence it, asynchronous frames for the
               history alone, product id in two bytes, no network registers, no battery current, a load output
    new        SmartSolar 150/60, firmware 1.64: TEXT goes on, asynchronous frames, in no network, so most network
               registers say "not available"
    networked  SmartSolar 150/100, firmware 3.16: TEXT in two blocks with FWE, the uptime each second, master of a
               network, battery current
"""

import argparse
import json
import os
import pty
import random
import select
import sys
import time
import tty

BYTE_TIME = 10 / 19200.0


def little(number, size):
    return (number & ((1 << (8 * size)) - 1)).to_bytes(size, "little")


def hex_frame(command, payload):
    """':', one digit of command, the payload, the check byte that brings the sum to 55, line feed."""
    check = (0x55 - command - sum(payload)) & 0xFF
    return (":%X" % command + payload.hex().upper() + "%02X\n" % check).encode()


def text_block(fields):
    """Fields as CR LF label TAB value, and a last byte that brings the sum of all to 0."""
    body = b"".join(b"\r\n" + label.encode() + b"\t" + value.encode() for label, value in fields)
    body += b"\r\nChecksum\t"
    return body + bytes([-sum(body) & 0xFF])


class Registers:
    """What a charger holds, as bytes of the wire."""

    def __init__(self, kind, serial):
        self.kind = kind
        self.values = {}
        self.power = 3946       # 0.01 W
        self.panel = 3412       # 0.01 V
        self.battery = 1338     # 0.01 V
        self.current = 29       # 0.1 A
        self.load = 7 if kind == "old" else 0
        self.yield_today, self.yield_yesterday = 53, 131
        self.user_yield, self.system_yield = 52310, 60217
        self.started = time.monotonic()
        self.product = {"old": 0xA042, "new": 0xA062, "networked": 0xA059}[kind]
        self.version = {"old": 0x4116, "new": 0x4164, "networked": 0x4316}[kind]
        name = {
            "old": "BlueSolar Charger MPPT 75/15",
            "new": "SmartSolar Charger MPPT 150/60",
            "networked": "SmartSolar Charger MPPT 150/100",
        }[kind]
        self.put(0x010A, serial.encode().ljust(16, b"\0"))
        self.put(0x010B, name.encode() + b"\0")
        if kind == "old":
            self.put(0x0100, self.product.to_bytes(2, "big"))
        else:
            self.put(0x0100, b"\0" + little(self.product, 2) + b"\xff")
        self.put(0x0140, little(0x0001_D9F5 if kind == "old" else 0x0001_E1F4, 4))
        self.put(0x0200, b"\x01")
        self.put(0x0201, b"\x03")
        self.put(0xEDDA, b"\0")
        self.put(0xEDDB, little(2931, 2))
        self.put(0xEDEF, b"\x0c")
        self.put(0xEDF0, little(150 if kind == "old" else 600, 2))
        self.put(0xEDF1, b"\xff")
        self.put(0xEDF6, little(1380, 2))
        self.put(0xEDF7, little(1440, 2))
        self.put(0xEDD0, little(184, 2))
        self.put(0xEDD1, little(self.yield_yesterday, 2))
        self.put(0xEDD2, little(179, 2))
        self.put(0xEDD3, little(self.yield_today, 2))
        self.put(0xEDDC, little(self.user_yield, 4))
        self.put(0xEDDD, little(self.system_yield, 4))
        total = b"\1" + bytes(5) + little(self.user_yield, 4) + little(self.system_yield, 4)
        total += little(4492, 2) + little(1441, 2) + b"\2"
        self.put(0x104F, total if kind == "old" else total + little(1207, 2) + b"\xff" * 13)
        for age, (energy, peak) in enumerate([(self.yield_today, 179), (self.yield_yesterday, 184), (97, 160)]):
            consumed = little(12, 4) if kind == "old" else b"\xff" * 4
            day = b"\0" + little(energy, 4) + consumed + little(1416, 2) + little(1318, 2) + bytes(5)
            day += little(300, 2) + little(0, 2) + little(0, 2) + little(peak, 4) + little(129, 2)
            self.put(0x1050 + age, day + little(4492, 2) + little(12 - age, 2))
        if kind == "old":
            self.put(0xEDA8, b"\x01")
        else:
            self.put(0x0207, bytes(4))
            self.put(0xEDB3, b"\x02")
            self.put(0xEDEC, b"\xff\xff")
            self.put(0x010C, b"\0")
        if kind == "new":
            # It could be in a network and is not: "not available", each in its own width. 2000 it does not know.
            for register, size in [(0x2001, 2), (0x2007, 4), (0x2008, 2), (0x200B, 2), (0x200C, 1), (0x2027, 4)]:
                self.put(register, b"\xff" * size)
            self.put(0x200E, b"\0")
            self.put(0x200F, b"\x04")
        if kind == "networked":
            self.put(0x2000, b"\x0a")
            self.put(0x2001, little(1424, 2))
            self.put(0x2007, little(1_234_000, 4))
            self.put(0x2008, little(150, 2))
            self.put(0x200B, little(1246, 2))
            self.put(0x200C, b"\x03")
            self.put(0x200E, b"\x21")
            self.put(0x200F, b"\x02")
            self.put(0x2027, little(11838, 4))
            self.put(0xEC3E, b"\x01")
            # A cloud: more flows out than in.
            self.put(0xED8C, little(-2, 4))
        self.move(random.Random(0), first=True)

    def put(self, register, data):
        changed = self.values.get(register) != data
        self.values[register] = data
        return changed

    def move(self, chance, first=False):
        """The sun, once in a while; returns what changed."""
        if not first:
            self.power = max(100, self.power + chance.randint(-60, 60))
            self.panel = min(4000, max(2500, self.panel + chance.randint(-4, 4)))
        self.current = self.power // self.battery + 26
        news = [(0xEDBB, little(self.panel, 2)), (0xEDBC, little(self.power, 4)), (0xEDD5, little(self.battery, 2)),
                (0xEDD7, little(self.current, 2))]
        if self.kind == "old":
            news.append((0xEDAD, little(self.load, 2)))
        else:
            news.append((0xEDBD, little(self.power * 10 // self.panel, 2)))
        if self.kind == "networked":
            news.append((0x0120, little(int(time.monotonic() - self.started) + 4711, 4)))
        return [register for register, data in news if self.put(register, data)]

    def answer(self, register):
        """Flags and value."""
        if register in self.values:
            return b"\0" + self.values[register]
        # A day that has not been: known, and empty.
        return b"\x04" if 0x1050 <= register <= 0x106E else b"\x01"

    def text(self, serial):
        version = [("FWE", "316FF")] if self.kind == "networked" else [("FW", "%X" % (self.version & 0xFFF))]
        first = [("PID", "0x%04X" % self.product)] + version + [
            ("SER#", serial), ("V", str(self.battery * 10)), ("I", str((self.current - self.load) * 100)),
            ("VPV", str(self.panel * 10)), ("PPV", str(self.power // 100)), ("CS", "3")]
        second = []
        if self.kind != "old":
            first += [("MPPT", "2"), ("OR", "0x00000000")]
        second += [("ERR", "0")]
        if self.kind == "old":
            second += [("LOAD", "ON"), ("IL", str(self.load * 100))]
        second += [("H19", str(self.user_yield)), ("H20", str(self.yield_today)), ("H21", "179"),
                   ("H22", str(self.yield_yesterday)), ("H23", "184"), ("HSDS", "12")]
        return [text_block(first), text_block(second)] if self.kind == "networked" else [text_block(first + second)]


class Charger:
    def __init__(self, options):
        self.options = options
        self.chance = random.Random(options.seed)
        self.registers = Registers(options.kind, options.serial)
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        self.stops_text = options.kind == "old"
        self.text = bytearray()     # what is left of the TEXT that is being said
        self.hex = bytearray()      # HEX that leaves before the rest of the TEXT
        self.heard = bytearray()
        self.demands = []           # (when the answer is ready, answer)
        self.ready = 0.0
        self.next_text = time.monotonic() + self.chance.uniform(0.05, 0.95)
        self.next_move = time.monotonic() + 0.5
        self.text_silent_until = 0.0
        self.async_until = 0.0
        self.line_free = time.monotonic()

    def say(self, **words):
        try:
            print(json.dumps(words), flush=True)
        except BrokenPipeError:
            sys.exit(0)

    # What a host says

    def hear(self, data, now):
        for byte in data:
            if byte == 0x3A:
                self.heard = bytearray()
            if byte == 0x0A:
                self.understand(bytes(self.heard), now)
                self.heard = bytearray()
            elif byte != 0x0D and len(self.heard) < 300:
                self.heard.append(byte)

    def understand(self, line, now):
        if not line.startswith(b":"):
            return
        try:
            command = int(line[1:2], 16)
            payload = bytes.fromhex(line[2:].decode("ascii"))
            if (command + sum(payload)) & 0xFF != 0x55 or not payload:
                raise ValueError("check byte")
        except ValueError:
            return self.later(hex_frame(4, b"\xaa\xaa"), now)
        payload = payload[:-1]
        self.async_until = now + 120
        if self.stops_text:
            self.text_silent_until = now + 3
        registers = self.registers
        if command in (0, 6, 8):
            self.say(event="forbidden", command=command)
        elif command == 1:
            self.later(hex_frame(5, little(registers.version, 2)), now)
        elif command == 3:
            self.later(hex_frame(1, little(registers.version, 2)), now)
        elif command == 4:
            self.later(hex_frame(1, little(registers.product, 2)), now)
        elif command == 7 and len(payload) == 3:
            register = int.from_bytes(payload[:2], "little")
            self.later(lambda: hex_frame(7, payload[:2] + registers.answer(register)), now)
        else:
            self.later(hex_frame(3, bytes([command])), now)

    def later(self, answer, now):
        """One request is worked on and one waits; more are lost."""
        if len(self.demands) < 2:
            slow = 0.130 if self.chance.random() < 0.15 else 0.075
            self.ready = max(now, self.ready) + self.chance.uniform(0.045, slow)
            self.demands.append((self.ready, answer))

    # What the charger says

    def live(self, now):
        while self.demands and self.demands[0][0] <= now:
            answer = self.demands.pop(0)[1]
            self.hex += answer() if callable(answer) else answer
        if now >= self.next_move:
            self.next_move += 0.5
            for register in self.registers.move(self.chance):
                data = self.registers.values[register]
                self.say(event="value", register="%04X" % register, data=data.hex().upper())
                if now < self.async_until and self.options.kind != "old":
                    self.hex += hex_frame(0xA, little(register, 2) + b"\0" + data)
        if now >= self.next_text:
            self.next_text += 1.0
            if now >= self.text_silent_until and not self.text:
                for block in self.registers.text(self.options.serial):
                    self.text += block

    def speak(self, now):
        """As many bytes as the line has carried by now; HEX goes into the middle of TEXT."""
        budget = 4096 if self.options.fast_line else int((now - self.line_free) / BYTE_TIME)
        if not self.hex and not self.text:
            self.line_free = now
            return
        out = bytearray()
        while budget > 0 and (self.hex or self.text):
            queue = self.hex if self.hex else self.text
            out.append(queue.pop(0))
            budget -= 1
        self.line_free += len(out) * BYTE_TIME
        try:
            if out:
                os.write(self.master, out)
        except BlockingIOError:
            pass    # nobody reads: a line does not wait

    def run(self):
        shown = {"%04X" % register: data.hex().upper() for register, data in self.registers.values.items()}
        self.say(event="ready", path=self.path, serial=self.options.serial, registers=shown)
        while True:
            readable, _, _ = select.select([self.master, sys.stdin], [], [], 0.004)
            now = time.monotonic()
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 1024):
                return
            if self.master in readable:
                try:
                    self.hear(os.read(self.master, 1024), now)
                except (BlockingIOError, OSError):
                    pass
            self.live(now)
            self.speak(now)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=["old", "new", "networked"], default="new")
    parser.add_argument("--serial", default="HQ2012PYTHN")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fast-line", action="store_true", help="don't pace bytes at 19200 baud")
    Charger(parser.parse_args()).run()


if __name__ == "__main__":
    main()
