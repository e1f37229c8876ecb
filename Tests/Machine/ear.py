"""A subscriber to everything, from outside the machine. It knows when each message came, and comes back by itself.

It speaks MQTT 3.1.1 with quality of service 0: a witness that shares nothing with the program it watches.
"""
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK, PINGREQ = 1, 2, 3, 8, 9, 12


class Message:
    def __init__(self, when, topic, payload, retained):
        self.when, self.topic, self.payload, self.retained = when, topic, payload, retained

    def __repr__(self):
        return f"{self.when:.2f} {self.topic} {self.payload[:80]}{' (retained)' if self.retained else ''}"


class Ear:
    def __init__(self, port):
        self.port = port
        self.messages = []
        self.news = threading.Condition()
        self.listening = False
        self.ended = False
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    # What was heard

    def mark(self):
        """A place in what was heard; what comes after it is new."""
        with self.news:
            return len(self.messages)

    def since(self, mark, want=lambda message: True):
        with self.news:
            return [message for message in self.messages[mark:] if want(message)]

    def wait(self, want, patience, mark=0):
        """The first message after `mark` that is wanted, or None when it does not come in time."""
        deadline = time.monotonic() + patience
        position = mark
        with self.news:
            while True:
                while position < len(self.messages):
                    if want(self.messages[position]):
                        return self.messages[position]
                    position += 1
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.news.wait(left)

    def wait_until(self, condition, patience):
        """Until a condition over everything heard so far holds."""
        with self.news:
            return self.news.wait_for(lambda: condition(self.messages), patience)

    def wait_for_broker(self, there, patience):
        with self.news:
            return self.news.wait_for(lambda: self.listening == there, patience)

    def close(self):
        self.ended = True

    # The wire

    def _live(self):
        while not self.ended:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                    self._listen(connection)
            except (OSError, EOFError, ValueError, struct.error):
                pass
            with self.news:
                self.listening = False
                self.news.notify_all()
            # QEMU takes connections for a port on which nobody listens yet, and drops them.
            time.sleep(0.1)

    def _listen(self, connection):
        name = b"machine-test"
        body = struct.pack(">H4sBBH", 4, b"MQTT", 4, 2, 20) + struct.pack(">H", len(name)) + name
        connection.settimeout(10)
        connection.sendall(packet(CONNECT << 4, body))
        reader = Reader(connection)
        kind, body = reader.packet()
        if kind >> 4 != CONNACK or body[1] != 0:
            raise ValueError("the broker does not want us")
        connection.sendall(packet(SUBSCRIBE << 4 | 2, struct.pack(">HH1sB", 1, 1, b"#", 0)))
        last_ping = time.monotonic()
        while not self.ended:
            kind, body = reader.packet(patient=True)
            now = time.monotonic()
            if now - last_ping > 5:
                connection.sendall(packet(PINGREQ << 4, b""))
                last_ping = now
            if kind is None:
                continue
            if kind >> 4 == SUBACK:
                with self.news:
                    self.listening = True
                    self.news.notify_all()
            elif kind >> 4 == PUBLISH:
                size = struct.unpack_from(">H", body)[0]
                topic = body[2:2 + size].decode()
                payload = body[2 + size:].decode(errors="replace")
                with self.news:
                    self.messages.append(Message(now, topic, payload, bool(kind & 1)))
                    self.news.notify_all()


class Reader:
    """Packets out of a stream. A pause is no end: a `patient` reader returns (None, b"") after a second."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()

    def packet(self, patient=False):
        self.connection.settimeout(1 if patient else 10)
        while True:
            taken = self._take()
            if taken:
                return taken
            try:
                data = self.connection.recv(65536)
            except socket.timeout:
                if patient:
                    return None, b""
                raise
            if not data:
                raise EOFError
            self.buffer += data

    def _take(self):
        size, shift = 0, 0
        for index in range(1, 5):
            if index >= len(self.buffer):
                return None
            size |= (self.buffer[index] & 127) << shift
            shift += 7
            if self.buffer[index] < 128:
                break
        else:
            raise ValueError("a length of more than four bytes")
        end = index + 1 + size
        if len(self.buffer) < end:
            return None
        kind, body = self.buffer[0], bytes(self.buffer[index + 1:end])
        del self.buffer[:end]
        return kind, body


def packet(head, body):
    length = bytearray()
    size = len(body)
    while True:
        size, digit = divmod(size, 128)
        length.append(digit | (128 if size else 0))
        if not size:
            return bytes([head]) + bytes(length) + body
