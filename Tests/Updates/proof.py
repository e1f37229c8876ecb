#!/usr/bin/env python3
"""Updates from afar, seen from outside: good, damaged, old and interrupted ones, and some that are not well.

    Tests/Updates/proof.py --program .build/release/vebridge

It plays the service manager: it keeps the service running, calls the helper when an update lies ready, and cuts the
power (SIGKILL to everything at once) where it likes. Chargers are simulated, the broker is a real mosquitto, and
updates stand on a web server. The versions are copies of the program whose mark says another number, and small programs made of
stub.c, signed like any other. --seed makes a run the same again; --instants says how often the power is cut.

Exit status 0 if all was proven, 1 if not.
"""
import argparse
import functools
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """Something that was to be proven is not so."""


def need(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(condition, seconds, text):
    """Nothing tells of what another program does to its files: it is looked at often."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        need(time.monotonic() < deadline, f"within {seconds} s not: {text() if callable(text) else text}")
        time.sleep(0.02)


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


class Service:
    """What systemd does for the service and its helper, without systemd."""

    def __init__(self, program, folder, config, key_file):
        self.program, self.folder, self.config, self.key_file = program, folder, config, key_file
        self.store, self.state = os.path.join(folder, "store"), os.path.join(folder, "state")
        for path in (self.store, self.state):
            os.makedirs(path, exist_ok=True)
        self.pid_file = os.path.join(folder, "service.pid")
        self.credentials = os.path.join(folder, "credentials")
        os.makedirs(self.credentials, exist_ok=True)
        # While this file is there, the service is stopped.
        self.held = os.path.join(folder, "held")
        self.stop, self.restart = os.path.join(folder, "stop.sh"), os.path.join(folder, "restart.sh")
        with open(self.stop, "w") as file:
            file.write(f'touch {self.held}\npid="$(cat {self.pid_file})"\nkill -TERM "$pid" 2>/dev/null\n'
                       'while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done\n')
        with open(self.restart, "w") as file:
            # A service that has just ended starts again in any case.
            file.write(f'rm -f {self.held}\nkill -TERM "$(cat {self.pid_file})" 2>/dev/null || true\n')
        self.log = open(os.path.join(folder, "log"), "ab")
        self.main = None
        self.isOn = False
        self.keeper = None
        self.lock = threading.Lock()
        self.ended = 0

    def start(self):
        # A machine that boots starts its services.
        if os.path.exists(self.held):
            os.remove(self.held)
        self.isOn = True
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()

    def _keep(self):
        environment = dict(os.environ, STATE=self.state, CREDENTIALS_DIRECTORY=self.credentials)
        while self.isOn:
            with self.lock:
                if not self.isOn:
                    return
                if os.path.exists(self.held):
                    time.sleep(0.02)
                    continue
                # As LoadCredential and SetCredential do.
                with open(os.path.join(self.credentials, "update-token"), "wb") as file:
                    file.write(read(os.path.join(self.store, "token")) or b"none")
                words = [self.program, "update", "run", "--directory", self.store, "--", "--config", self.config]
                self.main = subprocess.Popen(words, stdout=self.log, stderr=self.log, env=environment)
                with open(self.pid_file + ".new", "w") as file:
                    file.write(str(self.main.pid))
                os.rename(self.pid_file + ".new", self.pid_file)
            self.main.wait()
            self.ended += 1
            # As RestartSec does.
            time.sleep(0.05)

    def helper(self, probation=60):
        words = [self.program, "update", "install", "--config", self.config, "--directory", self.store,
                 "--state-directory", self.state, "--stop", f"sh {self.stop}", "--restart", f"sh {self.restart}",
                 "--probation", str(probation)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def install(self, probation=60):
        """Runs the helper to its end: its exit status and its words."""
        helper = self.helper(probation)
        try:
            text, _ = helper.communicate(timeout=probation + 60)
        finally:
            helper.kill()
        self.log.write(text.encode())
        return helper.returncode, text.strip()

    def power_cut(self, helper=None):
        """Everything ends at once, and nobody is asked."""
        with self.lock:
            self.isOn = False
            for process in (helper, self.main):
                if process and process.poll() is None:
                    process.send_signal(signal.SIGKILL)
        if helper:
            helper.communicate()
        if self.keeper:
            self.keeper.join(20)

    @property
    def is_pending(self):
        return os.path.exists(os.path.join(self.state, "updates", "staged"))

    @property
    def is_on_trial(self):
        return os.path.exists(os.path.join(self.store, "trial"))

    def status(self):
        done = subprocess.run([self.program, "update", "status", "--json", "--directory", self.store],
                              stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    def version_that_runs(self):
        """Starts what would start, and asks for its version: one version always works."""
        done = subprocess.run([self.program, "update", "run", "--directory", self.store, "--", "--version"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        need(done.returncode == 0, f"what would start ends with {done.returncode}: {done.stdout}")
        return done.stdout.strip()

    @staticmethod
    def taken_apart(offer):
        """Manifest and signature of an offer, whatever the word between them."""
        lines = offer.decode("latin-1").splitlines(keepends=True)
        signature = lines[-1].split(" ", 1)[-1] if lines else ""
        return "".join(lines[:-1]).encode("latin-1"), signature.encode("latin-1")

    def stage(self, offer, program):
        """Lays an update ready, as the daemon does, whatever it is worth."""
        manifest, signature = self.taken_apart(offer)
        incoming = os.path.join(self.state, "updates", "incoming")
        shutil.rmtree(incoming, ignore_errors=True)
        os.makedirs(incoming)
        parts = {"manifest": manifest, "signature": signature,
                 "before": b"chargers 0\nbroker away\n", "vebridge": program}
        for name, data in parts.items():
            with open(os.path.join(incoming, name), "wb") as file:
                file.write(data)
        os.rename(incoming, os.path.join(self.state, "updates", "staged"))


class Maker:
    """Whoever makes updates: programs of other versions, signed, on a web server."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.www = os.path.join(folder, "www")
        os.makedirs(self.www, exist_ok=True)
        self.key_file = os.path.join(folder, "key")
        self.key = self.run("update", "key", self.key_file)
        self.mark = re.search(rb"vebridge-version ([0-9.]+)\n", read(program))
        self.first = self.mark.group(1).decode()

    def run(self, *words):
        done = subprocess.run([self.program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        need(done.returncode == 0, f"{' '.join(words)}: {done.stderr}")
        return done.stdout.strip()

    def version(self, number):
        """A version that is as long as that of the program, for it takes its place there."""
        text = re.sub(r"[0-9]+$", str(number), self.first)
        need(len(text) == len(self.first) and number < 10, f"no version {number} like {self.first}")
        return text

    def real(self, number):
        """The program itself, with another number."""
        path = os.path.join(self.folder, f"program-{number}")
        data = bytearray(read(self.program))
        data[self.mark.start(1):self.mark.end(1)] = self.version(number).encode()
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o755)
        return path

    def stub(self, version, manner):
        path = os.path.join(self.folder, f"stub-{version}-{manner}")
        compiler = os.environ.get("CC") or shutil.which("cc") or "clang"
        words = [compiler, "-O1", f'-DVERSION="{version}"', f"-DMANNER={manner}",
                 os.path.join(HERE, "stub.c"), "-o", path]
        subprocess.run(words, check=True)
        return path

    def sign(self, program, place="", key=None):
        """Puts it on the server: offer and program."""
        folder = os.path.join(self.www, place)
        os.makedirs(folder, exist_ok=True)
        offer = self.run("update", "sign", program, "--key", key or self.key_file, "--into", folder)
        name = re.search(r"^version (\S+)\narchitecture (\S+)", read(offer).decode(), re.M)
        return offer, os.path.join(folder, f"vebridge-{name.group(1)}-{name.group(2)}")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def copyfile(self, source, outputfile):
        try:
            super().copyfile(source, outputfile)
        except OSError:
            # Whoever fetched it was killed.
            self.close_connection = True


class Broker:
    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        path = os.path.join(folder, "mosquitto.conf")
        with open(path, "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        name = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen([name, "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.kept = {}
        self.heard = []
        self.asked = 0.0
        wait_for(self._answers, 20, "mosquitto answers")
        self.ear = subprocess.Popen(["mosquitto_sub", "-p", str(self.port), "-t", "vebridge/bridge/#", "-v"],
                                    stdout=subprocess.PIPE, text=True, bufsize=1)
        threading.Thread(target=self._listen, daemon=True).start()

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _listen(self):
        for line in self.ear.stdout:
            topic, _, payload = line.rstrip("\n").partition(" ")
            self.kept[topic] = payload
            self.heard.append((topic, payload))

    def update(self):
        return json.loads(self.kept.get("vebridge/bridge/update") or "{}")

    def ask(self, url):
        """Offers an update; gives the answer. No oftener than five times a second: more are not answered."""
        time.sleep(max(0, self.asked + 0.25 - time.monotonic()))
        self.asked = time.monotonic()
        mark, topic = len(self.heard), "vebridge/bridge/response/update"
        subprocess.run(["mosquitto_pub", "-p", str(self.port), "-t", "vebridge/bridge/request/update", "-m",
                        json.dumps({"url": url})], check=True)

        def answer():
            return [payload for name, payload in self.heard[mark:] if name == topic]
        said = json.loads(wait_for(answer, 60, f"an answer to {url}")[0])
        need("too many requests" not in said.get("error", ""), f"{said}")
        return said

    def close(self):
        self.ear.kill()
        self.process.kill()
        self.process.wait()


class Proof:
    def __init__(self, arguments, folder):
        self.program, self.folder = os.path.abspath(arguments.program), folder
        self.random = random.Random(arguments.seed)
        self.instants, self.damages = (3, 6) if arguments.quick else (arguments.instants, 40)
        self.maker = Maker(self.program, folder)
        handler = functools.partial(Quiet, directory=self.maker.www)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.site = f"http://127.0.0.1:{self.server.server_port}"
        self.broker = Broker(folder)
        link = os.path.join(folder, "port")
        self.simulator = subprocess.Popen([self.program, "simulate", "--chargers", "2", "--link", link],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.config = os.path.join(folder, "vebridge.toml")
        with open(self.config, "w") as file:
            file.write(f"""ports = ["{link}*"]
[broker]
url = "mqtt://127.0.0.1:{self.broker.port}"
[bridge]
state_directory = "{folder}/state"
[web]
listen = ""
[update]
key = "{self.maker.key}"
# An offer over MQTT may name this server, which is not on the public network.
url = "{self.site}/vebridge-x86_64.update"
interval = 0
directory = "{folder}/store"
""")
        self.service = Service(self.program, folder, self.config, self.maker.key_file)

    def close(self):
        self.service.power_cut()
        self.simulator.kill()
        self.simulator.wait()
        self.broker.close()
        self.server.shutdown()

    def info(self):
        return json.loads(self.broker.kept.get("vebridge/bridge/info") or "{}")

    def chargers(self):
        return json.loads(self.broker.kept.get("vebridge/bridge/health") or "{}").get("chargers", 0)

    def url(self, path):
        return f"{self.site}/{os.path.relpath(path, self.maker.www)}"

    def settle(self):
        """Calls the helper as long as there is something for it to do, as the path unit does."""
        words = []
        while self.service.is_pending or self.service.is_on_trial:
            words.append(self.service.install()[1])
        return words

    # What is proven

    def good(self):
        self.service.start()
        wait_for(lambda: self.chargers() == 2, 60, lambda: f"two chargers answer: {self.broker.kept}")
        need(self.info()["version"] == self.maker.first, f"{self.info()['version']} runs at first")
        offer, _ = self.maker.sign(self.maker.real(1))
        answer = self.broker.ask(self.url(offer))
        need(answer["status"] == "ok" and answer["data"]["state"] == "ready", f"answer: {answer}")
        status, words = self.service.install()
        need(status == 0, f"the helper ended with {status}: {words}")
        version = self.maker.version(1)
        wait_for(lambda: self.info().get("version") == version, 30, f"{version} runs")
        wait_for(lambda: self.broker.update().get("last", {}).get("outcome") == "installed", 30, "the topic says so")
        again = self.broker.ask(self.url(offer))
        need(again["data"]["state"] == "current", f"the same again: {again}")
        return f"{self.maker.first} fetched {version} from a web server, offered over MQTT; it runs: {words}"

    def damaged(self):
        """On the server: what is fetched. In the state directory: what the helper is given."""
        version = self.maker.version(2)
        offer, program = self.maker.sign(self.maker.stub(version, 1), "damaged")
        good = read(offer), read(program)
        tried = 0
        for index in range(self.damages):
            parts = [bytearray(part) for part in good]
            victim = parts[index % 2]
            kind = self.random.choice(["flip", "cut", "add", "swap"])
            place = self.random.randrange(len(victim))
            if kind == "flip":
                victim[place] ^= 1 << self.random.randrange(8)
            elif kind == "cut":
                del victim[place:]
            elif kind == "add":
                victim[place:place] = bytes(self.random.randrange(1, 256) for _ in range(3))
            else:
                victim[place] = (victim[place] + 1 + self.random.randrange(254)) % 256
            if bytes(parts[0]).lower() == good[0].lower() and bytes(parts[1]) == good[1]:
                continue
            for path, data in ((offer, parts[0]), (program, parts[1])):
                with open(path, "wb") as file:
                    file.write(data)
            answer = self.broker.ask(self.url(offer))
            need(answer["status"] == "error", f"damaged by '{kind}' at {place} and taken: {answer}")
            need(not self.service.is_pending, "something damaged lies ready")
            tried += 1
            if self.service.taken_apart(bytes(parts[0])) == self.service.taken_apart(good[0]) and parts[1] == good[1]:
                # Only the word before the signature is damaged, and the helper is not given that.
                continue
            self.service.stage(bytes(parts[0]), bytes(parts[1]))
            status, words = self.service.install()
            need(status == 1 and "refused" in words, f"damaged by '{kind}' at {place}: {status} {words}")
        stranger = os.path.join(self.folder, "stranger")
        self.maker.run("update", "key", stranger)
        offer, program = self.maker.sign(self.maker.stub(version, 1), "stranger", stranger)
        need(self.broker.ask(self.url(offer))["status"] == "error", "a stranger's signature was taken")
        self.service.stage(read(offer), read(program))
        need(self.service.install()[0] == 1, "a stranger's signature was taken by the helper")
        need(self.service.version_that_runs() == self.maker.version(1), "another version runs now")
        return f"{tried} damaged ones and a stranger's: refused by the daemon, and by the helper"

    def old(self):
        """What was good once, offered again."""
        refused = []
        for number in (0, 1):
            offer, program = self.maker.sign(self.maker.real(number), f"old-{number}")
            answer = self.broker.ask(self.url(offer))
            fine = answer["status"] == "error" or answer["data"]["state"] == "current"
            need(fine and not self.service.is_pending, f"{self.maker.version(number)} again: {answer}")
            self.service.stage(read(offer), read(program))
            status, words = self.service.install()
            need(status == 1 and "not newer" in words, f"{self.maker.version(number)} again: {status} {words}")
            refused.append(self.maker.version(number))
        return f"{', '.join(refused)} again: refused"

    def never_well(self):
        words = []
        before = self.service.version_that_runs()
        # It starts and never says that it is well; it ends at once.
        for number, manner in ((2, 0), (3, 2)):
            version = self.maker.version(number)
            offer, program = self.maker.sign(self.maker.stub(version, manner), f"bad-{number}")
            self.service.stage(read(offer), read(program))
            self.broker.kept.clear()
            status, text = self.service.install(6)
            need(status == 1 and "taken out again" in text, f"{version}: {status} {text}")
            need(self.service.version_that_runs() == before, f"{self.service.version_that_runs()} runs, not {before}")
            words.append(text)
        wait_for(lambda: self.info().get("version") == before and self.chargers() == 2, 30, f"{before} is back")
        return f"{'; '.join(words)}. {before} is back and reads both chargers"

    def interrupted(self):
        """The power goes at a random instant of an update, and perhaps again; then it is let be."""
        self.service.power_cut()
        seen, longest = {"old": 0, "new": 0}, 0.0
        # Small programs of many versions: a hundred updates take a minute, and the steps are the same ones.
        base = self.maker.version(4)
        current = None
        whole = None
        for index in range(self.instants + 1):
            version = f"{base}.{index + 1}"
            offer, program = self.maker.sign(self.maker.stub(version, 1), "cut")
            self.service.stage(read(offer), read(program))
            self.service.start()
            begun = time.monotonic()
            if index == 0:
                # One that is let be says how long it takes.
                status, words = self.service.install()
                need(status == 0, f"{version}: {status} {words}")
                whole = time.monotonic() - begun
            cuts = 0
            while index > 0 and cuts < self.random.choice((1, 1, 1, 2)):
                helper = self.service.helper()
                time.sleep(self.random.uniform(0, whole * 1.1))
                self.service.power_cut(helper)
                cuts += 1
                runs = self.service.version_that_runs()
                need(runs in (current, version), f"after a cut {runs} would run, not {current} or {version}")
                seen["new" if runs == version else "old"] += 1
                self.service.start()
            begun = time.monotonic()
            words = self.settle()
            longest = max(longest, time.monotonic() - begun)
            state = self.service.status()
            need(state["runs"] == version and state["last"] == {"outcome": "installed", "version": version},
                 f"{version} was interrupted {cuts} times; in the end {state}: {words}")
            current = version
            self.service.power_cut()
        names = os.listdir(os.path.join(self.service.store, "versions"))
        need(len(names) == 2, f"these were left: {names}")
        return (f"{sum(seen.values())} cuts at random instants of {whole:.2f} s: the old version would have run after "
                f"{seen['old']}, the new one after {seen['new']}; in the end always the new one")

    def wait_until_back(self, mark):
        wait_for(lambda: any(topic == "vebridge/bridge/state" and payload == "online"
                             for topic, payload in self.broker.heard[mark:]), 60, "the service is back")

    def fetch_interrupted(self):
        """The daemon is killed while it fetches and lays ready."""
        number = 5
        offer, program = self.maker.sign(self.maker.real(number), "fetch")
        self.service.start()
        shutil.rmtree(self.service.store)
        os.makedirs(self.service.store)
        self.service.power_cut()
        mark = len(self.broker.heard)
        self.service.start()
        # What the broker kept of the one before says that there are two chargers, too.
        self.wait_until_back(mark)
        wait_for(lambda: self.chargers() == 2, 60, "two chargers answer")
        begun = time.monotonic()
        answer = self.broker.ask(self.url(offer))
        need(answer["status"] == "ok", f"at first: {answer}")
        duration = time.monotonic() - begun
        shutil.rmtree(os.path.join(self.service.state, "updates", "staged"))
        staged = 0
        for _ in range(12):
            ended = self.service.ended
            subprocess.run(["mosquitto_pub", "-p", str(self.broker.port), "-t", "vebridge/bridge/request/update", "-m",
                            self.url(offer)], check=True)
            time.sleep(self.random.uniform(0, duration * 1.2))
            self.service.main.send_signal(signal.SIGKILL)
            wait_for(lambda: self.service.ended > ended, 20, "the service ends")
            if self.service.is_pending:
                # What lies ready is whole.
                staged += 1
                place = os.path.join(self.service.state, "updates", "staged")
                need(read(os.path.join(place, "vebridge")) == read(program), "half a program lies ready")
                shutil.rmtree(place)
            self.wait_until_back(len(self.broker.heard))
        answer = self.broker.ask(self.url(offer))
        need(answer["status"] == "ok", f"afterwards: {answer}")
        status, words = self.service.install()
        need(status == 0, f"{status} {words}")
        return f"killed 12 times while fetching ({staged} times it lay ready, whole); then {words}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--instants", type=int, default=100)
    parser.add_argument("--quick", action="store_true", help="a few of each, to see whether it works")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Whoever started this may keep signals from it; its services get them all.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    folder = tempfile.mkdtemp(prefix="vebridge-updates-")
    proof = None
    try:
        proof = Proof(arguments, folder)
        names = ["good", "damaged", "old", "never_well", "interrupted"]
        for name in names if arguments.quick else names + ["fetch_interrupted"]:
            begun = time.monotonic()
            text = getattr(proof, name)()
            print(f"proven  {name.replace('_', ' '):<18} {time.monotonic() - begun:6.1f} s  {text}", flush=True)
        return 0
    except Failure as failure:
        print(f"FAILED  {failure}\nthe service said last:\n" + read(os.path.join(folder, "log")).decode()[-2000:])
        return 1
    finally:
        if proof:
            proof.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
