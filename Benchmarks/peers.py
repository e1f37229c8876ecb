"""Decodes a recorded stream with programs of others and prints their speeds as JSON. Run by bench.py in an environment
where they are installed.

They read TEXT alone. Each gets the whole stream, and the same with the frames taken out, because frames between blocks
make them refuse the blocks. Both are spared the serial port, in their favour: the bytes come from memory.
"""
import io
import json
import re
import sys
import time


def measure(name, decode, data):
    """Five times; `decode` gives the number of blocks."""
    speeds, blocks = [], 0
    for _ in range(5):
        begin = time.process_time()
        blocks = decode(data)
        speeds.append(len(data) / (time.process_time() - begin) / 1e6)
    return {"name": name, "speeds": speeds, "blocks": blocks}


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

    class Port:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return port

        def __exit__(self, *_):
            pass

    vedirect.serial.Serial = Port
    blocks, device = 0, None
    while True:
        try:
            if device is None:
                device = vedirect.VEDirect("/dev/null")
            else:
                device.refresh()
            blocks += 1
        except EOFError:
            return blocks
        except (vedirect.VEDirectException, ValueError):
            pass


def with_vedirect_m8(data):
    from vedirect_m8.vedirect import Vedirect

    device = Vedirect({"serial_port": "/dev/null"}, auto_start=False, max_packet_blocks=None)
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
        data = file.read()
    text = re.sub(rb":[0-9A-F]+\n", b"", data)
    found = []
    for name, decode in (("vedirect 1.1.0", with_vedirect), ("vedirect-m8 1.3.4", with_vedirect_m8)):
        found.append(measure(f"{name}, all bytes", decode, data))
        found.append(measure(f"{name}, TEXT alone", decode, text))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
