"""From the wire to a subscriber: chargers that note when the last byte of a frame leaves them.

The chargers are those of Tests/IndependentCharger, eight in a process of their own; the broker is a mosquitto; the
subscriber speaks MQTT 3.1.1 over a plain socket. All take the time from the machine's monotonic clock.
"""
import argparse
import multiprocessing
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "IndependentCharger"))
import charger  # noqa: E402

POWER = 0xEDBC


class Subscriber:
    """Just enough of MQTT to listen at quality of service 0."""

    def __init__(self, port, topics):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"bench-{os.getpid()}-{time.monotonic_ns()}".encode()
        self._send(0x10, b"\0\4MQTT\4\2\0\0" + len(name).to_bytes(2, "big") + name)
        words = b"\0\1"
        for topic in topics:
            words += len(topic).to_bytes(2, "big") + topic.encode() + b"\0"
        self._send(0x82, words)
        self.buffer = bytearray()
        # The answers to both: what comes after them is published.
        for expected in (0x20, 0x90):
            kind, _ = next(self._packets(time.monotonic() + 5), (None, None))
            if kind != expected:
                raise RuntimeError(f"the broker on port {port} did not answer as MQTT 3.1.1 wants it")

    def _send(self, kind, body):
        length, size = bytearray(), len(body)
        while True:
            size, digit = size >> 7, size & 0x7F
            length.append(digit | (0x80 if size else 0))
            if not size:
                break
        self.socket.sendall(bytes([kind]) + bytes(length) + body)

    def _packets(self, end):
        while True:
            while (packet := self._packet()) is not None:
                yield packet
            rest = end - time.monotonic()
            if rest <= 0 or not select.select([self.socket], [], [], rest)[0]:
                return
            data = self.socket.recv(65536)
            self.received = time.monotonic()
            if not data:
                raise RuntimeError("the broker closed the connection")
            self.buffer += data

    def _packet(self):
        size = shift = 0
        for index in range(1, min(len(self.buffer), 5)):
            size |= (self.buffer[index] & 0x7F) << shift
            shift += 7
            if self.buffer[index] & 0x80 == 0:
                end = index + 1 + size
                if len(self.buffer) < end:
                    return None
                kind, body = self.buffer[0] & 0xF0, bytes(self.buffer[index + 1:end])
                del self.buffer[:end]
                return kind, body
        return None

    def messages(self, end):
        """Until the clock says `end`: when it came, topic, payload."""
        for kind, body in self._packets(end):
            if kind == 0x30:
                length = int.from_bytes(body[:2], "big")
                yield self.received, body[2:2 + length].decode(), body[2 + length:]

    def close(self):
        self.socket.close()


class TimedCharger(charger.Charger):
    """Says its panel power in small steps, and notes when each frame with it has left."""

    def __init__(self, options):
        super().__init__(options)
        self.frame = bytearray()
        # (time of the last byte, command, value)
        self.frames = []
        self.requests = 0
        self.answer_left = None
        # (from the end of an answer to the next whole request, wire time and turn-around of that request)
        self.gaps = []
        self.turnaround = 0.0
        if options.clouds:
            self.registers.power = 30_000
            self.registers.move = self.cloud

    def cloud(self, chance):
        """A sky with clouds, by which all that is measured changes from one half second to the next."""
        registers = self.registers
        registers.power += chance.randint(-600, 600)
        registers.panel += chance.randint(-6, 6)
        registers.battery = min(1346, max(1330, registers.battery + chance.choice((-1, 1))))
        news = [(0xEDBB, charger.little(registers.panel, 2)), (POWER, charger.little(registers.power, 4)),
                (0xEDBD, charger.little(registers.power * 10 // registers.panel, 2)),
                (0xEDD5, charger.little(registers.battery, 2)),
                (0xEDD7, charger.little(registers.power * 10 // registers.battery, 2))]
        return [register for register, data in news if registers.put(register, data)]

    def say(self, **words):
        pass

    def understand(self, line, now):
        self.requests += 1
        before = len(self.demands)
        super().understand(line, now)
        if self.options.silent:
            self.async_until = 0
        if len(self.demands) > before and self.answer_left is not None:
            self.gaps.append((now - self.answer_left, (len(line) + 1) * charger.BYTE_TIME + self.turnaround))
        self.answer_left = None

    def later(self, answer, now):
        if len(self.demands) < 2:
            low, high = self.options.turnaround
            self.turnaround = self.chance.uniform(low, high)
            self.ready = max(now, self.ready) + self.turnaround
            self.demands.append((self.ready, answer))

    def live(self, now):
        # The sun rises by a hundredth of a watt a step: a value that is new, and nothing that one would have to doubt.
        if self.options.step and now >= self.next_move:
            self.next_move = max(self.next_move + self.options.step, now - 1)
            registers = self.registers
            registers.power += 1
            registers.put(POWER, charger.little(registers.power, 4))
            if now < self.async_until:
                self.hex += charger.hex_frame(0xA, charger.little(POWER, 2) + b"\0" + registers.values[POWER])
            waiting, self.next_move = self.next_move, float("inf")
            super().live(now)
            self.next_move = waiting
        elif self.options.step:
            waiting, self.next_move = self.next_move, float("inf")
            super().live(now)
            self.next_move = waiting
        else:
            super().live(now)

    def speak(self, now):
        """As its elder, but that a frame's last byte is the last of a write."""
        if not self.hex and not self.text:
            self.line_free = now
            return
        budget = int((now - self.line_free) / charger.BYTE_TIME)
        while budget > 0 and (self.hex or self.text):
            out, ended = bytearray(), False
            while budget > 0 and (self.hex or self.text) and not ended:
                from_hex = bool(self.hex)
                byte = (self.hex if from_hex else self.text).pop(0)
                out.append(byte)
                budget -= 1
                if from_hex:
                    self.frame.append(byte)
                    ended = byte == 0x0A
            self.line_free += len(out) * charger.BYTE_TIME
            moment = time.monotonic()
            try:
                os.write(self.master, out)
            except BlockingIOError:
                pass
            if ended:
                self.note(bytes(self.frame), moment)
                self.frame.clear()

    def note(self, frame, moment):
        payload = bytes.fromhex(frame[2:-1].decode())
        if frame[1:2] == b"7":
            self.answer_left = moment
        if frame[1:2] in (b"7", b"A") and payload[:2] == charger.little(POWER, 2):
            self.frames.append((moment, frame[1:2].decode(), int.from_bytes(payload[3:7], "little")))


def _live(count, options, pipe):
    """The process of the chargers: until told to stop; then what they noted."""
    chargers = []
    for index in range(count):
        own = argparse.Namespace(kind="new", serial=f"HQ2012BNC{index:02d}", seed=index + 1, fast_line=False, **options)
        chargers.append(TimedCharger(own))
        chargers[-1].registers.power += 1000 * index
    pipe.send([(one.path, one.options.serial) for one in chargers])
    ports = {one.master: one for one in chargers}
    while True:
        readable, _, _ = select.select([*ports, pipe.fileno()], [], [], 0.002)
        if pipe.fileno() in readable:
            if pipe.recv() == "stop":
                break
            for one in chargers:
                one.requests, one.gaps, one.frames = 0, [], []
        now = time.monotonic()
        for descriptor in readable:
            if descriptor in ports:
                try:
                    ports[descriptor].hear(os.read(descriptor, 1024), now)
                except (BlockingIOError, OSError):
                    pass
        for one in chargers:
            one.live(now)
            one.speak(now)
    pipe.send([{"serial": one.options.serial, "frames": one.frames, "requests": one.requests, "gaps": one.gaps}
               for one in chargers])


class Chargers:
    """`count` chargers in a process of their own; step: seconds between two values, 0 for a sun that wavers."""

    def __init__(self, count, step=0.1, turnaround=(0.045, 0.130), silent=False, clouds=False):
        self.pipe, theirs = multiprocessing.Pipe()
        options = {"step": step, "turnaround": turnaround, "silent": silent, "clouds": clouds}
        self.process = multiprocessing.Process(target=_live, args=(count, options, theirs), daemon=True)
        self.process.start()
        self.paths, self.serials = zip(*self.pipe.recv())

    def begin(self):
        """What was noted so far does not count."""
        self.pipe.send("begin")

    def stop(self):
        self.pipe.send("stop")
        noted = self.pipe.recv()
        self.process.join(5)
        return noted


def match(noted, heard):
    """Milliseconds from the last byte of the first frame with a value to its topic, and what there is beside.

    A value that came only after a second frame had said it was doubted and read again: that is the guard at work and
    no time of publishing, so it is counted apart.
    """
    frames = {}
    for one in noted:
        for moment, _, value in one["frames"]:
            frames.setdefault((one["serial"], value), []).append(moment)
    delays, again = [], 0
    for key, moment in heard.items():
        moments = [each for each in frames.get(key, []) if each <= moment]
        if len(moments) == 1:
            delays.append((moment - moments[0]) * 1000)
        elif moments:
            again += 1
    return sorted(delays), again, sum(1 for key in frames if key not in heard)
