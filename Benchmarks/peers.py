"""Decodes a recorded stream with programs of others and prints their speeds as JSON. Run by bench.py in an environment
where they are installed, with a home folder of its own.

They read TEXT alone, and frames between blocks make them refuse the blocks, so that they get the stream with the frames
taken out. As documented they read from a port: a pseudo-terminal that always has more. Beside that, the decoder alone,
with bytes from memory in place of the port. Bytes of a block that a program skips do not count as decoded by it.
"""
import io
import json
import os
import pty
import re
import sys
import time
import tty


def measure(decode, data, size, times=5):
    """Speeds in MB/s of processor time and the number of blocks; `decode` gives that, `size` is what a block has."""
    speeds, blocks = [], 0
    for _ in range(times):
        begin = time.process_time()
        blocks = decode(data)
        speeds.append(blocks * size / (time.process_time() - begin) / 1e6)
    return {"speeds": speeds, "blocks": blocks}


class Port:
    """A pseudo-terminal under a name that all of them take for a port, with the stream over and over."""

    def __init__(self, data):
        self.path = os.path.join(os.path.expanduser("~"), "vmodem0")
        master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.symlink(os.ttyname(self.slave), self.path)
        self.child = os.fork()
        if self.child == 0:
            while True:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(master, rest[:4096]):]
        os.close(master)

    def close(self):
        os.kill(self.child, 9)
        os.waitpid(self.child, 0)
        os.close(self.slave)
        os.unlink(self.path)


def vedirect_by_port(data):
    import vedirect

    port, blocks, device = Port(data), 0, None
    try:
        while blocks < 200:
            try:
                if device is None:
                    device = vedirect.VEDirect(port.path)
                else:
                    device.refresh()
                blocks += 1
            except (vedirect.VEDirectException, ValueError):
                pass
        return blocks
    finally:
        port.close()


def vedirect_m8_by_port(data):
    from vedirect_m8.vedirect import Vedirect

    port, blocks, device = Port(data), 0, None
    try:
        device = Vedirect({"serial_port": port.path, "timeout": 1}, max_packet_blocks=None)
        while blocks < 200:
            try:
                if device.read_data_single() is not None:
                    blocks += 1
            except Exception:  # its own, which has many
                device.init_data_read()
        return blocks
    finally:
        if device is not None:
            device.close_serial()
        port.close()


class Memory(io.BytesIO):
    """A port that has everything already."""

    def readline(self, *sizes):
        found = super().readline(*sizes)
        if not found:
            raise EOFError
        return found


def with_vedirect(data):
    import vedirect

    port = Memory(data)

    class InMemory:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return port

        def __exit__(self, *_):
            pass

    real, vedirect.serial.Serial = vedirect.serial.Serial, InMemory
    blocks, device = 0, None
    while True:
        try:
            if device is None:
                device = vedirect.VEDirect("/dev/null")
            else:
                device.refresh()
            blocks += 1
        except EOFError:
            vedirect.serial.Serial = real
            return blocks
        except (vedirect.VEDirectException, ValueError):
            pass


def with_vedirect_m8(data):
    from vedirect_m8.vedirect import Vedirect

    # Any name that looks like a port: it is never opened.
    device = Vedirect({"serial_port": "/dev/ttyUSB0"}, auto_start=False, max_packet_blocks=None)
    blocks = 0
    for index in range(len(data)):
        try:
            if device.input_read(data[index:index + 1]) is not None:
                blocks += 1
                device.init_data_read()
        except Exception:  # its own, which has many
            device.init_data_read()
    return blocks


def main():
    with open(sys.argv[1], "rb") as file:
        data = re.sub(rb":[0-9A-F]+\n", b"", file.read())
    size = len(data) / data.count(b"\tHQ")
    found = []
    for name, by_port, from_memory in (("vedirect 1.1.0", vedirect_by_port, with_vedirect),
                                       ("vedirect-m8 1.3.4", vedirect_m8_by_port, with_vedirect_m8)):
        found.append({"name": name, "documented": True, **measure(by_port, data, size, times=3)})
        found.append({"name": f"{name}, from memory", "documented": False, **measure(from_memory, data, size)})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
