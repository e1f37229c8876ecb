#!/usr/bin/env python3
"""Hours of bad weather in minutes: the built program against a broker and chargers that fail at random.

    Tests/Soak/soak.py --program .build/debug/vebridge --minutes 30 --seed 1

Each charger is a process of its own (`vebridge simulate`), so it can be stopped, killed, moved to another socket or
swapped with its neighbour; one more port can flood. A MasterBus behind an slcan adapter comes and goes. The broker,
reached over TLS where openssl is installed, is stopped (for a minute too), killed, started again, and refuses the
program for a while; the program itself is killed with SIGKILL and started again. At the end, with everything well
again, every charger and the bus must publish; and descriptors, threads and memory must not have grown in any of the
program's lives that lasted long enough to tell.

Exit status 0 if all held, 1 if not, 3 if there is no mosquitto.
"""

import argparse
import os
import pty
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tty


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


class Bus:
    """A simulated MasterBus behind an slcan adapter; its own charger is plugged in nowhere."""

    def __init__(self, program, folder):
        self.program, self.link = program, os.path.join(folder, "bus")
        self.process = None
        self.plug()

    @property
    def port(self):
        return self.link + "-bus"

    def plug(self):
        self.process = subprocess.Popen(
            [self.program, "simulate", "--chargers", "1", "--first", "20", "--masterbus", "--link", self.link],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith("slcan:"):
                return
        raise SystemExit("failed: the simulated bus did not start")

    def unplug(self):
        self.process.kill()
        self.process.wait()


class Flood:
    """A port out of which garbage comes as fast as it is taken."""

    def __init__(self, folder):
        self.link = os.path.join(folder, "socketF")

    def run(self, seconds, chance):
        master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        os.symlink(os.ttyname(slave), self.link)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                os.write(master, chance.randbytes(1024))
            except BlockingIOError:
                time.sleep(0.001)
        os.unlink(self.link)
        os.close(slave)
        os.close(master)


def make_certificate(folder):
    """The file of an authority, and those of a server that it signed; None where there is no openssl."""
    if not shutil.which("openssl"):
        return None
    script = """
        set -e; cd "$1"; new="-newkey rsa:2048 -nodes"; printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names
        openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
        openssl req $new -subj /CN=localhost -keyout server.key -out server.csr
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem
    """
    made = subprocess.run(["sh", "-c", script, "sh", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if made.returncode != 0:
        return None
    os.chmod(os.path.join(folder, "server.key"), 0o644)
    return tuple(os.path.join(folder, name) for name in ("ca.pem", "server.pem", "server.key"))


class Broker:
    """Two doors: a plain one for the judge, and one for the program, over TLS where there is a certificate."""

    def __init__(self, folder):
        self.port, self.door = free_port(), free_port()
        os.chmod(folder, 0o755)
        self.certificate = make_certificate(folder)
        self.files = {True: os.path.join(folder, "kind.conf"), False: os.path.join(folder, "refusing.conf")}
        for welcomes, path in self.files.items():
            with open(path, "w") as file:
                file.write("per_listener_settings true\n")
                file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
                file.write(f"listener {self.door} 127.0.0.1\nallow_anonymous {str(welcomes).lower()}\n")
                if self.certificate:
                    file.write(f"certfile {self.certificate[1]}\nkeyfile {self.certificate[2]}\n")
        self.configuration = os.path.join(folder, "vebridge.toml")
        with open(self.configuration, "w") as file:
            scheme = "mqtts" if self.certificate else "mqtt"
            file.write(f'[broker]\nurl = "{scheme}://localhost:{self.door}"\n')
            if self.certificate:
                file.write(f'[broker.tls]\nca_file = "{self.certificate[0]}"\n')
            file.write(f'[bridge]\nstate_directory = "{os.path.join(folder, "state")}"\n')
        self.process = None
        self.start()

    def start(self, welcomes=True):
        self.process = subprocess.Popen(["mosquitto", "-c", self.files[welcomes]], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Bridge:
    """The program: its lives one after the other, and what each of them used."""

    # Before that a life is too young for what it uses to be held against it.
    SETTLING = 120

    def __init__(self, command, log, environment):
        self.command, self.log, self.environment = command, log, environment
        self.lives = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, env=self.environment)
        self.born = time.monotonic()
        self.first = None

    def look(self, settling):
        if self.first is None and time.monotonic() - self.born > settling:
            self.first = figures(self.process.pid)

    def close_life(self):
        if self.first is not None:
            self.lives.append((self.first, figures(self.process.pid), time.monotonic() - self.born))

    def kill(self):
        self.close_life()
        self.process.kill()
        self.process.wait()
        self.start()


def figures(pid):
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(fields["Threads"]),
        "memory_kB": int(fields["VmRSS"].split()[0]),
    }


def growth(first, last, is_address_sanitizer):
    """What has grown beyond what comes and goes. The address sanitizer's own arenas grow for some minutes; it has said
    by then what it has to say, and the memory of the program itself is watched by the other runs."""
    problems = []
    room = 1.3 if is_address_sanitizer else 1.15
    if last["descriptors"] > first["descriptors"] + 3:
        problems.append("descriptors grow")
    if last["threads"] > first["threads"] + 1:
        problems.append("threads grow")
    if last["memory_kB"] > first["memory_kB"] * room + 4000:
        problems.append("memory grows")
    return problems


def bus_is_heard(port, seconds):
    heard = subprocess.run(["mosquitto_sub", "-p", str(port), "-t", "/masterbus/#", "-R", "-C", "5", "-W", str(seconds)],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return heard.returncode == 0


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
    # The address sanitizer keeps a quarter of a gigabyte of what was freed unless told otherwise: that would look like
    # memory that grows.
    environment = dict(os.environ, SWIFT_BACKTRACE="enable=no",
                       ASAN_OPTIONS="detect_leaks=0:quarantine_size_mb=8:allocator_release_to_os_interval_ms=500",
                       TSAN_OPTIONS="halt_on_error=0:exitcode=66")
    bus, flood = Bus(simulator, folder), Flood(folder)
    bridge = Bridge(
        [options.program, "--config", broker.configuration, "--ports", os.path.join(folder, "socket*"),
         "--can", f"slcan:{bus.port}"], log, environment)
    faults, code, missing = {}, None, set()
    try:
        missing = wait_for_topics(broker.port, [charger.serial for charger in chargers], 90)
        if missing:
            print(f"failed: nothing was ever published for {', '.join(sorted(missing))}; log in {folder}")
            return 1
        end = time.monotonic() + options.minutes * 60
        settling = min(Bridge.SETTLING, options.minutes * 15)
        # Of the long and the final ones a few, spread over the time.
        rare = {"broker hangs a minute": options.minutes >= 5, "program killed": True}
        next_rare = time.monotonic() + options.minutes * 60 / 3
        while time.monotonic() < end:
            if bridge.process.poll() is not None:
                print(f"failed: the program ended with {bridge.process.returncode}; log in {folder}")
                return 1
            fault = chance.choice(["hang", "unplug", "swap", "turned links", "flap", "flood", "bus unplugged", "bus hangs",
                                   "broker killed", "broker hangs", "broker refuses", "calm"])
            if time.monotonic() > next_rare:
                next_rare += options.minutes * 60 / 6
                fault = chance.choice([name for name, is_wanted in rare.items() if is_wanted])
            one, other = chance.sample(chargers, 2)
            faults[fault] = faults.get(fault, 0) + 1
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
            elif fault == "flood":
                flood.run(min(pause, 6), chance)
            elif fault == "bus unplugged":
                bus.unplug()
                time.sleep(pause)
                bus.plug()
            elif fault == "bus hangs":
                bus.process.send_signal(signal.SIGSTOP)
                time.sleep(pause)
                bus.process.send_signal(signal.SIGCONT)
            elif fault == "program killed":
                bridge.kill()
            elif fault == "broker refuses":
                broker.kill()
                broker.start(welcomes=False)
                time.sleep(pause)
                broker.kill()
                broker.start()
            elif fault == "broker killed":
                broker.kill()
                time.sleep(pause)
                broker.start()
            elif fault in ("broker hangs", "broker hangs a minute"):
                pause = 60 if fault.endswith("minute") else pause
                broker.process.send_signal(signal.SIGSTOP)
                time.sleep(pause)
                broker.process.send_signal(signal.SIGCONT)
            else:
                time.sleep(pause)
            bridge.look(settling)
        # Weather over: everything has to come back by itself, the broker within the longest pause of reconnecting.
        missing = wait_for_topics(broker.port, [charger.serial for charger in chargers], 120)
        if not bus_is_heard(broker.port, 60):
            missing.add("the bus")
        bridge.close_life()
        bridge.process.send_signal(signal.SIGTERM)
        code = bridge.process.wait(timeout=20)
    finally:
        for charger in chargers:
            charger.process.kill()
        bus.process.kill()
        bridge.process.kill()
        broker.kill()
        log.close()
    with open(os.path.join(folder, "log"), errors="replace") as file:
        lines = file.read().splitlines()
    reports = [line for line in lines if "Sanitizer" in line or "Fatal error" in line]
    told = ", ".join(f"{count} × {fault}" for fault, count in sorted(faults.items()))
    print(f"{options.minutes:g} minutes, {len(lines)} lines of log, {'TLS' if broker.certificate else 'no TLS'}: {told}")
    problems = []
    for first, last, age in bridge.lives:
        print(f"a life of {age:.0f} s: settled {first}, at its end {last}")
        problems += growth(first, last, "address" in options.program)
    if missing:
        problems.append(f"nothing is published for {', '.join(sorted(missing))}")
    if code != 0:
        problems.append(f"exit status {code}")
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
