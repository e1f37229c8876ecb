#!/usr/bin/env python3
"""Hours of bad weather in minutes: the built program against a broker and chargers that fail at random.

    Tests/Soak/soak.py --program .build/debug/vebridge --minutes 30 --seed 1

Each charger is a process of its own (`vebridge simulate`), so it can be stopped, killed, moved to another socket or
swapped with its neighbour. The broker is stopped, killed and started again. At the end, with everything well again,
every charger must publish; and descriptors, threads and memory of the program must not have grown.

Exit status 0 if all held, 1 if not, 3 if there is no mosquitto.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Charger:
    """A simulated charger, and the socket (a link) that it is plugged into."""

    def __init__(self, program, folder, index, noise):
        self.program, self.folder, self.index, self.noise = program, folder, index, noise
        self.process = None
        self.link = os.path.join(folder, f"socket{index}")
        self.plug()

    @property
    def port(self):
        return os.path.join(self.folder, f"charger{self.index}-0")

    def plug(self):
        command = [self.program, "simulate", "--chargers", "1", "--first", str(self.index), "--day", "1h",
                   "--seed", str(self.index), "--link", os.path.join(self.folder, f"charger{self.index}-")]
        if self.noise:
            command += ["--noise", self.noise]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.serial = self.process.stdout.readline().split()[1]
        self.connect()

    def connect(self):
        self.disconnect()
        os.symlink(os.path.realpath(self.port), self.link)

    def disconnect(self):
        try:
            os.unlink(self.link)
        except FileNotFoundError:
            pass

    def unplug(self):
        self.disconnect()
        self.process.kill()
        self.process.wait()


class Broker:
    def __init__(self, folder):
        self.port = free_port()
        self.file = os.path.join(folder, "mosquitto.conf")
        with open(self.file, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", self.file], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


def figures(pid):
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(fields["Threads"]),
        "memory_kB": int(fields["VmRSS"].split()[0]),
    }


def wait_for_topics(port, serials, seconds):
    """The serials for which nothing was published in this time."""
    missing = set(serials)
    end = time.monotonic() + seconds
    while missing and time.monotonic() < end:
        # Twenty seconds of what is said; at once again if the broker is not up yet.
        heard = subprocess.run(["mosquitto_sub", "-p", str(port), "-t", "/venetworking/+/edbc", "-v", "-W", "20",
                                "-C", str(10 * len(serials))], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True)
        missing -= {line.split("/")[2] for line in heard.stdout.splitlines() if line.count("/") > 2}
        if not heard.stdout:
            time.sleep(0.2)
    return missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/vebridge")
    parser.add_argument("--simulator", help="the program for the chargers, if another (not slowed by a sanitizer)")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--chargers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("mosquitto") or not shutil.which("mosquitto_sub"):
        print("mosquitto and mosquitto-clients are needed", file=sys.stderr)
        return 3
    chance = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="vebridge-soak-")
    simulator = options.simulator or options.program
    noises = ["", "ber=1e-4", "ber=1e-3", "", "drop=1e-3", "burst=0.2/s:30ms"]
    broker = Broker(folder)
    chargers = [Charger(simulator, folder, index, noises[index % len(noises)]) for index in range(options.chargers)]
    log = open(os.path.join(folder, "log"), "w")
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=0",
                       TSAN_OPTIONS="halt_on_error=0:exitcode=66")
    bridge = subprocess.Popen(
        [options.program, "--ports", os.path.join(folder, "socket*"), "--broker", f"mqtt://127.0.0.1:{broker.port}"],
        stdout=log, stderr=log, env=environment)
    faults, first, last = 0, None, None
    try:
        missing = wait_for_topics(broker.port, [charger.serial for charger in chargers], 60)
        if missing:
            print(f"failed: nothing was ever published for {', '.join(sorted(missing))}; log in {folder}")
            return 1
        end = time.monotonic() + options.minutes * 60
        settled = time.monotonic() + min(120, options.minutes * 15)
        while time.monotonic() < end:
            if bridge.poll() is not None:
                print(f"failed: the program ended with {bridge.returncode}; log in {folder}")
                return 1
            fault = chance.choice(["hang", "unplug", "swap", "turned links", "flap", "broker killed", "broker hangs", "calm"])
            one, other = chance.sample(chargers, 2)
            faults += fault != "calm"
            pause = chance.uniform(0.2, 12)
            if fault == "hang":
                one.process.send_signal(signal.SIGSTOP)
                time.sleep(pause)
                one.process.send_signal(signal.SIGCONT)
            elif fault == "unplug":
                one.unplug()
                time.sleep(pause)
                one.plug()
            elif fault == "swap":
                one.unplug(), other.unplug()
                one.link, other.link = other.link, one.link
                one.plug(), other.plug()
            elif fault == "turned links":
                one.disconnect(), other.disconnect()
                one.link, other.link = other.link, one.link
                one.connect(), other.connect()
            elif fault == "flap":
                for _ in range(10):
                    one.disconnect()
                    time.sleep(chance.uniform(0, 0.3))
                    one.connect()
                    time.sleep(chance.uniform(0, 0.7))
            elif fault == "broker killed":
                broker.kill()
                time.sleep(pause)
                broker.start()
            elif fault == "broker hangs":
                broker.process.send_signal(signal.SIGSTOP)
                time.sleep(pause)
                broker.process.send_signal(signal.SIGCONT)
            else:
                time.sleep(pause)
            if first is None and time.monotonic() > settled:
                first = figures(bridge.pid)
        # Weather over: everything has to come back by itself, the broker within the longest pause of reconnecting.
        missing = wait_for_topics(broker.port, [charger.serial for charger in chargers], 120)
        last = figures(bridge.pid)
        first = first or last
        bridge.send_signal(signal.SIGTERM)
        code = bridge.wait(timeout=20)
    finally:
        for charger in chargers:
            charger.process.kill()
        bridge.kill()
        broker.kill()
        log.close()
    with open(os.path.join(folder, "log"), errors="replace") as file:
        lines = file.read().splitlines()
    reports = [line for line in lines if "Sanitizer" in line or "Fatal error" in line]
    print(f"{options.minutes:g} minutes, {faults} faults, {len(lines)} lines of log")
    print(f"after the start  {first}\nat the end       {last}")
    problems = []
    if missing:
        problems.append(f"nothing is published for {', '.join(sorted(missing))}")
    if code != 0:
        problems.append(f"exit status {code}")
    if last["descriptors"] > first["descriptors"] + 3:
        problems.append("descriptors grow")
    if last["threads"] > first["threads"] + 1:
        problems.append("threads grow")
    if last["memory_kB"] > first["memory_kB"] * 1.15 + 4000:
        problems.append("memory grows")
    problems += reports[:5]
    for problem in problems:
        print(f"failed: {problem}")
    if problems:
        print(f"log in {folder}")
        return 1
    shutil.rmtree(folder)
    print("held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
