#!/usr/bin/env python3
"""A broker that is away while values change: what vebridge keeps, what that takes, and what it gives on return.

    Tests/Offline/offline.py --program .build/release/vebridge --away 300

Simulated chargers on a day that passes quickly, a mosquitto that is killed and comes back, and a subscriber. It has to
hold: everything current within 2 s of the return, every missed sample of the chosen topic with its time, and no more
memory than before but for what waits.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
REGISTERS = ["0100", "0102", "200c", "2027", "ed8c", "edbc", "edef"]


def resident(process):
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


class Listener:
    """mosquitto_sub as a list of (time, topic, payload)."""

    def __init__(self, port):
        self.messages = []
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "#", "-q", "1", "-F", "%U %r %t %p"],
            stdout=subprocess.PIPE, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            moment, retained, topic, payload = (line.rstrip("\n").split(" ", 3) + [""])[:4]
            if retained == "0":
                self.messages.append((float(moment), topic, payload))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/vebridge")
    parser.add_argument("--chargers", type=int, default=4)
    parser.add_argument("--away", type=float, default=300)
    arguments = parser.parse_args()
    program = os.path.abspath(arguments.program)
    failures = []

    def check(what, is_right):
        print(("ok      " if is_right else "FAILED  ") + what, flush=True)
        if not is_right:
            failures.append(what)

    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        conf = os.path.join(folder, "mosquitto.conf")
        with open(conf, "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n")
        links = os.path.join(folder, "charger")
        with open(os.path.join(folder, "vebridge.toml"), "w") as file:
            ports = ", ".join(f'"{links}{index}"' for index in range(arguments.chargers))
            file.write(f'ports = [{ports}]\n[broker]\nurl = "mqtt://127.0.0.1:{port}"\n'
                       '[broker.offline]\nsamples = ["venetworking/+/edbc"]\n')

        def mosquitto():
            process = subprocess.Popen([shutil.which("mosquitto", path=PATH), "-c", conf], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    return process
                except OSError:
                    time.sleep(0.005)

        broker = mosquitto()
        listener = Listener(port)
        simulator = subprocess.Popen(
            [program, "simulate", "--chargers", str(arguments.chargers), "--hour", "9", "--day", "2h", "--link", links],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(f"{links}{arguments.chargers - 1}"):
            time.sleep(0.1)
        bridge = subprocess.Popen([program, "--config", os.path.join(folder, "vebridge.toml")],
                                  stdout=subprocess.DEVNULL, stderr=open(os.path.join(folder, "log"), "w"))
        try:
            time.sleep(90)
            # Of the last heartbeat: while the chargers are found one after the other, each is the first for a moment.
            values = {topic for moment, topic, _ in listener.messages
                      if topic.startswith("/venetworking/") and moment > time.time() - 62}
            check(f"{len(values)} topics of {arguments.chargers} chargers before", len(values) >= 5 * arguments.chargers)
            before = resident(bridge.pid)
            broker.kill()
            broker.wait()
            gone = time.time()
            listener.stop()
            time.sleep(arguments.away)
            during = resident(bridge.pid)
            broker = mosquitto()
            back = time.time()
            listener = Listener(port)
            time.sleep(8)
            current = {}
            for moment, topic, _ in listener.messages:
                if topic in values:
                    current.setdefault(topic, moment - back)
            latest = max(current.values(), default=99)
            check(f"all of {len(values)} topics were there {latest:.2f} s after the return, missing: "
                  f"{sorted(values - set(current)) or 'none'}", set(current) == values and latest <= 2)
            missed = {}
            dropped = 0
            for _, topic, payload in listener.messages:
                if topic.endswith("/missed"):
                    report = json.loads(payload)
                    missed.setdefault(topic, []).extend(report["samples"])
                    dropped += report["dropped"]
            count = sum(len(samples) for samples in missed.values())
            check(f"{count} missed samples of {len(missed)} topics, {dropped} of them had no room",
                  len(missed) == arguments.chargers and dropped == 0)
            for topic, samples in sorted(missed.items()):
                times = [moment for moment, _ in samples]
                longest = max(b - a for a, b in zip([gone] + times, times + [back]))
                check(f"{topic}: in order, {times[0] - gone:.1f} s after the loss to {back - times[-1]:.1f} s before the "
                      f"return, longest gap {longest:.1f} s",
                      times == sorted(times) and gone - 2 <= times[0] and times[-1] <= back + 3 and longest < 62)
            after = resident(bridge.pid)
            check(f"memory {before} KiB before, {during} KiB at the end of the absence, {after} KiB after",
                  during - before < 8192 and after - before < 8192)
        finally:
            for process in (bridge, simulator, broker):
                process.send_signal(signal.SIGTERM)
            listener.stop()
            status = bridge.wait()
            simulator.wait()
            broker.wait()
        check("it ended as asked", status == 0)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
