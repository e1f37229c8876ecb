#!/usr/bin/env python3
"""How often vebridge wakes the processor, and what it takes of it, by day and by night.

    Tests/Wakeups/wakeups.py --program .build/release/vebridge --chargers 4 --seconds 120

Simulated chargers, a mosquitto of its own and the program as it comes, but for night_after, which is short here. A
wake-up is a thread that went to sleep and was woken: the voluntary context switches of /proc/PID/task/*/status.
"""
import argparse
import glob
import os
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


def wake_ups(process):
    """By thread name."""
    counts = {}
    for task in glob.glob(f"/proc/{process}/task/*"):
        try:
            with open(task + "/comm") as file:
                name = file.read().strip()
            with open(task + "/status") as file:
                line = next(line for line in file if line.startswith("voluntary_ctxt_switches"))
        except (OSError, StopIteration):
            continue
        counts[name] = counts.get(name, 0) + int(line.split()[1])
    return counts


def processor_seconds(process):
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(arguments, hour, folder):
    broker_port = free_port()
    links = os.path.join(folder, f"charger-{hour}-")
    with open(os.path.join(folder, "mosquitto.conf"), "w") as file:
        file.write(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    with open(os.path.join(folder, "vebridge.toml"), "w") as file:
        ports = ", ".join(f'"{links}{index}"' for index in range(arguments.chargers))
        file.write(f'ports = [{ports}]\n[broker]\nurl = "mqtt://127.0.0.1:{broker_port}"\n')
        file.write('[poll]\nnight_after = "5s"\n')
    started = []

    def start(*words):
        started.append(
            subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=open(os.path.join(folder, "log"), "a")))
        return started[-1]

    try:
        start(shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin"), "-c",
              os.path.join(folder, "mosquitto.conf"))
        start(arguments.simulator, "simulate", "--chargers", str(arguments.chargers), "--hour", str(hour), "--link",
              links)
        while not os.path.exists(f"{links}{arguments.chargers - 1}"):
            time.sleep(0.1)
        bridge = start(arguments.program, "--config", os.path.join(folder, "vebridge.toml"))
        # The first pass over all registers and the history is no part of the day.
        time.sleep(arguments.settle)
        before, busy = wake_ups(bridge.pid), processor_seconds(bridge.pid)
        start_time = time.monotonic()
        time.sleep(arguments.seconds)
        passed = time.monotonic() - start_time
        after, busy = wake_ups(bridge.pid), processor_seconds(bridge.pid) - busy
        threads = {name: (after[name] - before.get(name, 0)) / passed for name in after}
        return sum(threads.values()), busy / passed * 100, threads
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/release/vebridge")
    parser.add_argument("--simulator", help="the program that simulates; the same unless given")
    parser.add_argument("--chargers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--settle", type=float, default=60)
    parser.add_argument("--night-limit", type=float, help="fail above this many wake-ups a second by night")
    arguments = parser.parse_args()
    arguments.simulator = arguments.simulator or arguments.program
    rates = {}
    for name, hour in (("day", 12.0), ("night", 1.0)):
        with tempfile.TemporaryDirectory() as folder:
            rates[name], cpu, threads = measure(arguments, hour, folder)
        parts = ", ".join(f"{thread} {rate:.1f}" for thread, rate in sorted(threads.items()))
        print(f"{name:5} {rates[name]:7.1f} wake-ups a second ({rates[name] * 60:.0f} a minute), "
              f"{cpu:.2f} % of a core   [{parts}]", flush=True)
    if arguments.night_limit is not None and rates["night"] > arguments.night_limit:
        sys.exit(f"by night more than {arguments.night_limit} a second")


if __name__ == "__main__":
    main()
