#!/usr/bin/env python3
"""Whom vebridge trusts, shown on brokers that are set up by openssl and mosquitto alone.

    Tests/Brokers/trust.py --program .build/debug/vebridge

Every case is a broker, a configuration, and what the log has to say: that it is connected, or in one line why not, what
was presented and what would be accepted. Exit 77: openssl or mosquitto is not installed.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Workshop:
    """Certificates, as docs/mqtt.md makes them."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def authority(self, name):
        self.openssl("req", "-x509", *KEY, "-days", "30", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out",
                     f"{name}.pem")

    def certificate(self, name, authority, names, dates=None):
        """Signed by an authority; `dates` is (from, until) as openssl ca wants them."""
        self.openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(self.path(f"{name}.ext"), "w") as file:
            file.write(f"subjectAltName={names}\n")
        if dates is None:
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
                         f"{authority}.key", "-CAcreateserial", "-days", "20", "-extfile", f"{name}.ext", "-out",
                         f"{name}.pem")
            return
        for file in ("index", "index.attr"):
            open(self.path(file), "w").close()
        with open(self.path("serial"), "w") as file:
            file.write("77\n")
        with open(self.path("ca.conf"), "w") as file:
            file.write("[ca]\ndefault_ca=this\n[this]\ndatabase=index\nserial=serial\nnew_certs_dir=.\n"
                       "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n")
        self.openssl("ca", "-batch", "-config", "ca.conf", "-in", f"{name}.csr", "-cert", f"{authority}.pem",
                     "-keyfile", f"{authority}.key", "-startdate", dates[0], "-enddate", dates[1], "-extfile",
                     f"{name}.ext", "-out", f"{name}.pem", "-notext")

    def self_signed(self, name, names):
        self.openssl("req", "-x509", *KEY, "-days", "30", "-subj", f"/CN={name}", "-addext",
                     f"subjectAltName={names}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    def fingerprint(self, name):
        """As openssl prints it: upper case, with colons."""
        text = subprocess.run(["openssl", "x509", "-in", f"{name}.pem", "-noout", "-fingerprint", "-sha256"],
                              cwd=self.folder, check=True, capture_output=True, text=True).stdout
        return "sha256:" + text.strip().split("=", 1)[1]


class Broker:
    def __init__(self, folder, lines):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        path = os.path.join(folder, f"broker-{self.port}.conf")
        with open(path, "w") as file:
            file.write("\n".join([f"listener {self.port} 127.0.0.1", "user root", *lines]) + "\n")
        self.process = subprocess.Popen([shutil.which("mosquitto", path=PATH), "-c", path],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"mosquitto ended: {path}")
                time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Suite:
    def __init__(self, program, folder):
        self.program, self.folder, self.failures, self.count = program, folder, [], 0

    def run(self, name, broker, options, expected, host="localhost", unexpected=(), extra=""):
        """Runs the program until one of its lines decides, and holds that line against all of `expected`."""
        self.count += 1
        config = os.path.join(self.folder, f"case-{self.count}.toml")
        with open(config, "w") as file:
            file.write('ports = ["/dev/no-such-port-*"]\n[broker]\n'
                       f'url = "mqtts://{host}:{broker.port}"\n{extra}[broker.tls]\n{options}\n'
                       f'[bridge]\nstate_directory = "{self.folder}/state"\n')
        process = subprocess.Popen([self.program, "--config", config], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        timer = subprocess.Popen(["sh", "-c", f"sleep 15; kill -TERM {process.pid}"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        said = []
        for line in process.stderr:
            said.append(line.rstrip())
            if "broker connected" in line or "broker not connected" in line or "error" in line.split(" ")[1:2]:
                break
        process.send_signal(signal.SIGTERM)
        said += [line.rstrip() for line in process.stderr]
        process.wait()
        try:
            os.killpg(timer.pid, signal.SIGKILL)
        except OSError:
            pass
        timer.wait()
        text = "\n".join(said)
        missing = [part for part in expected if not re.search(part, text)]
        present = [part for part in unexpected if re.search(part, text)]
        print(("ok      " if not missing and not present else "FAILED  ") + name, flush=True)
        if missing or present:
            self.failures.append(name)
            print(f"    missing {missing}, not wanted {present}, said:\n    " + "\n    ".join(said), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=".build/debug/vebridge")
    program = os.path.abspath(parser.parse_args().program)
    if not shutil.which("openssl") or not shutil.which("mosquitto", path=PATH):
        print("skipped: needs openssl and mosquitto")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="vebridge-trust-") as folder:
        os.mkdir(os.path.join(folder, "state"))
        shop, suite = Workshop(folder), Suite(program, folder)
        cases(shop, suite)
    print(f"{suite.count - len(suite.failures)} of {suite.count} as they should be")
    sys.exit(1 if suite.failures else 0)


CONNECTED = [r"broker connected mqtt=5"]


def refused(reason, presented, accepted):
    """One line has all three."""
    return [rf"(?m)broker not connected.*{reason}.*presented: .*{presented}.*accepted: .*{accepted}"]


def cases(shop, suite):
    shop.authority("ca")
    shop.authority("other")
    shop.certificate("good", "ca", "DNS:localhost")
    shop.certificate("elsewhere", "ca", "DNS:engine-room.example")
    shop.certificate("old", "ca", "DNS:localhost", ("200101000000Z", "200201000000Z"))
    shop.certificate("early", "ca", "DNS:localhost", ("491201000000Z", "491215000000Z"))
    shop.certificate("client", "ca", "DNS:client")
    shop.certificate("stranger", "other", "DNS:stranger")
    shop.self_signed("self", "DNS:localhost")
    shop.self_signed("self2", "DNS:localhost")
    path = shop.path
    anybody = "allow_anonymous true"

    def broker(name, *lines):
        return Broker(shop.folder, [anybody, f"certfile {path(name)}.pem", f"keyfile {path(name)}.key", *lines])

    ca = f'ca_file = "{path("ca.pem")}"'
    pin = shop.fingerprint
    plain_pin = "sha256:" + pin("self")[7:].replace(":", "").lower()

    one = broker("good")
    suite.run("own authority", one, ca, CONNECTED)
    suite.run("the system's authorities do not know ours", one, "", refused(
        "signed by an unknown authority", "subject CN=good, names DNS:localhost, issuer CN=ca",
        "a valid certificate that names localhost, signed by an authority that this system trusts"))
    suite.run("another authority", one, f'ca_file = "{path("other.pem")}"', refused(
        "signed by an unknown authority", "issuer CN=ca", re.escape(path("other.pem"))))
    suite.run("right authority, wrong host", one, ca, refused(
        "does not name 127.0.0.1", "names DNS:localhost", "names 127.0.0.1"), host="127.0.0.1")
    suite.run("the other name is meant", one, f'{ca}\nserver_name = "localhost"', CONNECTED, host="127.0.0.1")
    suite.run("a pin has the last word on names", one, f'fingerprint = "{pin("good")}"', CONNECTED, host="127.0.0.1")
    suite.run("a pin of another certificate", one, f'fingerprint = "{pin("self")}"', refused(
        "is not the pinned one", pin("good")[7:].replace(":", "").lower(), plain_pin))
    suite.run("a pre-shared key, and a certificate is presented instead", one,
              'psk_identity = "me"\npsk_file = "KEY"'.replace("KEY", write(path("key"), "00112233445566778899aabbccddeeff")),
              [r"(?m)broker not connected.*(certificate was presented instead of the pre-shared key.*presented: .*"
               r"accepted: the key|wants other ciphers, a client certificate or a pre-shared key)"],
              unexpected=CONNECTED)
    one.stop()

    for name, words in (("elsewhere", "does not name localhost"), ("old", "has expired"), ("early", "is not valid yet")):
        one = broker(name)
        suite.run(f"a certificate that {words}", one, ca, refused(words, f"subject CN={name}", "a valid certificate"))
        one.stop()

    one = broker("self")
    suite.run("signed by itself", one, "", refused(
        "signed by nobody but itself", "subject CN=self", "this one, pinned by tls.fingerprint"))
    suite.run("signed by itself, and pinned", one, f'fingerprint = "{pin("self")}"', CONNECTED)
    suite.run("two pins", one, f'fingerprint = ["{pin("self2")}", "{plain_pin}"]', CONNECTED)
    one.stop()
    one = broker("self2")
    suite.run("a changed pin", one, f'fingerprint = "{pin("self")}"', refused(
        "is not the pinned one", "subject CN=self2", plain_pin))
    one.stop()

    trust = os.path.join(shop.folder, "state", "trusted-brokers")
    password = write(path("passwords"), "me:right\n")
    subprocess.run([shutil.which("mosquitto_passwd", path=PATH), "-U", password], check=True)
    one = Broker(shop.folder, ["allow_anonymous false", f"password_file {password}", f"certfile {path('self')}.pem",
                               f"keyfile {path('self')}.key"])
    first = "trust_on_first_use = true"
    suite.run("first use, and the broker wants another password", one, first, [r"not authorised"],
              extra='username = "me"\npassword = "wrong"\n')
    check(suite, "what led to nothing is not trusted", not os.path.exists(trust))
    suite.run("first use", one, first, CONNECTED + [r"trusted on first use.*" + plain_pin],
              extra='username = "me"\npassword = "right"\n')
    check(suite, "what was accepted is kept", os.path.exists(trust) and plain_pin in open(trust).read())
    check(suite, "nobody else may read or write it", os.path.exists(trust) and os.stat(trust).st_mode & 0o77 == 0)
    suite.run("second use", one, first, CONNECTED, unexpected=["trusted on first use"],
              extra='username = "me"\npassword = "right"\n')
    port = one.port
    one.stop()
    with open(trust) as file:
        kept = file.read()
    one = broker("self2")
    with open(trust, "w") as file:
        file.write(kept.replace(f":{port} ", f":{one.port} "))
    suite.run("after first use another certificate", one, first, refused(
        "has changed since it was first trusted", "subject CN=self2", f"only {plain_pin}; if the change is meant"))
    write(trust, "nonsense\n")
    suite.run("a trust file that cannot be understood trusts nobody", one, first,
              [r"broker not connected.*whom to trust is not known"], unexpected=CONNECTED)
    one.stop()

    one = broker("good", f"cafile {path('ca.pem')}", "require_certificate true")
    suite.run("a client certificate is wanted", one, ca, [r"broker not connected.*client certificate"],
              unexpected=CONNECTED)
    show = 'certificate = "{0}.pem"\nkey = "{0}.key"'
    suite.run("a client certificate is shown", one, f"{ca}\n{show.format(path('client'))}", CONNECTED)
    suite.run("a client certificate of a stranger", one, f"{ca}\n{show.format(path('stranger'))}",
              [r"broker not connected.*client certificate"], unexpected=CONNECTED)
    one.stop()

    keys = write(path("keys"), "me:00112233445566778899aabbccddeeff\n")
    one = Broker(shop.folder, [anybody, "psk_hint boat", f"psk_file {keys}"])
    right = write(path("right"), "00112233445566778899aabbccddeeff\n")
    wrong = write(path("wrong"), "ffeeddccbbaa99887766554433221100\n")
    suite.run("a pre-shared key", one, f'psk_identity = "me"\npsk_file = "{right}"', CONNECTED)
    suite.run("the wrong pre-shared key", one, f'psk_identity = "me"\npsk_file = "{wrong}"',
              [r"broker not connected.*pre-shared key"], unexpected=CONNECTED)
    suite.run("an unknown identity", one, f'psk_identity = "you"\npsk_file = "{right}"',
              [r"broker not connected.*(identity|pre-shared key)"], unexpected=CONNECTED)
    suite.run("a certificate is expected of a broker that has only a key", one, ca, [r"broker not connected"],
              unexpected=CONNECTED)
    one.stop()

    one = broker("good", "tls_version tlsv1.2")
    suite.run("TLS 1.2", one, ca, CONNECTED)
    one.stop()
    # mosquitto has no older version to offer: openssl has.
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    old = type("Old", (), {"port": server.getsockname()[1]})
    server.close()
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{old.port}", "-cert", path("good.pem"), "-key",
         path("good.key"), "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-quiet"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    suite.run("TLS 1.1", old, ca, [r"broker not connected.*TLS 1.2"], unexpected=CONNECTED)
    process.kill()
    process.wait()

    one = Broker(shop.folder, [anybody])
    suite.run("a port without TLS", one, ca, [r"broker not connected.*(does not speak TLS|does the port speak TLS)"],
              unexpected=CONNECTED)
    one.stop()


def check(suite, name, is_right):
    suite.count += 1
    print(("ok      " if is_right else "FAILED  ") + name, flush=True)
    if not is_right:
        suite.failures.append(name)


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return path


if __name__ == "__main__":
    main()
