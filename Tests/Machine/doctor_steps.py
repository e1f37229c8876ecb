"""The doctor on a machine: healthy, and with every fault that it is to find.

Each fault is made on the real system. The doctor has to name it and nothing else; what it says would mend it is then
done as it stands there, and it has to be content.
"""
import json
import re

from report import SOON, need, restoring

TROUBLE = ("warning", "fault")
# For what is set up otherwise: the configuration of the service, changed, in a file of its own.
SETTINGS = "/run/doctor.toml"
# Takes back what a step has done that did not come to its end.
RESTORE = """
rm -f /etc/udev/rules.d/99-slow.rules /var/cache/apt/archives/old_1_all.deb
udevadm control --reload
hwclock --hctosys
systemctl stop gps-reader tls-broker brltty
systemctl reset-failed
ip link set can0 down; ip link set can0 type can bitrate 250000 restart-ms 100; ip link set can0 up
for port in /dev/vebridge/*; do chgrp dialout $port; chmod 660 $port; done
systemctl start mosquitto
systemctl restart vebridge
"""


class DoctorSteps:
    def __init__(self, machine):
        self.machine = machine
        self.guest = machine.guest

    def steps(self):
        steps = [
            ("doctor: well", self.healthy),
            ("doctor: rights", self.permission),
            ("doctor: held", self.held),
            ("doctor: brltty", self.braille),
            ("doctor: latency", self.latency),
            ("doctor: broker", self.broker),
            ("doctor: CA", self.authority),
            ("doctor: CAN down", self.bus_down),
            ("doctor: bit rate", self.bit_rate),
            ("doctor: clock", self.clock),
            ("doctor: disk full", self.disk),
        ]
        return [(name, restoring(self.guest, proof, RESTORE)) for name, proof in steps]

    # What it says

    def ask(self, words="", user=None):
        """The exit status, and every finding."""
        command = f"vebridge doctor --json {words}"
        if user:
            self.guest.run(f"id {user} >/dev/null 2>&1 || useradd --create-home {user}")
            command = f"runuser -u {user} -- {command}"
        # What it complains of comes on standard error; the findings are the last thing.
        status, text = self.guest.run(f"{command} 2>/run/doctor-errors", SOON, check=False)
        try:
            return status, json.loads(text)
        except ValueError:
            errors = self.guest.run("cat /run/doctor-errors", check=False)[1]
            need(False, f"'{command}' ended with {status} and is no JSON: {text[-500:]}{errors[-500:]}")

    def troubles(self, findings):
        """What is to be mended, but for the bus where the steps that give it its interface were left out."""
        troubles = [finding for finding in findings if finding["verdict"] in TROUBLE]
        if any(finding["check"] == "can" for finding in troubles):
            status, _ = self.guest.run("grep -q '^can = .\"can0\"]' /etc/vebridge/vebridge.toml && "
                                       "test -e /etc/systemd/network/80-can0.network", check=False)
            if status != 0:
                return [finding for finding in troubles if finding["check"] != "can"]
        return troubles

    def well(self, words="", user=None):
        status, findings = self.ask(words, user)
        troubles = self.troubles(findings)
        need(not troubles, f"nothing is wrong, and it says (status {status}) {troubles}")
        need(status == (1 if any(finding["verdict"] in TROUBLE for finding in findings) else 0), f"exit status {status}")
        return findings

    def finds(self, check, found, words="", user=None, beside=()):
        """The one trouble that there is, by its check and its words; its mending command."""
        status, findings = self.ask(words, user)
        troubles = self.troubles(findings)
        wanted = [finding for finding in troubles if finding["check"] == check]
        others = [finding for finding in troubles if finding["check"] not in (check, *beside)]
        need(wanted, f"it does not find '{check}', but {troubles}")
        need(all(re.search(found, finding["found"]) for finding in wanted), f"not the words '{found}': {wanted}")
        need(not others, f"beside '{check}' it finds what is not there: {others}")
        need(status == 1, f"its exit status is {status}")
        need(wanted[0].get("remedy"), f"no command that mends it: {wanted[0]}")
        return wanted

    def mend(self, finding, user="root"):
        """Does what it says, as a person at a terminal would."""
        self.guest.run(f"export USER={user}; sudo() {{ \"$@\"; }}\n{finding['remedy']}", SOON)
        return finding["remedy"].split("   #")[0]

    def settings(self, change):
        self.guest.run(f"sed '{change}' /etc/vebridge/vebridge.toml >{SETTINGS}")
        return f"--config {SETTINGS}"

    # The proofs

    def healthy(self):
        findings = self.well()
        looked = {finding["check"] for finding in findings}
        for check in ("configuration", "service", "running", "permission", "held", "latency", "neighbours", "can", "clock",
                      "state", "disk", "broker"):
            need(check in looked, f"it does not look at '{check}': {sorted(looked)}")
        # Somebody without rights is told no fault either: it is the service that opens the ports.
        self.well(user="sailor")
        text = self.guest.run("vebridge doctor", SOON)
        need("no problems found" in text, text)
        return f"{len(findings)} findings and no problem, as root and as an ordinary user; exit status 0", {}

    def permission(self):
        """A user who is in no group, and a port that belongs to root alone."""
        words = "--no-ask --ports '/dev/vebridge/*' --broker mqtt://localhost"
        found = self.finds("permission", "this user may not open it", words, user="sailor")
        need(len(found) == 4, f"four ports, and {found}")
        command = self.mend(found[0], user="sailor")
        self.well(words, user="sailor")
        device = self.guest.run("readlink -f /dev/vebridge/VE7C0001").strip()
        self.guest.run(f"chown root:root {device} && chmod 600 {device}")
        found = self.finds("permission", "the service, which is in group dialout, cannot open it")
        need(len(found) == 1 and device in found[0]["looked_at"], f"not that port: {found}")
        second = self.mend(found[0])
        self.well()
        return f"a user without rights: '{command}'; a port of root's: '{second}'", {}

    def held(self):
        """Another program has the port, one that systemd would start again."""
        self.guest.run("systemctl stop vebridge", SOON)
        port = "/dev/vebridge/VE7C0001"
        self.guest.run(f"systemd-run --quiet --collect --unit=gps-reader sh -c 'exec 3<>{port} && exec sleep 100000'; "
                       f"d=$(readlink -f {port}); "
                       "timeout 60 sh -c \"until ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q $d; do sleep 0.05; done\"",
                       SOON)
        self.guest.run("systemctl start vebridge", SOON)
        found = self.finds("held", r"held by sleep \(\d+\)")
        need(len(found) == 1 and "VE7C0001" in found[0]["looked_at"], f"not that port: {found}")
        mark = self.machine.ear.mark()
        command = self.mend(found[0])
        self.well()
        self.machine.wait_value(self.machine.chargers["C"], mark)
        return f"a reader of a GPS: '{command}', and the charger is read", {}

    def braille(self):
        """Debian's brltty, as its package starts it."""
        # It says that it is ready once it has a display, which is never.
        self.guest.run("systemctl --no-block start brltty; "
                       "timeout 60 sh -c 'until pgrep -x brltty >/dev/null; do sleep 0.05; done'", SOON)
        found = self.finds("brltty", "brltty")
        command = self.mend(found[0])
        state = self.machine.show("LoadState", "ActiveState", unit="brltty")
        need(state["ActiveState"] in ("inactive", "failed"), f"brltty still runs: {state}")
        self.guest.run("systemctl reset-failed brltty 2>/dev/null || true")
        self.well()
        return f"Debian's own: '{command}'", {}

    def latency(self):
        """A rule of somebody's that sets the chip back; the daemon, which knows better, does not run."""
        rule = "/etc/udev/rules.d/99-slow.rules"
        self.guest.run(f"echo 'SUBSYSTEM==\"usb-serial\", ATTR{{latency_timer}}=\"16\"' >{rule}; udevadm control --reload; "
                       "systemctl stop vebridge", SOON)
        cable = self.machine.cables["C"]
        cable.order("pull")
        self.machine.wait_link("VE7C0001", there=False)
        self.machine.plug_cable("C")
        self.machine.wait_link("VE7C0001")
        # Looking mends nothing: it is there when one looks again.
        self.ask()
        found = self.finds("latency", "16 ms", beside=("service",))
        need(len(found) == 1 and "VE7C0001" in found[0]["looked_at"], f"not that port: {found}")
        command = self.mend(found[0])
        self.finds("service", "does not run now")
        self.guest.run(f"rm {rule}; udevadm control --reload; systemctl start vebridge", SOON)
        self.well()
        return f"16 ms: '{command}'; beside it, that the service does not run", {}

    def broker(self):
        self.guest.run("systemctl stop mosquitto", SOON)
        found = self.finds("broker", "refused")
        command = self.mend(found[0])
        need(self.machine.ear.wait_for_broker(True, SOON), "the subscriber has no broker again")
        self.well()
        return f"no broker: '{command}'", {}

    def authority(self):
        """A broker with a certificate, and the wrong authority, a text file, and no file to know it by."""
        self.guest.run("mkdir -p /run/tls && tar -C /run/tls -xf /run/packages/tls.tar && chmod 644 /run/tls/* && "
                       "printf 'listener 8883\\nallow_anonymous true\\ncertfile /run/tls/broker.pem\\n"
                       "keyfile /run/tls/broker.key\\n' >/run/tls.conf && systemd-run --quiet --collect --unit=tls-broker "
                       "mosquitto -c /run/tls.conf && timeout 60 sh -c "
                       "'until ss -ltn | grep -q :8883; do sleep 0.05; done'", SOON)

        def settings(file):
            return self.settings("s#^url = .*#url = \"mqtts://localhost:8883\"\\n[broker.tls]\\n"
                                 f"ca_file = \"{file}\"#")

        found = self.finds("tls", "unknown authority|signature", settings("/run/tls/other.pem"))
        command = found[0]["remedy"]
        need(f"sudoedit {SETTINGS}" in command and "ca_file" in command, f"that does not mend it: {command}")
        self.finds("tls", "garbage|PEM|certificate|authorit", settings("/run/tls/garbage.pem"))
        self.finds("tls", "does not exist", settings("/run/tls/none.pem"))
        self.well(settings("/run/tls/boat.pem"))
        self.guest.run("systemctl stop tls-broker", SOON)
        return f"'{command}'; no certificate in the file, and no file; the right one is well", {}

    def bus_down(self):
        self.guest.run("ip link set can0 down")
        found = self.finds("can", "the interface is down")
        command = self.mend(found[0])
        self.well()
        return f"'{command}'", {}

    def bit_rate(self):
        self.guest.run("ip link set can0 down && ip link set can0 type can bitrate 125000 && ip link set can0 up")
        found = self.finds("can", "the bit rate is 125000")
        command = self.mend(found[0])
        self.well()
        return f"125 kbit/s: '{command}'", {}

    def clock(self):
        """Years behind, and some hours ahead of the hardware's."""
        self.guest.run("date -s '2020-05-01 12:00'")
        found = self.finds("clock", "the year 2020")
        command = self.mend(found[0])
        self.well()
        self.guest.run("date -s \"$(date -d '3 hours' '+%Y-%m-%d %H:%M:%S')\"")
        self.mend(self.finds("clock", "ahead of the hardware clock")[0])
        self.guest.run("date -s \"$(date -d '-1 hours' '+%Y-%m-%d %H:%M:%S')\"")
        self.mend(self.finds("clock", "it is behind")[0])
        self.well()
        return f"2020, three hours ahead, one hour behind: '{command}'", {}

    def disk(self):
        """Old packages fill the file system with the history on it; the daemon goes on."""
        process = self.machine.process()
        self.guest.run("mkdir -p /var/cache/apt/archives; free=$(stat -f -c '%a*%S' / | sed 's/^/echo $((/; s/$/))/' | sh); "
                       "fallocate -l $((free - 1000000)) /var/cache/apt/archives/old_1_all.deb", SOON)
        found = self.finds("disk", "the disk is full")
        mark = self.machine.ear.mark()
        for charger in self.machine.chargers.values():
            self.machine.wait_value(charger, mark)
        command = self.mend(found[0])
        self.well()
        need(self.machine.process() == process, "vebridge was restarted")
        return f"'{command}'; meanwhile all chargers were read and published", {}
