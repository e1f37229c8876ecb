"""The virtual machine: boots it, plugs cables in and out, runs scripts in it, reaches its broker.

Always by emulation (TCG): it is the same everywhere, and a host that is a guest itself often has a /dev/kvm that hangs.
"""
import base64
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time


class GuestError(Exception):
    """The machine did not do what it was asked in the time that it had."""


class Monitor:
    """QEMU's own control (QMP): commands are answered in order, events come whenever they like."""

    def __init__(self, path, alive):
        self.socket = connect(path, alive, 30)
        self.replies = queue.Queue()
        self.events = []
        self.changed = threading.Condition()
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        threading.Thread(target=self._listen, daemon=True).start()
        self.run("qmp_capabilities")

    def _listen(self):
        try:
            for line in self.lines:
                message = json.loads(line)
                if "event" in message:
                    with self.changed:
                        self.events.append(message)
                        self.changed.notify_all()
                elif "return" in message or "error" in message:
                    self.replies.put(message)
        except (OSError, ValueError):
            pass

    def run(self, command, **arguments):
        words = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.socket.sendall(json.dumps({"execute": command, "arguments": words}).encode() + b"\n")
        try:
            reply = self.replies.get(timeout=30)
        except queue.Empty:
            raise GuestError(f"QEMU did not answer '{command}'") from None
        if "error" in reply:
            raise GuestError(f"QEMU: {command} {words}: {reply['error']['desc']}")
        return reply["return"]

    def forget(self, event):
        with self.changed:
            self.events = [known for known in self.events if known["event"] != event]

    def wait(self, event, patience, device=None):
        def which():
            for known in self.events:
                if known["event"] == event and (device is None or known["data"].get("device") == device):
                    return known
            return None

        with self.changed:
            if not self.changed.wait_for(which, patience):
                raise GuestError(f"QEMU did not report {event} {device or ''} within {patience} s")
            found = which()
            self.events.remove(found)
            return found


def connect(path, alive, patience):
    """A connection to a socket of QEMU, which makes it a moment after it starts."""
    deadline = time.monotonic() + patience
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError as error:
            connection.close()
            if not alive():
                raise GuestError("QEMU ended; its last words are above") from None
            if time.monotonic() > deadline:
                raise GuestError(f"{path}: {error}") from None
            # The socket of another process tells nobody when it appears.
            time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Guest:
    """One machine from power on to power off. `cables` are the names of USB sockets' byte streams."""

    def __init__(self, image, disk, sockets, verbose=False, memory=1024):
        self.folder = tempfile.mkdtemp(prefix="vebridge-machine-")
        self.started = time.monotonic()
        self.broker_port = free_port()
        self.console = []
        self.verbose = verbose
        self.agent = None
        path = self.path
        words = [
            "qemu-system-x86_64", "-machine", "q35,usb=off", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2",
            "-m", str(memory), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
            # Sleep is off by default on this board.
            "-global", "ICH9-LPC.disable_s3=0",
            # The packed kernel, though unpacking takes seconds: started from the unpacked one, sleep ends in a reset.
            "-kernel", os.path.join(image, "vmlinuz"), "-initrd", os.path.join(image, "initrd.cpio"),
            "-append", "console=ttyS0 quiet loglevel=4 panic=-1 tsc=reliable mitigations=off net.ifnames=0 "
            "random.trust_cpu=on systemd.show_status=no systemd.unit=multi-user.target root=/dev/vda rw",
            # What is written is thrown away: every run begins with the same machine.
            "-drive", f"file={os.path.join(image, 'root.ext4')},format=raw,if=virtio,snapshot=on",
            "-drive", f"file={disk},format=raw,if=virtio,readonly=on",
            "-qmp", f"unix:{path('monitor')},server=on,wait=off",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=agent,path={path('agent')},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=test", "-device", "virtio-rng-pci",
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.broker_port}-10.0.2.15:1883",
            "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "qemu-xhci,id=usb,p2=15,p3=1",
            # Two CAN controllers on one bus.
            "-object", "can-bus,id=bus", "-device", "kvaser_pci,canbus=bus", "-device", "kvaser_pci,canbus=bus",
        ]
        for name in sockets:
            words += ["-chardev", f"socket,id={name},path={path(name)},server=on,wait=off"]
        environment = dict(os.environ, TMPDIR=self.folder)
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=environment)
        threading.Thread(target=self._read_console, daemon=True).start()
        try:
            self.monitor = Monitor(path("monitor"), self.alive)
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    def alive(self):
        return self.process.poll() is None

    def passed(self):
        return time.monotonic() - self.started

    def _read_console(self):
        for line in self.process.stdout:
            text = line.decode(errors="replace").rstrip()
            self.console.append((self.passed(), text))
            del self.console[:-2000]
            if self.verbose:
                print(f"  [{self.passed():7.2f}] {text}", file=sys.stderr, flush=True)

    def wait_until_up(self, patience):
        self.agent = connect(self.path("agent"), self.alive, 30)
        self.answers = self.agent.makefile("r")
        self._wait_for_agent(patience)

    def reboot(self, patience=600):
        """The same machine from its beginning, with all that is plugged in and all that is on its disk."""
        # Whether the answer still comes is a race: nobody waits for it.
        order = base64.b64encode(b"systemctl --no-block reboot") + b"\n"
        self._begin_again(lambda: self.agent.sendall(order), patience)

    def cut_power(self, patience=600):
        """As if it had lost its power for a moment: what was not on the disk is gone, what is plugged in stays."""
        self._begin_again(lambda: self.monitor.run("system_reset"), patience)

    def _begin_again(self, how, patience):
        self.monitor.forget("RESET")
        # Otherwise the machine ends when it would begin again, as after a panic.
        self.monitor.run("set-action", reboot="reset")
        how()
        self.monitor.wait("RESET", 120)
        self._wait_for_agent(patience)
        self.monitor.run("set-action", reboot="shutdown")

    def _wait_for_agent(self, patience):
        self.agent.settimeout(patience)
        try:
            while True:
                line = self.answers.readline()
                if not line:
                    raise GuestError("the machine ended while it was booting")
                if line.strip() == "ready":
                    return
        except socket.timeout:
            raise GuestError(f"the machine did not boot within {patience} s") from None

    def run(self, script, patience=60, check=True):
        """What a script in the guest prints. It is stopped in the guest before patience is lost here."""
        bounded = f"timeout {patience} sh -eu <<'MACHINE_SCRIPT'\n{script}\nMACHINE_SCRIPT\n"
        self.agent.settimeout(patience + 60)
        try:
            self.agent.sendall(base64.b64encode(bounded.encode()) + b"\n")
            line = self.answers.readline()
        except socket.timeout:
            raise GuestError(f"no answer from the machine within {patience + 60} s:\n{script}") from None
        except OSError as error:
            raise GuestError(f"the machine ended ({error}) during:\n{script}") from None
        if not line:
            raise GuestError(f"the machine ended during:\n{script}")
        status, _, output = line.strip().partition(" ")
        text = base64.b64decode(output).decode(errors="replace")
        if not check:
            return int(status), text
        if status != "0":
            late = " (that is: it took too long)" if status == "124" else ""
            raise GuestError(f"exit status {status}{late} of\n{script}\nwhich printed\n{text}")
        return text

    def plug_serial(self, name, port, serial):
        """QEMU's own FTDI adapter (0403:6001). It is on the bus only while its byte stream is connected."""
        self.monitor.run("device_add", driver="usb-serial", id=name, chardev=name, serial=serial, port=str(port))

    def plug_redirected(self, name, port):
        """A device that is told over its byte stream (0403:6015 here)."""
        self.monitor.run("device_add", driver="usb-redir", id=name, chardev=name, port=str(port))

    def unplug(self, name):
        self.monitor.forget("DEVICE_DELETED")
        self.monitor.run("device_del", id=name)
        self.monitor.wait("DEVICE_DELETED", 60, device=name)

    def power_off(self, patience=90):
        self.agent.sendall(base64.b64encode(b"systemctl --no-block poweroff") + b"\n")
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            raise GuestError(f"the machine was not off after {patience} s") from None

    def close(self):
        """Power off at once, if it is still on."""
        if self.alive():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
