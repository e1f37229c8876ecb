"""The service between its file, signals, secrets and the machine's own restart."""
import time

from ear import Ear
from guest import free_port
from report import SOON, need, restoring

FILE = "/etc/vebridge/vebridge.toml"
PASSWORD = "/etc/vebridge/password"
# Takes back what a step has done that did not come to its end.
RESTORE = f"""
if [ -e /run/right.toml ]; then cp /run/right.toml {FILE}; fi
rm -rf /etc/systemd/system/vebridge.service.d /etc/vebridge/password
systemctl stop second-broker secret-broker
systemctl daemon-reload
systemctl restart vebridge
"""


class ServiceSteps:
    def __init__(self, machine):
        self.machine = machine
        self.guest, self.ear = machine.guest, machine.ear

    def settings(self):
        """What is read again, and what is kept secret."""
        return [("reload", restoring(self.guest, self.reload, RESTORE)),
                ("secret", restoring(self.guest, self.secret, RESTORE))]

    def endings(self):
        return [("kill", self.kill), ("reboot", self.reboot)]

    def log_place(self):
        """A place in the journal: what comes after it is new."""
        return self.guest.run("journalctl -u vebridge -n 0 --show-cursor --no-pager | sed -n 's/^-- cursor: //p'").strip()

    def wait_log(self, place, words, patience=SOON):
        # What a message is about, such as a reason, is in fields of its own.
        status, text = self.guest.run(
            f"until journalctl -u vebridge --after-cursor='{place}' -o verbose --no-pager | grep -m 1 '{words}'; "
            "do sleep 0.2; done", patience, check=False)
        need(status == 0, f"the log does not say '{words}' within {patience} s:\n" + self.guest.run(
            f"journalctl -u vebridge --after-cursor='{place}' -o cat --no-pager | tail -n 15", check=False)[1])
        return text.strip().partition("=")[2]

    def all_values(self, mark, ear=None):
        begun = time.monotonic()
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark, ear=ear)
        return round(time.monotonic() - begun, 1)

    def reload(self):
        """Valid, not valid, and another broker; all in the same process."""
        process = self.machine.process()
        # The interface of the recording is gone: without it nothing is left to complain of.
        place, mark = self.log_place(), self.ear.mark()
        self.guest.run(f"sed -i 's/^can = .*/can = [\"can0\"]/' {FILE} && systemctl reload vebridge", SOON)
        self.wait_log(place, "reading everything again")
        said = self.wait_log(place, "CHANGED=")
        need(said == "can", f"it does not say what has changed: {said}")
        mark = self.ear.mark()
        taken = self.all_values(mark)

        place = self.log_place()
        self.guest.run(f"cp {FILE} /run/right.toml && printf '[broker.tls]\\nca_fiel = \"x\"\\n' >>{FILE}")
        line = self.guest.run(f"wc -l <{FILE}").strip()
        mark = self.ear.mark()
        self.guest.run("systemctl reload vebridge", SOON)
        said = self.wait_log(place, "not taken")
        need(f"vebridge.toml:{line}" in said and "ca_fiel" in said, f"it does not name file and line {line}: {said}")
        self.wait_log(place, "stays in force")
        self.all_values(mark)
        self.guest.run(f"cp /run/right.toml {FILE}")
        need(not self.ear.since(mark, lambda message: message.topic == "vebridge/bridge/state"),
             "a configuration that is not valid ended the bridge for a moment")

        # Another broker, on another port.
        self.guest.run("printf 'listener 1884\\nallow_anonymous true\\n' >/run/second.conf; "
                       "systemd-run --quiet --collect --unit=second-broker mosquitto -c /run/second.conf", SOON)
        second = self.listen(1884)
        try:
            need(second.wait_for_broker(True, SOON), "the second broker does not run")
            mark = self.ear.mark()
            self.guest.run(f"sed -i 's#^url = .*#url = \"mqtt://localhost:1884\"#' {FILE} && systemctl reload vebridge",
                           SOON)
            self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "offline", mark)
            moved = self.all_values(0, second)
            mark = self.ear.mark()
            self.guest.run(f"cp /run/right.toml {FILE} && systemctl reload vebridge", SOON)
            self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark)
            self.all_values(mark)
        finally:
            second.close()
            self.guest.run("systemctl stop second-broker || true")
        need(self.machine.process() == process, "vebridge was restarted")
        return (f"valid: in force, values of all after {taken} s; not valid: '{said.split(': ', 1)[-1]}', nothing changed; "
                f"another broker: values of all there after {moved} s; the same process",
                {"taken": taken, "moved": moved})

    def listen(self, port):
        """A subscriber to another broker in the machine."""
        outside = free_port()
        self.guest.monitor.run("human-monitor-command",
                               command_line=f"hostfwd_add net tcp:127.0.0.1:{outside}-10.0.2.15:{port}")
        return Ear(outside)

    def secret(self):
        """A broker with a password: the documented file, one that the service cannot read, and a wrong password."""
        self.guest.run("printf 'boat:sunshine\\n' >/run/users && mosquitto_passwd -U /run/users && "
                       "chown mosquitto /run/users && "
                       "printf 'listener 1885\\npassword_file /run/users\\n' >/run/secret.conf; "
                       "systemd-run --quiet --collect --unit=secret-broker mosquitto -c /run/secret.conf; "
                       f"cp {FILE} /run/right.toml; "
                       # The packaged file names it in a comment.
                       f"grep -q '^#password_file = \"{PASSWORD}\"' {FILE}; "
                       "sed -i 's#^url = .*#url = \"mqtt://localhost:1885\"#; s/^#username/username/; s/^username.*/"
                       f"username = \"boat\"/; s|^#\\(password_file = \"{PASSWORD}\"\\)|\\1|' {FILE}", SOON)
        # As the documents have it.
        self.guest.run(f"install -m 640 -g vebridge /dev/null {PASSWORD} && echo sunshine >{PASSWORD}")
        owner = self.guest.run(f"stat -c '%U:%G %a' {PASSWORD}").strip()
        need(owner == "root:vebridge 640", f"the recipe makes {owner}")
        place = self.log_place()
        self.guest.run("systemctl restart vebridge", SOON)
        self.wait_log(place, "=broker connected")
        owner = self.guest.run("stat -c %U /proc/$(systemctl show -p MainPID --value vebridge)").strip()
        need(owner == "vebridge", f"the service runs as {owner}")
        doctor = self.machine.doctor
        doctor.well()
        doctor.well(user="sailor")
        # Root's alone: the service ends with the command that fixes it, and the doctor has the same one.
        place = self.log_place()
        self.guest.run(f"chown root:root {PASSWORD} && chmod 600 {PASSWORD}; systemctl restart vebridge || true", SOON)
        self.wait_log(place, f"sudo chgrp vebridge {PASSWORD} && sudo chmod 640 {PASSWORD}")
        found = doctor.finds("secrets", "the service cannot read it", beside=("service",))
        closed = doctor.mend(found[0])
        place = self.log_place()
        self.guest.run("systemctl restart vebridge", SOON)
        self.wait_log(place, "=broker connected")
        doctor.well()
        # Wrong from now on; said once, and found by the doctor.
        place = self.log_place()
        self.guest.run(f"echo rain >{PASSWORD} && systemctl restart vebridge", SOON)
        said = self.wait_log(place, "password")
        found = doctor.finds("credentials", "")
        need("mosquitto_passwd" in found[0]["remedy"], found[0])
        mark = self.ear.mark()
        self.guest.run(f"cp /run/right.toml {FILE}; rm {PASSWORD}; systemctl restart vebridge; "
                       "systemctl stop secret-broker", SOON)
        self.all_values(mark)
        return f"a password in the documented file; one for root alone: '{closed}'; a wrong one: '{said}'", {}

    def kill(self):
        """Killed without a word: systemd starts it again, the broker tells that it is gone."""
        process, mark = self.machine.process(), self.ear.mark()
        begun = time.monotonic()
        self.guest.run(f"kill -9 {process}")
        self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "offline", mark)
        mark = self.ear.mark()
        self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark)
        self.all_values(mark)
        took = round(time.monotonic() - begun, 1)
        need(self.machine.process() not in (process, "0"), "it is still the process that was killed")
        return f"kill -9: 'offline' by the broker, all values of a new process after {took} s", {"back": took}

    def reboot(self):
        """The whole machine, with every cable in it."""
        before = self.machine.history()
        mark, begun = self.ear.mark(), time.monotonic()
        self.guest.reboot()
        need(self.ear.wait_for_broker(True, SOON), "the subscriber has no broker again")
        took = round(time.monotonic() - begun, 1)
        self.machine.wait_payload("vebridge/bridge/state", lambda payload: payload == "online", mark, 120)
        mark = self.ear.mark()
        self.all_values(mark)
        values = round(time.monotonic() - begun, 1)
        state = self.guest.run("systemctl is-system-running --wait || true", 600).strip()
        need(state == "running", f"systemd says '{state}': "
             + self.guest.run("systemctl --failed --no-legend --plain").strip())
        self.machine.unpack()
        kept = self.machine.keeps(before)
        # As it came up: the interface of the bus by its file, the cables by their rules.
        self.machine.doctor.well()
        return (f"up again after {took} s, values of all after {values} s, {kept} lines of history kept, nothing for the "
                "doctor to fix", {"up": took, "values": values})
