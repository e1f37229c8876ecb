"""Updates from afar on a real system: the units and their rights."""
import functools
import http.server
import json
import os
import random
import shlex
import sys
import threading
import time

from report import SOON, Failure, need

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Updates"))
from proof import Failure as MakerFailure, Maker, Quiet  # noqa: E402

FILE = "/etc/vebridge/vebridge.toml"
# This side, as QEMU's own network has it.
HOST = "10.0.2.2"
# Two minutes of probation, and what a slow machine needs around them.
PATIENCE = 240


class UpdateSteps:
    def __init__(self, machine, program, folder):
        self.machine = machine
        self.guest, self.ear = machine.guest, machine.ear
        self.maker = Maker(program, folder)
        handler = functools.partial(Quiet, directory=self.maker.www)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()

    def steps(self):
        steps = [("update", self.good), ("update damaged", self.damaged), ("update sick", self.sick),
                 ("update cut", self.cut)]
        return [(name, functools.partial(self.prove, proof)) for name, proof in steps]

    def prove(self, proof):
        try:
            return proof()
        except MakerFailure as failure:
            raise Failure(f"the update could not be made: {failure}") from failure

    # What is asked and seen

    def offer(self, path):
        """Offers an update over MQTT; gives the answer."""
        url = f"http://{HOST}:{self.server.server_port}/{os.path.relpath(path, self.maker.www)}"
        mark = self.ear.mark()
        self.guest.run("mosquitto_pub -t vebridge/bridge/request/update -m "
                       + shlex.quote(json.dumps({"url": url})), SOON)
        answer = self.machine.wait_payload("vebridge/bridge/response/update", lambda payload: True, mark)
        return json.loads(answer.payload)

    def wait_version(self, version, mark, patience=SOON):
        self.machine.wait_payload(
            "vebridge/bridge/info", lambda payload: payload and json.loads(payload)["version"] == version, mark,
            patience)

    def wait_outcome(self, version, outcome, mark, patience=PATIENCE):
        def right(payload):
            last = json.loads(payload).get("last", {}) if payload else {}
            return last.get("version") == version and last.get("outcome") == outcome
        return json.loads(
            self.machine.wait_payload("vebridge/bridge/update", right, mark, patience).payload)["last"]

    def status(self):
        return json.loads(self.guest.run("vebridge update status --json"))

    def log(self):
        return self.guest.run("journalctl -u vebridge -u vebridge-update -n 25 --no-pager -o cat", check=False)[1]

    # The proofs

    def good(self):
        """Off as it comes; with a key a new version is fetched, put in place by the helper, and runs."""
        offer, _ = self.maker.sign(self.maker.real(1))
        answer = self.offer(offer)
        need(answer["status"] == "error" and "update.key" in answer["error"], f"without a key: {answer}")
        level = self.guest.run(
            "systemd-analyze security --no-pager vebridge-update.service | tail -n 1 || true").strip()
        url = f"http://{HOST}:{self.server.server_port}/vebridge-x86_64.update"
        self.guest.run(f"printf '\\n[update]\\nkey = \"{self.maker.key}\"\\n"
                       f"url = \"{url}\"\\ninterval = 0\\n' >>{FILE}; "
                       "systemctl reload vebridge", SOON)
        mark = self.ear.mark()
        self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark)
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        mark, begun = self.ear.mark(), time.monotonic()
        answer = self.offer(offer)
        need(answer["status"] == "ok" and answer["data"]["state"] == "ready", f"{answer}\n{self.log()}")
        self.wait_version(self.maker.version(1), mark)
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        self.wait_outcome(self.maker.version(1), "installed", mark)
        took = round(time.monotonic() - begun, 1)
        program = self.guest.run(f"readlink /proc/{self.machine.process()}/exe").strip()
        need(program.startswith("/var/lib/vebridge-update/versions/"), f"{program} runs")
        return (f"without a key refused; with one {self.maker.version(1)} runs {took} s after it was offered over "
                f"MQTT (helper: {level.lstrip('→ ')})", {"installed": took})

    def damaged(self):
        """A bit of the program, a bit of the offer, another's signature, and what ran before."""
        process = self.machine.process()
        offer, program = self.maker.sign(self.maker.real(2), "damaged")
        words = []
        for path in (program, offer):
            data = bytearray(open(path, "rb").read())
            good = bytes(data)
            data[len(data) * 2 // 3] ^= 1
            open(path, "wb").write(data)
            answer = self.offer(offer)
            need(answer["status"] == "error", f"a damaged {os.path.basename(path)}: {answer}")
            words.append(answer["error"])
            open(path, "wb").write(good)
        # What lies ready is checked by the helper again.
        text = open(offer).read().splitlines(keepends=True)
        self.guest.run("cd /var/lib/private/vebridge/updates && mkdir incoming && cp /usr/bin/vebridge incoming/ && "
                       f"printf %s {shlex.quote(''.join(text[:-1]))} >incoming/manifest && "
                       f"printf %s {shlex.quote(text[-1].split(' ', 1)[1])} >incoming/signature && "
                       "mv incoming staged", SOON)
        self.guest.run("while [ -e /var/lib/private/vebridge/updates/staged ]; do sleep 0.2; done", SOON)
        outcome = self.status()["last"]
        need(outcome["outcome"] == "refused", f"{outcome}\n{self.log()}")
        offer, _ = self.maker.sign(self.maker.real(0), "old")
        answer = self.offer(offer)
        need(answer["status"] == "error" and "not newer" in answer["error"], f"an older one: {answer}")
        need(self.machine.process() == process, "the service was restarted")
        return (f"the daemon: {'; '.join(words)}. The helper: {outcome['reason']}. The first version again: not "
                "newer", {})

    def cut(self):
        """The power goes at some instant after an update was laid ready: one of both runs, and in the end the new one."""
        before, after = self.maker.version(1), self.maker.version(3)
        offer, _ = self.maker.sign(self.maker.real(3), "cut")
        offered = self.ear.mark()
        answer = self.offer(offer)
        need(answer["status"] == "ok", f"{answer}")
        delay = random.uniform(0, 6)
        # No event is waited for: the instant is to be any.
        time.sleep(delay)
        begun = time.monotonic()
        self.guest.cut_power()
        need(self.ear.wait_for_broker(True, SOON), "the subscriber has no broker again")
        mark = self.ear.mark()
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        took = round(time.monotonic() - begun, 1)
        now = self.guest.run(f"/proc/{self.machine.process()}/exe --version").strip()
        need(now in (before, after), f"version {now} runs")
        self.wait_outcome(after, "installed", offered)
        mark = self.ear.mark()
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        now = self.guest.run(f"/proc/{self.machine.process()}/exe --version").strip()
        need(now == after, f"version {now} runs")
        self.machine.unpack()
        self.machine.doctor.well()
        return (f"power cut {delay:.1f} s after {after} lay ready: all values again {took} s later, and in the end it runs",
                {"cut": round(delay, 1), "back": took})

    def sick(self):
        """One that starts and never says that it is well."""
        before, sick = self.maker.version(1), self.maker.version(2)
        offer, _ = self.maker.sign(self.maker.stub(sick, 0), "sick")
        mark, begun = self.ear.mark(), time.monotonic()
        answer = self.offer(offer)
        need(answer["status"] == "ok", f"{answer}")
        self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "offline", mark)
        mark = self.ear.mark()
        self.wait_version(before, mark, PATIENCE)
        took = round(time.monotonic() - begun, 1)
        last = self.wait_outcome(sick, "rolled-back", mark)
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        return f"{sick} started and was not well: {before} is back after {took} s ({last['reason']})", {"back": took}
