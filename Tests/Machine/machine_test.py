#!/usr/bin/env python3
"""The package on a real kernel: systemd, udev, ftdi_sio, SocketCAN and a broker, in a virtual machine.

    Tests/Machine/image.sh build/machine
    Tests/Machine/machine_test.py --image build/machine --package build/vebridge_0.1.0_amd64.deb

Four chargers stand outside the machine and hang on its USB by two kinds of cables; a subscriber listens outside, too.
Each proof waits for what is to happen, and has a deadline that a slow machine meets as well. What was proven, with its
times, is printed and written to report.txt and report.json in IMAGE/last, beside the journal and the console.

Exit status 0 if all was proven, 1 if not, 3 if the machine could not be set up.
"""
import argparse
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from cable_steps import CableSteps              # noqa: E402
from doctor_steps import DoctorSteps            # noqa: E402
from ear import Ear                             # noqa: E402
from guest import Guest, GuestError             # noqa: E402
from report import SOON, Failure, Report, need  # noqa: E402
from service_steps import ServiceSteps          # noqa: E402
from update_steps import UpdateSteps            # noqa: E402

# How old a payload may be, by what its charger held: the program's own patience and the machine's slowness.
TRUTH_LASTS = 30
# Nobody else is disturbed by a fault: the longest time without a word that is still no gap.
UNDISTURBED = 10
RULES = "/usr/share/doc/vebridge/examples/61-vebridge-multiplexers.rules"


class Helper:
    """A process that takes orders line by line and answers each."""

    def __init__(self, *words):
        self.process = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)
        self.lock = threading.Condition()
        self.done = []
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("ready")

    def _read(self):
        for line in self.process.stdout:
            with self.lock:
                self.understand(line.strip())
                self.lock.notify_all()

    def understand(self, line):
        self.done.append(line.split()[0])

    def order(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.wait(words[0])

    def wait(self, word):
        with self.lock:
            need(self.lock.wait_for(lambda: word in self.done, 60), f"a helper process did not say '{word}'")
            self.done.remove(word)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


class Charger(Helper):
    """An independent charger, and what it held when."""

    def __init__(self, kind, serial, seed, power):
        self.serial, self.power = serial, power
        self.held = {}
        self.changes = 0
        self.forbidden = 0
        super().__init__(os.path.join(HERE, "charger_on_socket.py"), "--kind", kind, "--serial", serial, "--seed",
                         str(seed), "--power", str(power))

    def understand(self, line):
        event = json.loads(line)
        now = event["time"]
        if event["event"] == "value":
            self.held.setdefault(event["register"], []).append((now, event["data"]))
            self.changes += 1
        elif event["event"] == "forbidden":
            self.forbidden += 1
        else:
            if event["event"] == "ready":
                self.held = {register: [(now, data)] for register, data in event["registers"].items()}
            self.done.append(event["event"])

    def wait_for_changes(self, count, patience):
        with self.lock:
            target = self.changes + count
            need(self.lock.wait_for(lambda: self.changes >= target, patience), "a simulated charger stands still")

    def held_lately(self, register, now, lasts):
        """The values that it held within that time, as numbers."""
        with self.lock:
            history = list(self.held.get(register, []))
        ends = [since for since, _ in history[1:]] + [float("inf")]
        return {int.from_bytes(bytes.fromhex(data), "little") for (since, data), until in zip(history, ends)
                if since <= now and until >= now - lasts}

    def last_held(self, register, value, now):
        """How many seconds before `now` it held that value last, in words."""
        with self.lock:
            history = list(self.held.get(register, []))
        ends = [since for since, _ in history[1:]] + [now]
        ages = [now - until for (since, data), until in zip(history, ends)
                if since <= now and int.from_bytes(bytes.fromhex(data), "little") == value]
        return f"held last {min(ages):.1f} s before" if ages else "never held"

    def topic(self, register):
        return f"/venetworking/{self.serial}/{register}"


class Cable(Helper):
    """A VE.Direct cable with its own chip; its line is where a charger connects."""

    def __init__(self, line, serial, *more):
        self.line, self.serial = line, serial
        self.baud = None
        super().__init__(os.path.join(HERE, "ftx.py"), "--line", line, "--serial", serial, *more)

    def understand(self, line):
        words = line.split()
        if words[0] == "baud":
            self.baud = None if words[1] == "None" else int(words[1])
        else:
            self.done.append(words[0])


def packages_for(package, image):
    """The package and what it depends on and the guest lacks, as files; apt works out which, by the guest's state."""
    store = os.path.join(os.path.abspath(image), "packages", "needed")
    os.makedirs(os.path.join(store, "partial"), exist_ok=True)
    command = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", "--download-only",
               "-o", f"Dir::State::status={os.path.abspath(image)}/status", "-o", f"Dir::Cache::archives={store}",
               "-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User=root", os.path.abspath(package)]
    for old in glob.glob(os.path.join(store, "*.deb")):
        # What an earlier package needed may not be what this one declares.
        os.rename(old, os.path.join(store, "partial", os.path.basename(old)))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise GuestError(f"apt could not fetch what the package depends on:\n{done.stdout}")
    return [package] + sorted(glob.glob(os.path.join(store, "*.deb")))


def record_bus(program, folder, seconds):
    """What is said on a simulated MasterBus while one asks, as candump writes it; and what it means."""
    link = os.path.join(folder, "sim")
    simulator = subprocess.Popen([program, "simulate", "--masterbus", "--link", link], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
    try:
        for line in simulator.stdout:
            if line.startswith("running"):
                break
        else:
            raise GuestError("the simulated MasterBus did not start")
        bus = os.path.join(folder, "bus")
        # Whoever asks there has a number of its own: on the bus in the machine it is somebody else.
        settings = os.path.join(folder, "recorder.toml")
        with open(settings, "w") as file:
            file.write('[masterbus]\naddress = "0x351D7"\n')
        words = [program, "record", bus, "--config", settings, "--can", f"slcan:{link}-bus", "--for", f"{seconds}s"]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise GuestError(f"recording the MasterBus failed:\n{done.stdout}")
    finally:
        simulator.terminate()
        simulator.wait()
    values = {}
    with open(os.path.join(bus, "topics.txt")) as file:
        for line in file:
            topic, _, payload = line.rstrip("\n").partition(" ")
            if re.fullmatch(r"/masterbus/0x[0-9A-F]+/0x[0-9A-F]+", topic):
                values.setdefault(topic, set()).add(payload)
    if len(values) < 8:
        raise GuestError(f"the recorded MasterBus has {len(values)} values only")
    return os.path.join(bus, "bus0.log"), values


def certificates(folder):
    """A broker's certificate, the authority that signed it, another authority, and no certificate at all."""
    def openssl(*words):
        done = subprocess.run(["openssl", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise GuestError(f"openssl {words[0]}: {done.stdout}")

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for name in ("boat", "other"):
        openssl("req", "-x509", *key, "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                f"{name}.pem")
    with open(os.path.join(folder, "names"), "w") as file:
        file.write("subjectAltName=DNS:localhost\n")
    with open(os.path.join(folder, "garbage.pem"), "w") as file:
        file.write("not a certificate\n")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "broker.key", "-out", "broker.csr")
    openssl("x509", "-req", "-in", "broker.csr", "-CA", "boat.pem", "-CAkey", "boat.key", "-CAcreateserial", "-days", "20",
            "-extfile", "names", "-out", "broker.pem")
    names = ["boat.pem", "other.pem", "garbage.pem", "broker.pem", "broker.key"]
    subprocess.run(["tar", "-C", folder, "-cf", os.path.join(folder, "tls.tar"), *names], check=True)
    return os.path.join(folder, "tls.tar")


def unpack_program(package, folder):
    """The program of the package, for this side: simulator and recorder are the ones that are shipped."""
    tree = os.path.join(folder, "tree")
    subprocess.run(["dpkg", "-x", package, tree], check=True)
    return os.path.join(tree, "usr/bin/vebridge")


class MachineTest:
    def __init__(self, guest, ear, folder, program, bus_values, report):
        self.guest, self.ear, self.report, self.bus_values = guest, ear, report, bus_values
        path = guest.path
        # Two on QEMU's adapters, by the rules for multiplexers; two on cables as Victron's, by the rules that are
        # always in force.
        self.chargers = {
            "A": Charger("old", "HQ1100MACHA", 1, 20_000),
            "B": Charger("new", "HQ1200MACHB", 2, 40_000),
            "C": Charger("networked", "HQ1300MACHC", 3, 60_000),
            "D": Charger("new", "HQ1400MACHD", 4, 80_000),
        }
        self.cables = {"C": Cable(path("line-c"), "VE7C0001"), "D": Cable(path("line-d"), "VE7D0002")}
        # Which stream of QEMU's, and which of the USB sockets.
        self.links = {"A": "port-FT2A0001-00", "B": "port-FT2B0002-00", "C": "VE7C0001", "D": "VE7D0002"}
        # In which of them each cable of Victron's is.
        self.sockets = {"C": "usbC", "D": "usbD"}
        self.more_cables = []
        self.chargers["C"].order("plug", self.cables["C"].line)
        self.chargers["D"].order("plug", self.cables["D"].line)
        self.doctor = DoctorSteps(self)
        self.service_steps = ServiceSteps(self)
        self.cable_steps = CableSteps(self)
        self.updates = UpdateSteps(self, program, folder)

    def new_cable(self, serial, *more):
        """Another cable, with nothing at its other end."""
        cable = Cable(self.guest.path(f"line-{len(self.more_cables)}"), serial, *more)
        self.more_cables.append(cable)
        return cable

    def plug_cable(self, name):
        """A cable of Victron's into the socket in which it was."""
        self.cables[name].order("plug", self.guest.path(self.sockets[name]))

    # How the machine is

    def show(self, *properties, unit="vebridge"):
        wanted = " ".join(f"-p {name}" for name in properties)
        lines = self.guest.run(f"systemctl show {wanted} {unit}").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def process(self):
        return self.show("MainPID")["MainPID"]

    def wait_link(self, name, there=True):
        removed = "" if there else "--removed"
        status, text = self.guest.run(f"udevadm wait --timeout={SOON} {removed} /dev/vebridge/{name}", SOON + 20,
                                      check=False)
        need(status == 0, f"/dev/vebridge/{name} did not {'appear' if there else 'go'} within {SOON} s: {text}\n"
             + self.guest.run("ls -l /dev/vebridge /dev/serial/by-id 2>&1; dmesg | tail -n 15", check=False)[1])

    # How values come

    def live(self, charger):
        """Whether a message says what this charger measures now."""
        return lambda message: not message.retained and message.topic == charger.topic("edbc")

    def wait_value(self, charger, mark, patience=SOON, ear=None):
        """The first panel power after the mark that this charger held since then."""
        ear = ear or self.ear
        with ear.news:
            since = ear.messages[mark - 1].when if mark else 0

        def fresh(message):
            if not self.live(charger)(message) or message.when < since:
                return False
            return int(message.payload) in charger.held_lately("EDBC", message.when, TRUTH_LASTS)

        message = ear.wait(fresh, patience, mark)
        if message is None:
            heard = ear.since(mark, lambda message: charger.serial in message.topic)
            raise Failure(f"no panel power of {charger.serial} within {patience} s; heard of it: {heard[-5:]}\n"
                          + self.guest.run("journalctl -u vebridge -n 12 --no-pager -o cat; ls -l /dev/vebridge",
                                           check=False)[1])
        return message

    def wait_payload(self, topic, want, mark, patience=SOON):
        message = self.ear.wait(lambda message: message.topic == topic and want(message.payload), patience, mark)
        if message is None:
            heard = [heard.payload for heard in self.ear.since(mark, lambda message: message.topic == topic)]
            raise Failure(f"{topic} did not say what it should within {patience} s, but {heard[-3:]}")
        return message

    def silence(self, charger, mark):
        """The longest time without a word of this charger, from the mark until now."""
        times = [message.when for message in self.ear.since(mark) if not message.retained
                 and message.topic.startswith(f"/venetworking/{charger.serial}/")]
        with self.ear.news:
            start = self.ear.messages[mark].when if mark < len(self.ear.messages) else time.monotonic()
        edges = [start] + times + [time.monotonic()]
        return max(after - before for before, after in zip(edges, edges[1:]))

    def history(self):
        """The minutes that are written down, as lines of the export."""
        text = self.guest.run("vebridge history export --json --only samples --only minutes --state /var/lib/vebridge", SOON)
        return text.splitlines()

    def keeps(self, before):
        """Whether what was written down before still is."""
        now = set(self.history())
        lost = [line for line in before if line not in now]
        need(before and not lost, f"{len(lost)} of {len(before)} lines of the history are gone: {lost[:3]}")
        return len(before)

    def undisturbed(self, names, mark):
        worst = {name: self.silence(self.chargers[name], mark) for name in names}
        for name, seconds in worst.items():
            need(seconds < UNDISTURBED, f"{self.chargers[name].serial} was silent for {seconds:.1f} s meanwhile")
        return round(max(worst.values()), 1)

    # The proofs, in their order

    def boot(self):
        self.guest.wait_until_up(600)
        seconds = self.guest.passed()
        state = self.guest.run("systemctl is-system-running --wait || true", 600).strip()
        failed = self.guest.run("systemctl --failed --no-legend --plain").strip()
        need(state == "running", f"systemd says '{state}': {failed}")
        kernel = self.guest.run("uname -r").strip()
        systemd = self.guest.run("systemctl --version | head -n 1").split()[1]
        return f"Linux {kernel}, systemd {systemd}, after {seconds:.1f} s", {"boot": round(seconds, 1)}

    def install(self):
        self.unpack()
        # A cable that was there before: it has to have its link without being plugged in again.
        for name, port in (("C", 3), ("D", 4), ("E", 7), ("F", 8)):
            self.guest.plug_redirected(f"usb{name}", port)
        self.plug_cable("C")
        self.guest.run(f"udevadm wait --timeout={SOON} /dev/serial/by-id/usb-VictronEnergy_BV_VE_Direct_cable_VE7C0001-"
                       "if00-port0", SOON + 20)
        need("vebridge" not in self.guest.run("ls /dev"), "there is a link before there is a rule")
        others = self.guest.run("cd /run/packages && ls *.deb").split()
        begun = time.monotonic()
        text = self.guest.run("cd /run/packages && DEBIAN_FRONTEND=noninteractive dpkg -i *.deb", 240)
        took = time.monotonic() - begun
        need("vebridge" in text, text)
        self.wait_link(self.links["C"])
        version = self.guest.run("vebridge --version").strip()
        missing = self.guest.run("ldd /usr/bin/vebridge | grep 'not found' || true").strip()
        need(not missing, f"libraries are missing: {missing}")
        for file in ("/usr/share/man/man1/vebridge.1.gz", "/usr/share/bash-completion/completions/vebridge",
                     "/etc/vebridge/vebridge.toml", RULES):
            self.guest.run(f"test -s {file}")
        state = self.show("ActiveState", "SubState", "UnitFileState")
        need(state["UnitFileState"] == "enabled", f"the unit is {state['UnitFileState']}")
        need(state["ActiveState"] == "active", f"the unit is {state} after dpkg\n" + self.guest.run(
            "journalctl -u vebridge -n 20 --no-pager -o cat", check=False)[1])
        others = [name for name in others if not name.startswith("vebridge")]
        return (f"vebridge {version} by dpkg with {len(others)} declared dependencies that were missing, started by it"
                f" in {took:.1f} s", {"dpkg": round(took, 1), "dependencies": others})

    def unpack(self):
        """The packages and the recording, in the machine's memory."""
        self.guest.run("mkdir -p /run/packages && tar -C /run/packages -xf /dev/vdb", SOON)

    def service(self):
        """Hardened, and the unit says nothing that systemd does not know."""
        complaints = self.guest.run("systemd-analyze verify --man=no vebridge.service 2>&1 || true", SOON).strip()
        need("vebridge" not in complaints, complaints)
        table = self.guest.run("systemd-analyze security --no-pager vebridge.service || true", SOON)
        found = re.search(r"Overall exposure level[^0-9]*([0-9.]+)", table)
        need(found, table)
        level = float(found.group(1))
        need(level <= 2.0, f"systemd-analyze security says {level}\n{table}")
        mark = self.ear.mark()
        begun = time.monotonic()
        self.guest.run("sed -i 's/^#can = .*/can = [\"vcan0\", \"can0\"]/' /etc/vebridge/vebridge.toml")
        self.guest.run("grep -q '^can = ' /etc/vebridge/vebridge.toml && systemctl restart vebridge", SOON)
        took = time.monotonic() - begun
        need(self.show("ActiveState")["ActiveState"] == "active", "not active after a restart")
        self.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark)
        user = self.guest.run(f"ps -o user:20= -p {self.process()}").strip()
        need(user != "root", "it runs as root")
        return (f"exposure {level} of at most 2.0, runs as '{user}', says that it is ready, restarted in {took:.1f} s",
                {"exposure": level, "restart": round(took, 1)})

    def plug(self):
        """Four cables at a running service: links, owners, latency and tags by udev; topics by the program."""
        self.guest.run(f"cp {RULES} /etc/udev/rules.d/ && sed -i 's/^#\\(.*\"0403\".*\"6001\".*\\)/\\1/' "
                       "/etc/udev/rules.d/61-vebridge-multiplexers.rules && udevadm control --reload")
        mark = self.ear.mark()
        begun = time.monotonic()
        for name, port, serial in (("A", 1, "FT2A0001"), ("B", 2, "FT2B0002")):
            self.guest.plug_serial(f"usb{name}", port, serial)
            self.chargers[name].order("plug", self.guest.path(f"usb{name}"))
        self.plug_cable("D")
        for link in self.links.values():
            self.wait_link(link)
        linked = time.monotonic() - begun
        first = {}
        for name, charger in self.chargers.items():
            first[name] = round(self.wait_value(charger, mark).when - begun, 1)
            self.wait_payload(f"vebridge/charger/{charger.serial}/availability", lambda payload: payload == "online",
                              0)
        words = ", ".join(f"{name} after {seconds} s" for name, seconds in first.items())
        return (f"links after {linked:.1f} s, values of {words}",
                {"links": round(linked, 1), "values": first})

    def udev(self):
        words = []
        for name, link in self.links.items():
            path = f"/dev/vebridge/{link}"
            text = self.guest.run(
                f"stat -L -c '%G %a' {path}; d=$(readlink -f {path}); "
                "cat /sys/bus/usb-serial/devices/${d#/dev/}/latency_timer; "
                f"udevadm info -q property {path}", SOON)
            owner, latency, rest = text.split("\n", 2)
            need(owner == "dialout 660", f"{path} belongs to {owner}, and not to dialout with mode 660")
            need(latency == "1", f"{path}: the latency timer is at {latency} ms, and not at 1")
            for wanted in ("ID_MM_DEVICE_IGNORE=1", "ID_MM_PORT_IGNORE=1"):
                need(wanted in rest, f"{path}: ModemManager is not told to keep away ({wanted})")
            need(re.search(r"^TAGS=.*:systemd:", rest, re.M), f"{path} has no tag for systemd")
            words.append(link)
        for name, cable in self.cables.items():
            need(cable.baud == 19200, f"the driver set {cable.serial} to {cable.baud} baud")
        text = self.guest.run("journalctl -u systemd-udevd --no-pager -o cat | grep -i 'vebridge' || true")
        need(".rules:" not in text, f"udevd complains: {text}")
        return f"{', '.join(words)}: dialout 660, latency 1 ms, hidden from ModemManager, tagged; 19200 baud", {}

    def masterbus(self):
        """The capture into vcan0, as fast as it was; what it says has to arrive."""
        mark = self.ear.mark()
        begun = time.monotonic()
        self.guest.run("modprobe vcan; ip link add vcan0 type vcan; ip link set vcan0 up; "
                       "timeout 60 sh -c 'until grep -q \" vcan0 \" /proc/net/can/rcvlist_all /proc/net/can/rcvlist_eff"
                       " /proc/net/can/rcvlist_fil /proc/net/can/rcvlist_inv; do sleep 0.05; done'", SOON)
        listening = time.monotonic() - begun
        return self.play("vcan0", "vcan0", mark, {"listening": round(listening, 1)})

    def play(self, into, out_of, mark, figures):
        begun = time.monotonic()
        self.guest.run(f"systemd-run --quiet --collect --unit=play-{into} canplayer -l i -I /run/packages/bus.log {into}=can0")
        arrived = {}
        try:
            devices = {topic.split("/")[2] for topic in self.bus_values}
            for device in devices:
                topics = {topic: values for topic, values in self.bus_values.items() if f"/{device}/" in topic}
                found = self.ear.wait(lambda message: message.payload in topics.get(message.topic, ()), SOON, mark)
                if found is None:
                    heard = self.ear.since(mark, lambda message: message.topic.startswith(f"/masterbus/{device}"))
                    raise Failure(f"nothing of {device} within {SOON} s; heard: {heard[-3:]}\n" + self.guest.run(
                        "journalctl -u vebridge -n 12 --no-pager -o cat; ip -s -d link show " + out_of, check=False)[1])
                arrived[device] = round(found.when - begun, 1)
            # More than one value of each, and none that the capture does not hold. An emulated controller on a busy host
            # loses frames; what it lost comes with the next round of the recording.
            complete = self.ear.wait_until(lambda messages: {
                message.topic for message in messages[mark:]
                if message.payload in self.bus_values.get(message.topic, ())
            } >= set(self.bus_values), 4 * SOON)
        finally:
            self.guest.run(f"systemctl stop play-{into} || true")
        heard = self.ear.since(mark, lambda message: message.topic in self.bus_values)
        wrong = [message for message in heard if message.payload not in self.bus_values[message.topic]]
        need(not wrong, f"values that the capture does not hold: {wrong[:3]}")
        missing = set(self.bus_values) - {message.topic for message in heard}
        need(complete, f"not everything of the capture arrived within {4 * SOON} s: {sorted(missing)[:5]} is missing")
        self.undisturbed("ABCD", mark)
        return (f"all {len(self.bus_values)} values of " + ", ".join(
            f"{device} (first after {seconds} s)" for device, seconds in sorted(arrived.items())) + f" by {out_of}",
            dict(figures, first=arrived, values=len(self.bus_values)))

    def can_controller(self):
        """A controller with a bit rate, set by the file that the package shows; the bus was lost before."""
        self.guest.run("ip link del vcan0")
        self.guest.run("cp /usr/share/doc/vebridge/examples/80-can0.network /etc/systemd/network/ && networkctl reload "
                       "&& ip link set can1 type can bitrate 250000 && ip link set can1 up")
        mark = self.ear.mark()
        self.guest.run("timeout 60 sh -c 'until ip -d link show can0 | grep -q \"bitrate 250000\" && "
                       "ip link show can0 | grep -q \"[<,]UP\" && grep -qs \" can0 \" /proc/net/can/rcvlist_*; "
                       "do sleep 0.05; done'", SOON)
        return self.play("can1", "can0", mark, {})

    def swap_usb(self):
        """The plugs of C and D change their USB sockets."""
        mark = self.ear.mark()
        chargers = [self.chargers["C"], self.chargers["D"]]
        before = {name: self.guest.run(f"readlink -f /dev/vebridge/{self.links[name]}").strip() for name in "CD"}
        pulled = time.monotonic()
        for name in "CD":
            self.cables[name].order("pull")
        for name in "CD":
            self.wait_link(self.links[name], there=False)
        plugged = time.monotonic()
        self.sockets = {"C": self.sockets["D"], "D": self.sockets["C"]}
        for name in "CD":
            self.plug_cable(name)
        for name in "CD":
            self.wait_link(self.links[name])
        linked = time.monotonic() - plugged
        after_mark = self.ear.mark()
        gaps = {}
        for charger in chargers:
            message = self.wait_value(charger, after_mark)
            gaps[charger.serial] = round(message.when - pulled, 1)
        after = {name: self.guest.run(f"readlink -f /dev/vebridge/{self.links[name]}").strip() for name in "CD"}
        quiet = self.undisturbed("AB", mark)
        return (f"C and D in each other's USB socket ({before['C']}, {before['D']} became {after['C']}, {after['D']}): "
                f"same links after {linked:.1f} s, same topics; without a value for at most {max(gaps.values())} s, "
                f"A and B never for {quiet} s", {"gaps": gaps, "others": quiet})

    def swap_chargers(self):
        """The plugs at the chargers are exchanged; USB sees nothing of it."""
        mark = self.ear.mark()
        pulled = time.monotonic()
        self.chargers["C"].order("pull")
        self.chargers["D"].order("pull")
        # Hands need a second for it: three of the charger's steps, which are half a second apart.
        self.chargers["C"].wait_for_changes(16, SOON)
        self.chargers["C"].order("plug", self.cables["D"].line)
        self.chargers["D"].order("plug", self.cables["C"].line)
        after_mark = self.ear.mark()
        gaps = {}
        for name, link in (("C", self.links["D"]), ("D", self.links["C"])):
            charger = self.chargers[name]
            gaps[charger.serial] = round(self.wait_value(charger, after_mark).when - pulled, 1)
        quiet = self.undisturbed("AB", mark)
        return (f"C and D on each other's cable: each keeps its own topics; without a value for at most "
                f"{max(gaps.values())} s, A and B never for {quiet} s", {"gaps": gaps, "others": quiet})

    def pull(self):
        """One cable out: it is told, nobody else is harmed; and in again, in another socket."""
        charger = self.chargers["A"]
        mark = self.ear.mark()
        pulled = time.monotonic()
        self.guest.unplug("usbA")
        self.wait_link(self.links["A"], there=False)
        gone = time.monotonic() - pulled
        told = self.wait_payload(f"vebridge/charger/{charger.serial}/availability",
                                 lambda payload: payload == "offline", mark, 120)
        quiet = self.undisturbed("BCD", mark)
        mark = self.ear.mark()
        begun = time.monotonic()
        self.guest.plug_serial("usbA", 6, "FT2A0001")
        charger.order("plug", self.guest.path("usbA"))
        self.wait_link(self.links["A"])
        back = self.wait_value(charger, mark)
        self.wait_payload(f"vebridge/charger/{charger.serial}/availability", lambda payload: payload == "online", mark)
        offline, online = round(told.when - pulled, 1), round(back.when - begun, 1)
        return (f"A's link gone after {gone:.1f} s, 'offline' after {offline} s, the others never silent for "
                f"{quiet} s; in another socket its topics are back after {online} s",
                {"offline": offline, "others": quiet, "back": online})

    def broker(self):
        process = self.process()
        self.guest.run("systemctl stop mosquitto", SOON)
        need(self.ear.wait_for_broker(False, SOON), "the subscriber still has a broker")
        for charger in self.chargers.values():
            charger.wait_for_changes(20, SOON)
        mark = self.ear.mark()
        self.guest.run("systemctl start mosquitto", SOON)
        need(self.ear.wait_for_broker(True, SOON), "the subscriber has no broker again")
        back = time.monotonic()
        self.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark)
        # The broker forgot everything; the state of everything is to be there again, and the values are today's.
        times = {}
        for name, charger in self.chargers.items():
            self.wait_payload(f"vebridge/charger/{charger.serial}/availability", lambda payload: payload == "online",
                              mark)
            times[name] = round(max(0, self.wait_value(charger, mark).when - back), 1)
        need(self.process() == process, "vebridge was restarted")
        return (f"stopped and started, everything forgotten: state and values of all are back {max(times.values())} s "
                "after the broker, the same process", {"back": times})

    def suspend(self):
        process = self.process()
        monitor = self.guest.monitor
        monitor.forget("SUSPEND")
        monitor.forget("WAKEUP")
        self.guest.run("systemctl --no-block start systemd-suspend.service || systemctl --no-block suspend")
        monitor.wait("SUSPEND", SOON)
        slept = time.monotonic()
        self.chargers["A"].wait_for_changes(40, SOON)
        mark = self.ear.mark()
        need(monitor.run("query-status")["status"] == "suspended", "it is not asleep")
        monitor.run("system_wakeup")
        monitor.wait("WAKEUP", SOON)
        woken = time.monotonic()
        self.guest.run("true", SOON)
        # The adapters lost their power with the machine: as if all were pulled and plugged in again.
        times = {name: round(self.wait_value(charger, mark).when - woken, 1)
                 for name, charger in self.chargers.items()}
        state = self.show("MainPID", "NRestarts", "ActiveState")
        need(state["MainPID"] == process, f"vebridge was restarted: {state}")
        words = self.guest.run("dmesg | grep -i 'PM: suspend' | tail -n 2").strip()
        return (f"asleep (ACPI S3) for {woken - slept:.1f} s; values of all are back {max(times.values())} s after "
                "waking, the same process", {"asleep": round(woken - slept, 1), "back": times, "kernel": words})

    def clock(self):
        """The clock jumps by three hours and back."""
        process = self.process()
        times = {}
        for jump in ("3 hours", "-3 hours"):
            self.guest.run(f"date -s \"$(date -d '{jump}' '+%Y-%m-%d %H:%M:%S')\"")
            mark, begun = self.ear.mark(), time.monotonic()
            last = max(self.wait_value(charger, mark).when for charger in self.chargers.values())
            times[jump] = round(last - begun, 1)
        need(self.process() == process, "vebridge was restarted")
        return f"three hours on and back: next values of all after {max(times.values())} s, the same process", times

    def hang(self):
        """A process that does nothing more is found by systemd's watchdog."""
        process = self.process()
        mark = self.ear.mark()
        begun = time.monotonic()
        self.guest.run(f"kill -STOP {process}")
        told = self.wait_payload("vebridge/bridge/state", lambda payload: payload == "offline", mark, 120)
        told_after = told.when - begun
        mark = self.ear.mark()
        self.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark, 120)
        for charger in self.chargers.values():
            self.wait_value(charger, mark)
        took = time.monotonic() - begun
        now = self.process()
        need(now not in (process, "0"), "it is still the process that hangs")
        text = self.guest.run("journalctl -u vebridge --no-pager -o cat | grep -i watchdog | tail -n 1").strip()
        return (f"stopped (SIGSTOP): 'offline' after {told_after:.1f} s, all values of a new process after "
                f"{took:.1f} s",
                {"offline": round(told_after, 1), "back": round(took, 1), "systemd": text})

    def upgrade(self):
        """The same package again: changed configuration and history stay, the service is restarted."""
        process, history = self.process(), self.history()
        before = self.guest.run("sha256sum /etc/vebridge/vebridge.toml")
        first = self.ear.mark()
        begun = time.monotonic()
        self.guest.run("DEBIAN_FRONTEND=noninteractive dpkg -i /run/packages/vebridge_*.deb", 240)
        need(self.guest.run("sha256sum /etc/vebridge/vebridge.toml") == before, "the configuration was changed")
        now = self.process()
        need(now not in (process, "0"), "the new program was not started")
        took = time.monotonic() - begun
        mark = self.ear.mark()
        for charger in self.chargers.values():
            self.wait_value(charger, mark)
        silence = round(max(self.silence(charger, first) for charger in self.chargers.values()), 1)
        kept = self.keeps(history)
        return (f"dpkg took {took:.1f} s; configuration and {kept} lines of history kept, program replaced, nobody "
                f"without a value for longer than {silence} s", {"dpkg": round(took, 1), "gap": silence})

    def stop(self):
        mark = self.ear.mark()
        self.guest.run("systemctl stop vebridge", SOON)
        state = self.show("ActiveExitTimestampMonotonic", "InactiveEnterTimestampMonotonic", "Result", "ExecMainStatus",
                          "ExecMainCode")
        took = (int(state["InactiveEnterTimestampMonotonic"]) - int(state["ActiveExitTimestampMonotonic"])) / 1e6
        need(state["Result"] == "success" and state["ExecMainStatus"] == "0", f"it ended with {state}")
        need(took <= 2, f"it took {took:.2f} s to end after SIGTERM")
        self.wait_payload("vebridge/bridge/state", lambda payload: payload == "offline", mark)
        return (f"SIGTERM: ended in {took:.2f} s of at most 2, with status 0 and 'offline' published",
                {"stop": round(took, 2)})

    def purge(self):
        self.guest.run("DEBIAN_FRONTEND=noninteractive dpkg --purge vebridge", SOON)
        left = self.guest.run("ls -d /etc/vebridge /usr/bin/vebridge /lib/udev/rules.d/*vebridge* /var/lib/vebridge "
                              "/var/lib/private/vebridge /var/lib/vebridge-update /lib/systemd/system/vebridge.service 2>/dev/null || true")
        need(not left, f"left behind: {left}")
        return "program, rules, unit, configuration and history are gone", {}

    def truth(self):
        """Every live payload of the whole run against what its charger held; nobody had another's name."""
        wrong, counted, strangers = [], {}, set()
        known = {charger.serial: charger for charger in self.chargers.values()}
        for message in self.ear.since(0):
            parts = message.topic.split("/")
            if message.retained or len(parts) != 4 or parts[1] != "venetworking":
                continue
            charger = known.get(parts[2])
            if charger is None:
                strangers.add(parts[2])
                continue
            if parts[3] != "edbc":
                continue
            counted[charger.serial] = counted.get(charger.serial, 0) + 1
            if int(message.payload) not in charger.held_lately("EDBC", message.when, TRUTH_LASTS):
                wrong.append(message)
        if wrong:
            self.write_evidence({message.topic for message in wrong})
        need(not strangers, f"topics of chargers that do not exist: {sorted(strangers)}")
        need(not wrong, f"{len(wrong)} payloads that the charger had not held within {TRUTH_LASTS} s: " + "; ".join(
            f"{message} during '{self.report.step_at(message.when)}', "
            + known[message.topic.split("/")[2]].last_held("EDBC", int(message.payload), message.when)
            for message in wrong[:3]))
        need(len(counted) == len(known), f"not all were heard: {counted}")
        forbidden = sum(charger.forbidden for charger in known.values())
        need(forbidden == 0, f"{forbidden} times somebody tried to write to a charger")
        return (f"{sum(counted.values())} payloads of panel power, each one that its charger held within "
                f"{TRUTH_LASTS} s before; no write was tried", {"payloads": counted})

    def write_evidence(self, topics):
        """What was heard on these topics and what their chargers held, for whoever asks why."""
        path = os.path.join(self.report.folder, "evidence.json")
        heard = [(message.when, message.topic, message.payload) for message in self.ear.since(0)
                 if message.topic in topics and not message.retained]
        held = {charger.topic("edbc"): charger.held.get("EDBC", []) for charger in self.chargers.values()
                if charger.topic("edbc") in topics}
        with open(path, "w") as file:
            json.dump({"heard": heard, "held": held}, file)

    def kernel(self):
        bad = self.guest.run("dmesg | grep -E 'WARNING:|BUG:|Oops|hung task|segfault|Out of memory' || true").strip()
        need(not bad, bad)
        failed = self.guest.run("systemctl --failed --no-legend --plain").strip()
        need(not failed, f"units failed: {failed}")
        return "no warning of the kernel, no failed unit", {}

    def first_steps(self):
        """What everything else stands on."""
        return [("boot", self.boot), ("install", self.install), ("service", self.service), ("plug four", self.plug)]

    def steps(self):
        """In this order, because some leave behind what others begin with; each can be left out."""
        return [
            ("udev", self.udev), ("masterbus", self.masterbus), ("can controller", self.can_controller),
            *self.service_steps.settings(), *self.doctor.steps(), *self.cable_steps.steps(),
            ("swap usb", self.swap_usb), ("swap chargers", self.swap_chargers), ("pull one", self.pull),
            ("broker away", self.broker), ("suspend", self.suspend), ("clock", self.clock), ("hang", self.hang),
            *self.service_steps.endings(), ("upgrade", self.upgrade), *self.updates.steps(), ("stop", self.stop),
            ("kernel", self.kernel), ("truth", self.truth), ("purge", self.purge),
        ]

    def run(self, only=None):
        for name, proof in self.first_steps():
            if not self.report.step(name, proof):
                return
        for name, proof in self.steps():
            if only is None or name in only:
                self.report.step(name, proof)

    def shell(self):
        """Takes scripts from standard input, a line each, to look around by hand."""
        print("a line is a script for the machine; end of input ends it", flush=True)
        for line in sys.stdin:
            status, text = self.guest.run(line, 300, check=False)
            print(f"{text.rstrip()}\n[{status}]", flush=True)

    def close(self):
        for helper in list(self.chargers.values()) + list(self.cables.values()) + self.more_cables:
            helper.close()
        self.updates.close()


def built_package():
    version_files = sorted(glob.glob("build/vebridge_*_amd64.deb"), key=os.path.getmtime)
    return version_files[-1] if version_files else None


def main():
    parser = argparse.ArgumentParser(description="The package on a real kernel, in a virtual machine.")
    parser.add_argument("--image", default="build/machine", help="the folder that image.sh made")
    parser.add_argument("--package", default=None, help="the Debian package; the newest in build/ unless told")
    parser.add_argument("--only", default=None, help="steps after the first four, by their names, with commas; the "
                        "doctor's two of the bus need 'can controller' and 'reload' before them")
    parser.add_argument("--shell", action="store_true", help="afterwards take scripts from standard input")
    parser.add_argument("--verbose", action="store_true", help="show the machine's console")
    options = parser.parse_args()
    package = options.package or built_package()
    if not package:
        sys.exit("no package: run 'make deb', or name one with --package")
    last = os.path.join(options.image, "last")
    os.makedirs(last, exist_ok=True)
    report = Report(options.verbose, last)
    guest = ear = test = None
    status = 3
    # Ended from outside, it clears up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(status))
    with tempfile.TemporaryDirectory(prefix="vebridge-machine-") as folder:
        try:
            program = unpack_program(package, folder)
            files = packages_for(package, options.image)
            capture, bus_values = record_bus(program, folder, 20)
            disk = os.path.join(folder, "disk.tar")
            words = ["tar", "-cf", disk]
            for file in files + [capture, certificates(folder)]:
                words += ["-C", os.path.dirname(os.path.abspath(file)), os.path.basename(file)]
            subprocess.run(words + ["--transform", "s/^bus0.log$/bus.log/"], check=True)
            guest = Guest(options.image, disk, [f"usb{name}" for name in "ABCDEF"], options.verbose)
            ear = Ear(guest.broker_port)
            test = MachineTest(guest, ear, folder, program, bus_values, report)
            test.run(options.only and [name.strip() for name in options.only.split(",")])
            if options.shell:
                test.shell()
            status = 0 if report.good else 1
        except (GuestError, Failure) as error:
            print(f"the machine could not be set up: {error}", file=sys.stderr)
        finally:
            try:
                if guest and not isinstance(sys.exc_info()[1], (SystemExit, KeyboardInterrupt)):
                    keep(guest, last)
                if test:
                    test.close()
                if ear:
                    ear.close()
            finally:
                # Whatever went wrong, no machine is left running.
                if guest:
                    guest.close()
    with open(os.path.join(last, "report.txt"), "w") as file:
        file.write(report.text() + "\n")
    with open(os.path.join(last, "report.json"), "w") as file:
        file.write(report.json() + "\n")
    print(report.text().splitlines()[-1] + f"; {last}/report.txt, report.json, journal.txt, console.txt")
    sys.exit(status)


def keep(guest, folder):
    """What one wants to see when something was not proven."""
    with open(os.path.join(folder, "console.txt"), "w") as file:
        file.writelines(f"[{when:8.2f}] {line}\n" for when, line in guest.console)
    if not guest.alive() or not guest.agent:
        return
    try:
        with open(os.path.join(folder, "journal.txt"), "w") as file:
            file.write(guest.run("journalctl --no-pager -o short-monotonic", 120))
        guest.power_off()
    except GuestError as error:
        print(f"at the end: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
