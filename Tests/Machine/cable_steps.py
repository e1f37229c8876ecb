"""What people do with cables, beyond plugging in four."""
import time

from report import SOON, need


class CableSteps:
    def __init__(self, machine):
        self.machine = machine
        self.guest, self.ear = machine.guest, machine.ear

    def steps(self):
        return [("replug", self.replug), ("other cables", self.strangers), ("ModemManager", self.modem_manager),
                ("bus away", self.bus_away)]

    def replug(self, times=12):
        """In and out, faster than anything settles; a plug that does not quite sit does the same."""
        mark = self.ear.mark()
        charger, cable = self.machine.chargers["C"], self.machine.cables["C"]
        begun = time.monotonic()
        for turn in range(times):
            cable.order("pull")
            # Sooner each time: before the link is there, before the driver is, before anything is.
            if turn % 3 == 0:
                self.machine.wait_link("VE7C0001", there=False)
            self.machine.plug_cable("C")
            if turn % 3 == 1:
                self.machine.wait_link("VE7C0001")
        took = time.monotonic() - begun
        self.machine.wait_link("VE7C0001")
        after = self.ear.mark()
        plugged = time.monotonic()
        back = self.machine.wait_value(charger, after).when - plugged
        quiet = self.machine.undisturbed("ABD", mark)
        return (f"{times} times in {took:.1f} s: a value {back:.1f} s after the last, the others never silent for "
                f"{quiet} s", {"seconds": round(took, 1), "back": round(back, 1), "others": quiet})

    def strangers(self):
        """An FT-X that is no cable of Victron's, and two of Victron's that tell no serial number."""
        def plug(name, serial, *words):
            cable = self.machine.new_cable(serial, *words)
            cable.order("plug", self.guest.path(name))
            return cable

        before = set(self.guest.run("ls /dev/vebridge").split())
        other = plug("usbE", "DK0F1ND3", "--product", "FT230X Basic UART", "--maker", "FTDI")
        link = "/dev/serial/by-id/usb-FTDI_FT230X_Basic_UART_DK0F1ND3-if00-port0"
        self.guest.run(f"udevadm wait --timeout={SOON} {link} && udevadm settle", SOON)
        properties = self.guest.run(f"udevadm info -q property {link}; d=$(readlink -f {link}); "
                                    "echo LATENCY=$(cat /sys/bus/usb-serial/devices/${d#/dev/}/latency_timer)")
        need(set(self.guest.run("ls /dev/vebridge").split()) == before, "a stranger has a link in /dev/vebridge")
        # ID_MM_CANDIDATE is ModemManager's own, on every tty.
        need("_IGNORE" not in properties and "VEBRIDGE" not in properties, f"a stranger is touched: {properties}")
        need("LATENCY=16" in properties, f"a stranger's latency timer is changed: {properties}")
        held = self.guest.run(f"d=$(readlink -f {link}); ls -l /proc/{self.machine.process()}/fd | grep -c $d || true")
        need(held.strip() == "0", "the service has opened a stranger")
        other.order("pull")
        self.guest.run(f"udevadm wait --timeout={SOON} --removed {link}", SOON)

        twins = [plug(name, "") for name in ("usbE", "usbF")]
        added = set()
        begun = time.monotonic()
        self.guest.run("timeout 60 sh -c 'until test $(ls -d /dev/vebridge/port-pci* | wc -l) -ge 2; do sleep 0.05; "
                       "done'", SOON)
        took = time.monotonic() - begun
        added = set(self.guest.run("ls /dev/vebridge").split()) - before
        need(len(added) == 2, f"two cables without a serial number, and these links: {sorted(added)}")
        devices = {self.guest.run(f"readlink -f /dev/vebridge/{name}").strip() for name in added}
        need(len(devices) == 2, f"two links and one device: {added} {devices}")
        for twin in twins:
            twin.order("pull")
        for name in added:
            self.machine.wait_link(name, there=False)
        self.machine.undisturbed("ABCD", self.ear.mark())
        return (f"0403:6015 by another maker: no link, not opened, latency timer 16 ms as it was; two of Victron's "
                f"without a serial number: {', '.join(sorted(added))} after {took:.1f} s", {})

    def modem_manager(self):
        """Debian's ModemManager runs while a cable is plugged in, as on every desktop."""
        self.guest.run("systemctl start ModemManager", SOON)
        cable, charger = self.machine.cables["C"], self.machine.chargers["C"]
        cable.order("pull")
        self.machine.wait_link("VE7C0001", there=False)
        mark = self.ear.mark()
        self.machine.plug_cable("C")
        self.machine.wait_link("VE7C0001")
        self.machine.wait_value(charger, mark)
        device = self.guest.run("readlink -f /dev/vebridge/VE7C0001").strip()
        text = self.guest.run(f"journalctl -u ModemManager --no-pager -o cat | grep {device.split('/')[-1]} || true")
        self.machine.doctor.well()
        self.guest.run("systemctl stop ModemManager", SOON)
        need("probe" not in text and "grabb" not in text, f"ModemManager reaches for the cable: {text}")
        return "runs, leaves the cable alone, and the doctor is content with it", {}

    def bus_away(self):
        """The interface of the bus goes down and up."""
        process = self.machine.process()
        topics = set(self.machine.bus_values)

        def heard(mark):
            return self.ear.wait(lambda message: message.topic in topics and not message.retained, SOON, mark)

        self.guest.run("systemd-run --quiet --collect --unit=play-can1 canplayer -l i -I /run/packages/bus.log can1=can0")
        try:
            need(heard(self.ear.mark()), "nothing of the bus before")
            self.guest.run("ip link set can0 down")
            self.guest.run("ip link set can0 up")
            begun, mark = time.monotonic(), self.ear.mark()
            need(heard(mark), f"nothing of the bus within {SOON} s of the interface being up again")
            back = round(time.monotonic() - begun, 1)
        finally:
            self.guest.run("systemctl stop play-can1 || true")
        need(self.machine.process() == process, "vebridge was restarted")
        return f"down and up: values are back after {back} s, the same process", {"back": back}
