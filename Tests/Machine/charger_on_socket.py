#!/usr/bin/env python3
"""The independent charger of Tests/IndependentCharger with a Unix socket in place of its pseudo-terminal.

    charger_on_socket.py --kind old --serial HQ1 --seed 1 --power 30000

The socket is the wire to a cable: a byte stream of QEMU's serial adapter, or the end of a cable of ftx.py. Orders come
on standard input: `plug PATH`, `pull`; each is answered on standard output, in JSON as everything there.
"""
import argparse
import os
import select
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "IndependentCharger"))
import charger as independent   # noqa: E402


class Charger(independent.Charger):
    def __init__(self, options):
        super().__init__(options)
        # Powers that are far apart tell chargers apart.
        self.registers.power = options.power
        self.registers.move(self.chance)
        os.close(self.slave)
        os.close(self.master)
        self.wire = None

    def say(self, **words):
        # By the clock that all processes share: whoever reads this may be late, and would take what the charger held for
        # something that came before it.
        super().say(time=time.monotonic(), **words)

    def obey(self, order):
        words = order.split()
        self.pull()
        if words[0] == "plug":
            self.wire = connected(words[1])
            self.wire.setblocking(False)
            # What an adapter does not take soon is gone, and not said minutes later: a socket would keep as much as that.
            # This many are some 40 pieces, as much as the few hundred bytes that adapters keep.
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
            self.master = self.wire.fileno()
            # Half a sentence from before is not said on.
            self.text.clear()
            self.hex.clear()
            self.line_free = time.monotonic()
        self.say(event=words[0])

    def pull(self):
        if self.wire:
            self.wire.close()
            self.wire = None

    def listen(self, now):
        try:
            data = self.wire.recv(1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.hear(data, now)
        else:
            self.pull()

    def speak(self, now):
        if self.wire:
            try:
                super().speak(now)
            except OSError:
                self.pull()
        else:
            # Nobody hears it.
            self.text.clear()
            self.hex.clear()
            self.line_free = now

    def run(self):
        shown = {"%04X" % register: data.hex().upper() for register, data in self.registers.values.items()}
        self.say(event="ready", serial=self.options.serial, registers=shown)
        orders = bytearray()
        while True:
            readable, _, _ = select.select([sys.stdin, self.wire] if self.wire else [sys.stdin], [], [], 0.004)
            now = time.monotonic()
            if sys.stdin in readable:
                data = os.read(sys.stdin.fileno(), 4096)
                if not data:
                    return
                orders += data
                while b"\n" in orders:
                    order, _, orders = orders.partition(b"\n")
                    self.obey(order.decode())
            elif self.wire and self.wire in readable:
                self.listen(now)
            self.live(now)
            self.speak(now)


def connected(path):
    deadline = time.monotonic() + 30
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description="A charger at the end of a socket.")
    parser.add_argument("--kind", choices=["old", "new", "networked"], default="new")
    parser.add_argument("--serial", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power", type=int, default=4000, help="where panel power begins, in 0.01 W")
    parser.set_defaults(fast_line=False)
    Charger(parser.parse_args()).run()


if __name__ == "__main__":
    main()
