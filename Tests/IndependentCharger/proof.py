#!/usr/bin/env python3
"""Chargers, bad cables, the bridge and a broker: does every payload say what the charger held?

    Tests/IndependentCharger/proof.py --program .build/debug/vebridge --minutes 2 --ber 1e-3

Three chargers (charger.py), each behind a bad cable (proxy.py), one bridge, one broker and a subscriber. A payload is
wrong if its charger held no such value within the five seconds before; an id is a phantom if no charger has it; a fast
register is stale if its value changed and nothing was published for it for more than ten seconds. While a plug is out,
and for ten seconds afterwards, that does not count.

Prints a table and one line of JSON. Exit status 0 if nothing was wrong, phantom or stale, 1 if not, 3 if there is no
mosquitto.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TRUTH_LASTS = 5.0
FRESH = 10.0
# What moves with every step of the charger's sun.
FAST = ["EDBC", "EDBB"]


class Charger:
    def __init__(self, kind, serial, seed):
        self.serial = serial
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "charger.py"), "--kind", kind, "--serial", serial, "--seed", str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.path = ready["path"]
        self.lock = threading.Lock()
        # For each register what it held, and since when.
        self.held = {register: [(time.time(), data)] for register, data in ready["registers"].items()}
        self.forbidden = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            now, event = time.time(), json.loads(line)
            if event["event"] == "value":
                with self.lock:
                    self.held[event["register"]].append((now, event["data"]))
            elif event["event"] == "forbidden":
                self.forbidden += 1

    def values(self, register, now):
        """What it held within the time in which truth lasts; empty if it does not have the register."""
        with self.lock:
            history = list(self.held.get(register, []))
        values = []
        for index, (since, data) in enumerate(history):
            until = history[index + 1][0] if index + 1 < len(history) else float("inf")
            if since <= now and until >= now - TRUTH_LASTS:
                values.append(data)
        return values


def number(data):
    return int.from_bytes(bytes.fromhex(data), "little")


def expected(chargers, charger, register, now):
    """The payloads that are right; None where nothing is known about the register."""
    values = charger.values(register, now)
    if register == "0100" and values:
        return set(values)
    if register == "ED8C" and not values:
        # Charger current less load current, in tenths.
        loads = charger.values("EDAD", now) or ["00"]
        return {str((number(out) - number(load)) * 100 & 0xFFFFFFFF)
                for out in charger.values("EDD7", now) for load in loads}
    if register == "200C" and (not values or values == ["FF"]):
        return {str(number(data)) for data in charger.values("0201", now)}
    if not values:
        return None
    if len(values[0]) > 8:
        # Texts and records are published as bytes or text.
        return set(values) | {bytes.fromhex(data).rstrip(b"\0").decode("latin-1") for data in values}
    if register == "0102":
        return set(values)
    return {str(number(data)) for data in values}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Judge:
    def __init__(self, chargers):
        self.chargers = {charger.serial: charger for charger in chargers}
        self.payloads, self.unknown = 0, 0
        self.wrong, self.phantoms = [], set()
        self.last, self.gaps = {}, {}
        self.outages = {charger.serial: [] for charger in chargers}

    def hear(self, now, topic, payload):
        parts = topic.strip("/").split("/")
        if len(parts) != 3:
            return
        _, serial, register = parts[0], parts[1], parts[2].upper()
        charger = self.chargers.get(serial)
        if charger is None:
            self.phantoms.add(serial)
            return
        self.payloads += 1
        right = expected(list(self.chargers.values()), charger, register, now)
        if right is None:
            self.unknown += 1
        elif payload not in right:
            self.wrong.append(f"{now:.3f} {topic} {payload}, held {sorted(right)}")
        if register in FAST:
            self.note(serial, register, now)

    def note(self, serial, register, now):
        key = (serial, register)
        last = self.last.get(key)
        self.last[key] = now
        if last is None or now - last <= 1:
            return
        # While the plug is out, and while what is behind it is found again, there is nothing to read.
        away = sum(max(0, min(now, end + FRESH) - max(last, begin)) for begin, end in self.outages[serial])
        self.gaps[key] = max(self.gaps.get(key, 0), now - last - away)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/vebridge")
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--ber", type=float, default=1e-3)
    parser.add_argument("--drop", type=float, default=1e-4)
    parser.add_argument("--double", type=float, default=1e-4)
    parser.add_argument("--burst", default="0.02:0.02")
    parser.add_argument("--unplug", default="0:0", help="EVERY:SECONDS pulls the plugs now and then")
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--forge", action="store_true", help="publish a wrong value and a phantom, to see them found")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not shutil.which("mosquitto") or not shutil.which("mosquitto_sub"):
        print("mosquitto and mosquitto-clients are needed", file=sys.stderr)
        return 3
    folder = tempfile.mkdtemp(prefix="vebridge-proxy-")
    processes, proxies = [], []
    try:
        port = free_port()
        with open(os.path.join(folder, "mosquitto.conf"), "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        processes.append(subprocess.Popen(["mosquitto", "-c", file.name], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL))
        kinds = [("old", "HQ1611OLDER"), ("new", "HQ2012NEWER"), ("networked", "HQ2116NETWK")]
        chargers = [Charger(kind, serial, options.seed + index) for index, (kind, serial) in enumerate(kinds)]
        judge = Judge(chargers)
        for index, charger in enumerate(chargers):
            command = [sys.executable, os.path.join(HERE, "proxy.py"), "--charger", charger.path,
                       "--link", os.path.join(folder, f"port{index}"), "--ber", str(options.ber),
                       "--drop", str(options.drop), "--double", str(options.double), "--burst", options.burst,
                       "--unplug", options.unplug, "--seed", str(options.seed * 10 + index)]
            proxy = subprocess.Popen(command + (["--echo"] if options.echo else []), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
            proxy.stdout.readline()
            proxies.append(proxy)
            threading.Thread(target=watch, args=(proxy, judge.outages[charger.serial]), daemon=True).start()
        configuration = os.path.join(folder, "vebridge.toml")
        with open(configuration, "w") as file:
            # Values that nobody has read again are not said again: they would be too old to be judged.
            file.write('[schema]\nregisters = "all"\ninterval = "1h"\n\n[bridge]\nstate_directory = ""\n')
        # The subscriber comes first, and the clock of a payload is that of its arrival.
        hearer = None
        for _ in range(100):
            hearer = subprocess.Popen(["mosquitto_sub", "-p", str(port), "-q", "1", "-t", "/venetworking/#",
                                       "-F", "%U %t %p"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            try:
                hearer.wait(0.3)
            except subprocess.TimeoutExpired:
                break
        processes.append(hearer)
        log = open(os.path.join(folder, "log"), "w")
        bridge = subprocess.Popen(
            [options.program, "--config", configuration, "--ports",
             os.path.join(folder, "port*"), "--broker", f"mqtt://127.0.0.1:{port}"],
            stdout=log, stderr=log)
        processes.append(bridge)
        end = time.time() + options.minutes * 60
        reader = threading.Thread(target=read, args=(hearer, judge), daemon=True)
        reader.start()
        while time.time() < end and bridge.poll() is None:
            time.sleep(0.2)
        ended = bridge.poll()
        if options.forge:
            for serial in (chargers[0].serial, "HQ9999FORGE"):
                subprocess.run(["mosquitto_pub", "-p", str(port), "-t", f"/venetworking/{serial}/edbc", "-m", "1"])
            time.sleep(1)
        now = time.time()
        for charger in chargers:
            for register in FAST:
                judge.note(charger.serial, register, now)
        bridge.terminate()
        bridge.wait(20)
        for proxy in proxies:
            proxy.stdin.close()
        return report(options, judge, chargers, proxies, ended, folder)
    finally:
        for process in processes + proxies + [charger.process for charger in chargers]:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def watch(proxy, outages):
    for line in proxy.stdout:
        event = json.loads(line)
        if event["event"] == "unplugged":
            outages.append((time.time(), float("inf")))
        elif event["event"] == "plugged":
            outages[-1] = (outages[-1][0], time.time())
        elif event["event"] == "done":
            proxy.counts = event


def read(hearer, judge):
    for line in hearer.stdout:
        words = line.rstrip("\n").split(" ", 2)
        if len(words) == 3:
            judge.hear(float(words[0]), words[1], words[2])


def report(options, judge, chargers, proxies, ended, folder):
    for proxy in proxies:
        proxy.wait(5)
    damage = {}
    time.sleep(0.2)
    for proxy in proxies:
        for name, count in getattr(proxy, "counts", {}).items():
            if name != "event":
                damage[name] = damage.get(name, 0) + count
    unheard = [f"{charger.serial}/{register}" for charger in chargers for register in FAST
               if (charger.serial, register) not in judge.last]
    stale = [f"{serial}/{register}: {gap:.1f} s" for (serial, register), gap in sorted(judge.gaps.items()) if gap > FRESH]
    longest = max(judge.gaps.values(), default=0)
    forbidden = sum(charger.forbidden for charger in chargers)
    print(f"{options.minutes:g} minutes at a bit error rate of {options.ber:g}, {damage}")
    print(f"{judge.payloads} payloads, {len(judge.wrong)} wrong, {len(judge.phantoms)} phantom ids, "
          f"longest gap of a fast register {longest:.1f} s, {forbidden} forbidden commands")
    problems = [f"wrong: {text}" for text in judge.wrong[:10]] + [f"phantom: {serial}" for serial in judge.phantoms]
    problems += [f"stale: {text}" for text in stale] + [f"never heard: {text}" for text in unheard]
    if ended is not None:
        with open(os.path.join(folder, "log"), errors="replace") as file:
            problems.append(f"the bridge ended with {ended}: {file.read()[-2000:]}")
    if forbidden and not options.ber:
        problems.append("the charger was told to write, restart or boot")
    for problem in problems:
        print(problem)
    print(json.dumps({"minutes": options.minutes, "ber": options.ber, "echo": options.echo, "payloads": judge.payloads,
                      "wrong": len(judge.wrong), "phantoms": len(judge.phantoms), "stale": len(stale),
                      "longest_gap_s": round(longest, 1), "outside_of_the_table": judge.unknown, **damage}))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
