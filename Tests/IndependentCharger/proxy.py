#!/usr/bin/env python3
"""A bad cable between a charger's port and a host, with nothing but Python's standard library.

It shares no code with the program that is tested. It opens the charger's port and offers another one, as a symbolic
link; in between bits flip, bytes are lost, doubled or replaced, and the plug is pulled:

    proxy.py --charger /dev/pts/5 --link /tmp/port0 --ber 1e-3 --drop 1e-4 --unplug 45:2

Both ways bytes take their time at 19200 baud. What it says on standard output, one JSON object a line:

    {"event": "ready", "path": "/dev/pts/7"}
    {"event": "unplugged"}  {"event": "plugged", "path": "/dev/pts/8"}
    {"event": "done", "bytes": …, "flipped": …, "dropped": …, "doubled": …, "burst": …, "echoed": …}   at the end

It runs until its standard input ends.
"""

import argparse
import json
import os
import pty
import random
import select
import signal
import sys
import time
import tty

BYTE_TIME = 10 / 19200.0
QUEUE_LIMIT = 65536


class Direction:
    """What happens to bytes one way: they queue, take their time, and some of them suffer."""

    def __init__(self, options, seed, counts):
        self.options, self.counts = options, counts
        self.chance = random.Random(seed)
        self.queue = bytearray()
        self.free = time.monotonic()
        self.burst_until = 0.0
        self.next_burst = self.draw_burst(self.free)

    def draw_burst(self, now):
        rate, _ = self.options.burst
        return now + self.chance.expovariate(rate) if rate > 0 else float("inf")

    def take(self, data):
        self.queue += data[:max(0, QUEUE_LIMIT - len(self.queue))]

    def damage(self, byte, now):
        """What is left of a byte, none, one or two."""
        if now >= self.next_burst:
            self.burst_until = now + self.options.burst[1]
            self.next_burst = self.draw_burst(self.burst_until)
        self.counts["bytes"] += 1
        if self.chance.random() < self.options.drop:
            self.counts["dropped"] += 1
            return b""
        if now < self.burst_until:
            self.counts["burst"] += 1
            byte = self.chance.randrange(256)
        for bit in range(8):
            if self.options.ber and self.chance.random() < self.options.ber:
                self.counts["flipped"] += 1
                byte ^= 1 << bit
        if self.chance.random() < self.options.double:
            self.counts["doubled"] += 1
            return bytes([byte, byte])
        return bytes([byte])

    def give(self, now):
        """(what has crossed by now, the same as it was sent)"""
        if not self.queue:
            self.free = now
            return b"", b""
        count = min(len(self.queue), int((now - self.free) / BYTE_TIME))
        sent = bytes(self.queue[:count])
        del self.queue[:count]
        self.free += count * BYTE_TIME
        return b"".join(self.damage(byte, now) for byte in sent), sent


class Proxy:
    def __init__(self, options):
        self.options = options
        self.counts = dict.fromkeys(["bytes", "flipped", "dropped", "doubled", "burst", "echoed"], 0)
        self.charger = os.open(options.charger, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.charger)
        self.to_host = Direction(options, options.seed * 2, self.counts)
        self.to_charger = Direction(options, options.seed * 2 + 1, self.counts)
        self.master = self.slave = None
        self.chance = random.Random(options.seed * 2 + 1000)
        self.next_pull = self.draw_pull(time.monotonic())
        self.back_at = None

    def say(self, **words):
        try:
            print(json.dumps(words), flush=True)
        except BrokenPipeError:
            sys.exit(0)

    def draw_pull(self, now):
        every, _ = self.options.unplug
        return now + every * self.chance.uniform(0.7, 1.3) if every > 0 else float("inf")

    def plug(self):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        # In one step, so that nobody finds half a link.
        new = self.options.link + ".new"
        if os.path.lexists(new):
            os.unlink(new)
        os.symlink(os.ttyname(self.slave), new)
        os.rename(new, self.options.link)
        return os.ttyname(self.slave)

    def pull(self):
        if os.path.islink(self.options.link):
            os.unlink(self.options.link)
        if self.master is not None:
            os.close(self.master)
            os.close(self.slave)
        self.master = self.slave = None

    def read(self, descriptor):
        try:
            return os.read(descriptor, 4096)
        except (BlockingIOError, OSError):
            return b""

    def write(self, descriptor, data):
        try:
            if data:
                os.write(descriptor, data)
        except (BlockingIOError, OSError):
            pass    # nobody reads: a line does not wait

    def run(self):
        self.say(event="ready", path=self.plug())
        while True:
            watched = [self.charger, sys.stdin] + ([self.master] if self.master is not None else [])
            readable, _, _ = select.select(watched, [], [], 0.004)
            now = time.monotonic()
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 1024):
                break
            if self.charger in readable:
                self.to_host.take(self.read(self.charger))
            if self.master is not None and self.master in readable:
                self.to_charger.take(self.read(self.master))
            arrived, sent = self.to_charger.give(now)
            self.write(self.charger, arrived)
            if self.options.echo and sent:
                self.counts["echoed"] += len(sent)
                self.to_host.take(sent)
            arrived, _ = self.to_host.give(now)
            if self.master is not None:
                self.write(self.master, arrived)
            self.move_plug(now)
        self.pull()
        self.say(event="done", **self.counts)

    def move_plug(self, now):
        if self.master is not None and now >= self.next_pull:
            self.pull()
            self.back_at = now + self.options.unplug[1]
            self.say(event="unplugged")
        elif self.master is None and now >= self.back_at:
            self.next_pull = self.draw_pull(now)
            self.say(event="plugged", path=self.plug())


def pair(text):
    """'RATE:SECONDS' as two numbers."""
    first, second = text.split(":")
    return float(first), float(second)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--charger", required=True, help="the charger's port")
    parser.add_argument("--link", required=True, help="where the host finds its port")
    parser.add_argument("--ber", type=float, default=0, help="chance of each bit to be flipped")
    parser.add_argument("--drop", type=float, default=0, help="chance of each byte to be lost")
    parser.add_argument("--double", type=float, default=0, help="chance of each byte to come twice")
    parser.add_argument("--burst", type=pair, default=(0, 0), metavar="PER_SECOND:SECONDS", help="random bytes")
    parser.add_argument("--unplug", type=pair, default=(0, 0), metavar="EVERY:SECONDS", help="pull the plug, put it back")
    parser.add_argument("--echo", action="store_true", help="send back to the host what it sends")
    parser.add_argument("--seed", type=int, default=1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Proxy(parser.parse_args()).run()


if __name__ == "__main__":
    main()
