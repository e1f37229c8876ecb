#!/usr/bin/env python3
"""An FTDI FT-X behind QEMU's usb-redir, as Victron's cable has it: 0403:6015, its own strings, its latency timer.

QEMU's own serial adapter is always a 0403:6001. This one speaks the usbredir protocol, in which a USB device can be
somewhere else than the machine: here every descriptor, and the answer to every request of the driver, is written down
below.

    ftx.py --line PATH --serial VE4ABC01

A charger connects to the socket PATH, which is the end of the cable; another one may do so later, as when somebody
exchanges the plugs. What happens at the other end is said on standard input: `plug SOCKET` with a byte stream of
QEMU's, `pull`. Each is answered on standard output by the same word when it is done; `baud 19200` comes whenever the driver
sets the speed.

Sources: the usbredir protocol (version 0.7), USB 2.0 chapter 9, and what Linux's ftdi_sio sends.
"""
import argparse
import os
import select
import socket
import struct
import sys
import time

# Packets of usbredir.
HELLO, DEVICE_CONNECT, DEVICE_DISCONNECT, RESET, INTERFACES, ENDPOINTS = 0, 1, 2, 3, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION = 6, 7, 8
SET_ALTERNATE, GET_ALTERNATE, ALTERNATE = 9, 10, 11
CANCEL, CONTROL, BULK = 21, 100, 101
# What both ends can: the device's version, packet sizes of endpoints, 64-bit ids, 32-bit lengths.
CAPABILITIES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6
WIDE_IDS = 1 << 5
SUCCESS, CANCELLED, STALL = 0, 1, 4
FULL_SPEED = 1
BULK_IN, BULK_OUT = 0x81, 0x02
CONTROL_TYPE, BULK_TYPE, NO_ENDPOINT = 0, 2, 255

# The status bytes before the data of every packet: clear to send and so on; line idle.
STATUS = b"\x01\x60"
PACKET = 64
# What the chip keeps when nobody fetches it; more is lost.
FIFO = 512


class FTX:
    """One cable in a socket of the machine, until it is pulled."""

    def __init__(self, path, serial, to_charger, vendor=0x0403, product=0x6015, release=0x1000,
                 strings=("VictronEnergy BV", "VE Direct cable")):
        self.to_charger = to_charger
        self.vendor, self.product, self.release = vendor, product, release
        # A cable that tells no serial number has no such string.
        self.strings = list(strings) + ([serial] if serial else [])
        self.baud = None
        self.latency = 16
        self.received = bytearray()     # from QEMU, not yet a whole packet
        self.fifo = bytearray()         # from the charger, not yet fetched
        self.waiting = []               # requests for bytes: (id, how many)
        self.last_answer = time.monotonic()
        self.wide = False
        self.qemu = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.qemu.connect(path)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self._tell(HELLO, b"vebridge machine test".ljust(64, b"\0") + struct.pack("<I", CAPABILITIES))

    def patience(self):
        """How long until the timer wants something said; None while the driver asks for nothing."""
        if not self.waiting:
            return None
        return max(0.001, self.latency / 1000 - (time.monotonic() - self.last_answer))

    def from_qemu(self):
        """Takes what QEMU says; False when it is gone."""
        data = self.qemu.recv(65536)
        if not data:
            return False
        self.received += data
        while self._take_packet():
            pass
        return True

    def from_charger(self, data):
        """Nobody has the port open, or is too slow: the oldest bytes stay, as in the chip."""
        self.fifo += data
        del self.fifo[FIFO:]

    def close(self):
        """The plug is out."""
        self.qemu.close()

    # What QEMU and the driver want

    def _take_packet(self):
        head = 16 if self.wide else 12
        if len(self.received) < head:
            return False
        kind, length, number = struct.unpack_from("<IIQ" if self.wide else "<III", self.received)
        if len(self.received) < head + length:
            return False
        body = bytes(self.received[head:head + length])
        del self.received[:head + length]
        self._understand(kind, number, body)
        return True

    def _tell(self, kind, body, number=0):
        head = struct.pack("<IIQ" if self.wide else "<III", kind, len(body), number)
        self.qemu.sendall(head + body)

    def _understand(self, kind, number, body):
        if kind == HELLO:
            theirs = struct.unpack_from("<I", body, 64)[0] if len(body) >= 68 else 0
            self.wide = bool(theirs & WIDE_IDS)
            self._appear()
        elif kind == RESET:
            self.waiting.clear()
        elif kind in (SET_CONFIGURATION, GET_CONFIGURATION):
            self._tell(CONFIGURATION, bytes([SUCCESS, body[0] if body else 1]), number)
        elif kind in (SET_ALTERNATE, GET_ALTERNATE):
            self._tell(ALTERNATE, bytes([SUCCESS, body[0], 0]), number)
        elif kind == CANCEL:
            if any(known == number for known, _ in self.waiting):
                self.waiting = [(known, size) for known, size in self.waiting if known != number]
                self._bulk(number, BULK_IN, CANCELLED, b"", 0)
        elif kind == CONTROL:
            self._control(number, body)
        elif kind == BULK:
            endpoint, _, low, _, high = struct.unpack_from("<BBHIH", body)
            size = high << 16 | low
            if endpoint == BULK_IN:
                self.waiting.append((number, size))
            else:
                self._bulk(number, endpoint, SUCCESS, b"", size)
                self.to_charger(body[10:])

    def _appear(self):
        """One interface of the vendor's own class with one endpoint each way, and the device on the bus."""
        vendor_class = bytes([0xFF]) + bytes(31)
        self._tell(INTERFACES, struct.pack("<I", 1) + bytes(32) + vendor_class * 3)
        kinds, sizes = [NO_ENDPOINT] * 32, [0] * 32
        # The first sixteen are those to the device, the others those from it.
        for index, kind, size in [(0, CONTROL_TYPE, 8), (16, CONTROL_TYPE, 8),
                                  (BULK_OUT & 15, BULK_TYPE, PACKET), (16 + (BULK_IN & 15), BULK_TYPE, PACKET)]:
            kinds[index], sizes[index] = kind, size
        self._tell(ENDPOINTS, bytes(kinds) + bytes(64) + struct.pack("<32H", *sizes))
        self._tell(DEVICE_CONNECT, struct.pack("<BBBBHHH", FULL_SPEED, 0, 0, 0, self.vendor, self.product,
                                               self.release))

    def _bulk(self, number, endpoint, status, data, size):
        self._tell(BULK, struct.pack("<BBHIH", endpoint, status, size & 0xFFFF, 0, size >> 16) + data, number)

    def _control(self, number, body):
        endpoint, request, kind, _, value, index, length = struct.unpack_from("<BBBBHHH", body)
        status, data = SUCCESS, b""
        incoming = bool(kind & 0x80)
        if kind & 0x60 == 0x40:
            data = self._vendor_request(request, value, index, length, incoming)
        elif incoming and request == 6:
            data = self._descriptor(value >> 8, value & 0xFF)
            if data is None:
                status, data = STALL, b""
        elif incoming and request == 0:
            data = b"\0\0"
        if incoming:
            data = data[:length]
            length = len(data)
        head = struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index, length)
        self._tell(CONTROL, head + data, number)

    def _descriptor(self, kind, index):
        if kind == 1:
            return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 8, self.vendor, self.product, self.release,
                               1, 2, 3 if len(self.strings) == 3 else 0, 1)
        if kind == 2:
            parts = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 2, 0xFF, 0xFF, 0xFF, 2)
            for endpoint in (BULK_IN, BULK_OUT):
                parts += struct.pack("<BBBBHB", 7, 5, endpoint, 2, PACKET, 0)
            return struct.pack("<BBHBBBBB", 9, 2, 9 + len(parts), 1, 1, 0, 0xA0, 45) + parts
        if kind == 3 and index <= len(self.strings):
            # The first is the list of languages: American English.
            text = struct.pack("<H", 0x0409) if index == 0 else self.strings[index - 1].encode("utf-16-le")
            return bytes([2 + len(text), 3]) + text
        return None

    def _vendor_request(self, request, value, index, length, incoming):
        if incoming:
            return {5: STATUS, 10: bytes([self.latency])}.get(request, bytes(length))
        if request == 0 and value in (0, 1):
            # The driver opens the port: what the chip had kept is gone.
            self.fifo.clear()
        elif request == 3:
            # 3 MHz by a divisor with eighths, whose three bits are spread over both words.
            eighths = [0, 4, 2, 1, 3, 5, 6, 7][value >> 14 | (index >> 8 & 1) << 2]
            self.baud = round(3_000_000 / ((value & 0x3FFF) + eighths / 8)) if value else 3_000_000
        elif request == 9:
            self.latency = value & 0xFF or 1
        return b""

    def hand_on(self):
        """Answers requests for bytes: at once when there are some, with the status alone when the timer says so."""
        while self.waiting:
            now = time.monotonic()
            if not self.fifo and now - self.last_answer < self.latency / 1000:
                return
            number, size = self.waiting.pop(0)
            answer = bytearray()
            while True:
                room = min(PACKET, size - len(answer)) - len(STATUS)
                answer += STATUS + self.fifo[:room]
                del self.fifo[:room]
                # A packet that is not full ends the transfer.
                if not self.fifo or room < PACKET - len(STATUS):
                    break
            self.last_answer = now
            self._bulk(number, BULK_IN, SUCCESS, bytes(answer), len(answer))


class Cable:
    """Both ends: which charger is at the one, and whether the other is plugged in."""

    def __init__(self, line, serial, strings):
        self.serial, self.strings = serial, strings
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(line)
        self.door.listen(1)
        self.charger = None
        self.chip = None
        self.baud = None

    def to_charger(self, data):
        if self.charger:
            try:
                self.charger.send(data)
            except OSError:
                pass    # a wire does not wait

    def pull(self):
        if self.chip:
            self.chip.close()
        self.chip, self.baud = None, None

    def obey(self, order):
        words = order.split()
        self.pull()
        if words[0] == "plug":
            self.chip = FTX(words[1], self.serial, self.to_charger, strings=self.strings)
        print(words[0], flush=True)

    def run(self):
        orders = bytearray()
        print("ready", flush=True)
        while True:
            sources = [sys.stdin, self.door]
            if self.charger:
                sources.append(self.charger)
            if self.chip:
                sources.append(self.chip.qemu)
            readable, _, _ = select.select(sources, [], [], self.chip.patience() if self.chip else None)
            if sys.stdin in readable:
                data = os.read(sys.stdin.fileno(), 4096)
                if not data:
                    return
                orders += data
                while b"\n" in orders:
                    order, _, orders = orders.partition(b"\n")
                    self.obey(order.decode())
                continue
            if self.door in readable:
                if self.charger:
                    self.charger.close()
                self.charger, _ = self.door.accept()
                self.charger.setblocking(False)
                continue
            if self.charger and self.charger in readable:
                self.listen()
            if self.chip:
                self.serve(self.chip.qemu in readable)

    def listen(self):
        try:
            data = self.charger.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.charger.close()
            self.charger = None
        elif self.chip:
            self.chip.from_charger(data)

    def serve(self, spoken):
        try:
            if spoken and not self.chip.from_qemu():
                return self.pull()
            self.chip.hand_on()
        except OSError:
            return self.pull()
        if self.chip.baud != self.baud:
            self.baud = self.chip.baud
            print("baud", self.baud, flush=True)
        return None


def main():
    parser = argparse.ArgumentParser(description="A cable with an FT-X chip, for QEMU's usb-redir.")
    parser.add_argument("--line", required=True)
    parser.add_argument("--serial", required=True, help="the serial number; none if empty")
    parser.add_argument("--maker", default="VictronEnergy BV")
    parser.add_argument("--product", default="VE Direct cable")
    options = parser.parse_args()
    Cable(options.line, options.serial, (options.maker, options.product)).run()


if __name__ == "__main__":
    main()
