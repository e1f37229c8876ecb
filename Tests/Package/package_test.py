#!/usr/bin/env python3
"""The package on a fresh Debian: installed with what it declares and nothing more, used, upgraded, removed, purged.

    Tests/Package/package_test.py --package build/vebridge_0.1.0_amd64.deb

The Debian is made by mmdebstrap (the smallest there is) and kept as build/package/debian-SUITE.tar; each run unpacks it
anew. --suite names another than this machine's own, such as trixie. It needs root, or sudo, and Debian's mirror.

Exit status 0 if all was proven, 1 if not, 3 if the Debian could not be made.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

LIMIT = 30_000_000
TOML = "/etc/vebridge/vebridge.toml"
EXPORT = "vebridge history export --json --state /var/lib/vebridge"
# What has no system: no init, no hardware. What is mounted goes with the namespace.
ENTER = """
mount --make-rprivate / && mount --bind "$0" "$0" && cd "$0" &&
mount -t proc proc proc && mount -t tmpfs tmpfs dev && mkdir dev/pts dev/shm && chmod 1777 dev/shm &&
for node in null zero full random urandom tty; do touch dev/$node && mount --bind /dev/$node dev/$node || exit 1; done &&
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts && ln -s pts/ptmx dev/ptmx &&
ln -s /proc/self/fd dev/fd && exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \\
    DEBIAN_FRONTEND=noninteractive sh -eu -c "$1"
"""


class Failure(Exception):
    """Something that was to be proven is not so."""


def need(condition, text):
    if not condition:
        raise Failure(text)


def as_root(words):
    return words if os.geteuid() == 0 else ["sudo", *words]


class Debian:
    def __init__(self, archive, root):
        self.root = os.path.abspath(root)
        self.clear()
        subprocess.run(as_root(["mkdir", "-p", self.root]), check=True)
        subprocess.run(as_root(["tar", "-C", self.root, "--exclude=./dev/*", "-xf", archive]), check=True)
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            subprocess.run(as_root(["cp", "-L", name, self.root + name]), check=True)
        # Nothing is started here, as in any container.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)

    def clear(self):
        subprocess.run(as_root(["rm", "-rf", "--one-file-system", self.root]), check=True)

    def write(self, path, text, mode=0o644):
        words = as_root(["tee", self.root + path])
        subprocess.run(words, input=text, text=True, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(as_root(["chmod", f"{mode:o}", self.root + path]), check=True)

    def put(self, file, path):
        subprocess.run(as_root(["cp", file, self.root + path]), check=True)

    def attempt(self, script, patience=120):
        """The exit status of a script in the Debian, and what it printed."""
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "sh", "-c", ENTER, self.root, script]
        try:
            done = subprocess.run(as_root(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=patience)
        except subprocess.TimeoutExpired as error:
            heard = (error.stdout or b"").decode(errors="replace")
            raise Failure(f"it took more than {patience} s:\n{script}\n{heard[-2000:]}") from None
        return done.returncode, done.stdout

    def run(self, script, patience=120):
        status, text = self.attempt(script, patience)
        need(status == 0, f"exit status {status} of\n{script}\nwhich printed\n{text[-3000:]}")
        return text

    def packages(self):
        return set(self.run("dpkg-query -W -f '${Package}\\n'").split())


class PackageTest:
    def __init__(self, debian, package, folder):
        self.debian, self.package, self.folder = debian, package, folder
        self.version = self.field("Version")

    def field(self, name):
        return subprocess.run(["dpkg-deb", "--field", self.package, name], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()

    def file(self):
        size = os.path.getsize(self.package)
        need(size <= LIMIT, f"{size} bytes, and {LIMIT} are the limit")
        architecture = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True).stdout.strip()
        need(self.field("Architecture") == architecture, f"it is for {self.field('Architecture')}")
        done = subprocess.run(["lintian", "--info", "--pedantic", "--allow-root", "--fail-on", "error,warning,pedantic",
                               self.package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        need(done.returncode == 0 and not re.search(r"^[EWP]: ", done.stdout, re.M), f"lintian says\n{done.stdout}")
        return f"version {self.version} for {architecture}, {size / 1e6:.1f} MB of at most 30; lintian has no complaint"

    def install(self):
        self.debian.run("apt-get update -qq", 300)
        before = self.debian.packages()
        self.debian.put(self.package, "/root/vebridge.deb")
        begun = time.monotonic()
        self.debian.run("apt-get install -y -qq --no-install-recommends /root/vebridge.deb", 300)
        came = sorted(self.debian.packages() - before - {"vebridge"})
        need(not any(name.startswith("swift") for name in came), f"these came with it: {came}")
        missing = self.debian.run("ldd /usr/bin/vebridge | grep 'not found' || true").strip()
        need(not missing, f"libraries are missing: {missing}")
        said = self.debian.run("vebridge --version").strip()
        need(said == self.version, f"it says '{said}' and not '{self.version}'")
        # The documented recipe for a secret, and its reader: the user of the service, and no other.
        self.debian.run("echo sunshine | install -m 640 -g vebridge /dev/stdin /etc/vebridge/password")
        read = self.debian.run("runuser -u vebridge -- cat /etc/vebridge/password").strip()
        need(read == "sunshine", f"the service's user reads '{read}'")
        need(self.debian.attempt("runuser -u nobody -- cat /etc/vebridge/password")[0] != 0, "any user reads the password")
        return f"{time.monotonic() - begun:.0f} s, with {', '.join(came)}; vebridge --version says {said}"

    def demo(self):
        """Without a broker, which is no dependency; and with one."""
        need(self.debian.attempt("command -v mosquitto")[0] != 0, "there is a mosquitto that nobody asked for")
        text = self.debian.run("vebridge demo --for 10", 60)
        need("no broker" in text and "apt install mosquitto" in text, f"it does not say what is missing:\n{text[:800]}")
        without = re.search(r"every charger and the bus published: (\d+) topics", text)
        need(without, text[-800:])
        self.debian.run("apt-get install -y -qq --no-install-recommends mosquitto", 300)
        text = self.debian.run("vebridge demo --for 10", 60)
        need("a private broker" in text, text[:800])
        # As somebody who is nobody.
        self.debian.run("useradd --create-home sailor")
        self.debian.run("runuser -u sailor -- vebridge demo --for 3 >/dev/null", 60)
        return f"{without.group(1)} topics without a broker, saying what is missing; with mosquitto through a broker"

    def doctor(self):
        status, text = self.debian.attempt("vebridge doctor --json 2>/dev/null", 60)
        findings = json.loads(text)
        troubles = {finding["check"]: finding for finding in findings if finding["verdict"] in ("warning", "fault")}
        # No cable, no broker that runs, and nothing in the state directory's place; nothing else is wrong here.
        need(set(troubles) <= {"ports", "broker", "state"}, f"it invents faults: {troubles}")
        need("broker" in troubles and status == 1, f"it finds no broker missing (status {status}): {findings}")
        for finding in troubles.values():
            need(finding.get("remedy"), f"no command that mends it: {finding}")
        return f"of {len(findings)} findings these are to be mended, rightly: {', '.join(sorted(troubles))}"

    def manual(self):
        self.debian.run("apt-get install -y -qq --no-install-recommends man-db groff", 300)
        warnings = self.debian.run("MANROFFSEQ= MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "
                                   "/usr/share/man/man1/vebridge.1.gz 2>&1 >/dev/null").strip()
        need(not warnings, f"man says: {warnings}")
        text = self.debian.run("MANWIDTH=80 man vebridge | cat")
        commands = self.commands()
        missing = [command for command in commands if not re.search(rf"\b{command}\b", text)]
        need(len(text.splitlines()) > 100 and not missing, f"the manual does not name {missing}")
        self.debian.run("apropos vebridge | grep -q '^vebridge (1)' || { mandb -q; apropos vebridge; }")
        return f"{len(text.splitlines())} lines without a warning, every one of {len(commands)} commands is in it"

    def commands(self):
        text = self.debian.run("vebridge --help")
        part = text[text.index("SUBCOMMANDS:"):]
        return re.findall(r"^  ([a-z-]+)", part, re.M)

    def completions(self):
        self.debian.run("apt-get install -y -qq --no-install-recommends bash-completion zsh fish", 300)
        commands = set(self.commands())
        bash = self.debian.run("""bash -eu -c '
            set +u; . /usr/share/bash-completion/bash_completion
            _completion_loader vebridge || true
            words=$(complete -p vebridge); function=${words##*-F }; function=${function%% *}
            COMP_WORDS=(vebridge d) COMP_CWORD=1 COMP_LINE="vebridge d" COMP_POINT=10
            "$function" vebridge d vebridge || true
            printf "%s\\n" "${COMPREPLY[@]}"' 2>&1""")
        wanted = {command for command in commands if command.startswith("d")}
        need(set(bash.split()) == wanted, f"bash completes 'd' by {bash.split()}, and not by {sorted(wanted)}")
        fish = self.debian.run("fish -c \"complete -C 'vebridge d'\"")
        found = {line.split("\t")[0] for line in fish.splitlines()}
        need(found == wanted, f"fish completes 'd' by {sorted(found)}, and not by {sorted(wanted)}")
        # A terminal of its own, because zsh completes for hands only.
        self.debian.write("/root/complete.zsh", """
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'PROMPT=; autoload -Uz compinit; compinit -u -D; zstyle ":completion:*" list-prompt ""; print rea""dy'
            zpty -m -r shell text '*ready*'
            zpty -n -w shell $'vebridge d\\t\\t'
            got=
            for try in {1..100}; do
                if zpty -r -t shell part; then got+=$part; fi
                [[ $got == *doctor* ]] && break
                sleep 0.1
            done
            print -r -- $got
            """)
        zsh = self.debian.run("zsh -f /root/complete.zsh", 60)
        missing = [command for command in wanted if command not in zsh]
        need(not missing, f"zsh does not complete {missing}: {zsh}")
        return f"bash, fish and zsh complete 'vebridge d' by {', '.join(sorted(wanted))}"

    def repacked(self, version, change=None):
        """The same package with another version, and with a change to its files where there is one."""
        tree = os.path.join(self.folder, f"tree-{version}")
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(["dpkg-deb", "-R", self.package, tree], check=True)
        control = os.path.join(tree, "DEBIAN/control")
        with open(control) as file:
            text = file.read()
        with open(control, "w") as file:
            file.write(re.sub(r"^Version: .*", f"Version: {version}", text, flags=re.M))
        if change:
            change(tree)
        path = os.path.join(self.folder, f"vebridge_{version}.deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, path], check=True,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
        return path

    def upgrade(self):
        """Over a configuration that was changed, and a history that was written by the version before."""
        self.debian.run(f"sed -i 's#^ports = .*#ports = [\"/tmp/charger0\"]#; s#^output = .*#output = \"stderr\"#' {TOML}")
        self.debian.run("mkdir -p /var/lib/private/vebridge && ln -s private/vebridge /var/lib/vebridge")
        # What is measured is written down once a minute.
        self.debian.run(f"""
            vebridge simulate --link /tmp/charger >/tmp/simulator 2>&1 & simulator=$!
            timeout 60 sh -c 'until test -e /tmp/charger0; do sleep 0.1; done'
            vebridge --config {TOML} >/tmp/log 2>&1 & daemon=$!
            timeout 150 sh -c 'until {EXPORT} 2>/dev/null | grep -q .; do sleep 0.5; done' || {{
                tail -n 20 /tmp/log; exit 1; }}
            kill -TERM $daemon; wait $daemon; kill $simulator""", 240)
        self.debian.write("/etc/vebridge/page-password", "sunshine\n", 0o600)
        configuration, history = self.debian.run(f"cat {TOML}"), self.history()
        for version, change in (("+1", None), ("+2", self.change_configuration)):
            self.debian.put(self.repacked(self.version + version, change), "/root/next.deb")
            # A file of the package's that both sides have changed is asked about; who is not there keeps his own.
            self.debian.run("apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confdef "
                            "-o Dpkg::Options::=--force-confold /root/next.deb" if change else
                            "apt-get install -y -qq --no-install-recommends /root/next.deb", 300)
            said = self.debian.run("dpkg-query -W -f '${Version}' vebridge").strip()
            need(said == self.version + version, f"version {said} is installed")
            need(self.debian.run(f"cat {TOML}") == configuration, "the configuration was changed")
            need(self.history() == history, "the history is another one")
        return f"configuration, secret and history ({len(history.splitlines())} lines of export) are as they were, twice"

    @staticmethod
    def change_configuration(tree):
        with open(tree + TOML, "a") as file:
            file.write("# What a later version says.\n")

    def history(self):
        return self.debian.run(EXPORT, 60)

    def remove(self):
        self.debian.run("apt-get remove -y -qq vebridge")
        left = self.debian.run("dpkg -L vebridge 2>/dev/null | while read f; do test -f $f && echo $f; done || true").split()
        need(left == [TOML], f"removed, and these are there: {left}")
        self.debian.run("test -s /var/lib/vebridge/history.sqlite")
        need("vebridge" not in self.debian.run("ls /lib/udev/rules.d /lib/systemd/system /usr/bin"), "rules or unit are left")
        return "program, rules and unit are gone; configuration and history stay"

    def purge(self):
        self.debian.run("apt-get purge -y -qq vebridge")
        places = "/etc /usr /var /lib /run"
        # Not the cache of the shell's and of apt's lists.
        left = self.debian.run(f"find {places} -xdev -name '*vebridge*' -not -path '/var/lib/apt/*' "
                               "-not -path '/var/cache/*' || true").split()
        need(not left, f"purged, and these are there: {left}")
        return "nothing with its name is left: configuration, secret and history are gone, too"


def make_debian(folder, suite, mirror):
    archive = os.path.join(folder, f"debian-{suite}.tar")
    if not os.path.exists(archive):
        words = ["mmdebstrap", "--mode=root", "--quiet", "--variant=minbase", suite, archive + ".part", mirror,
                 "--format=tar"]
        print(f"making a Debian {suite}", flush=True)
        if subprocess.run(as_root(words), stdin=subprocess.DEVNULL).returncode != 0:
            sys.exit(3)
        subprocess.run(as_root(["chown", f"{os.getuid()}:{os.getgid()}", archive + ".part"]), check=True)
        os.rename(archive + ".part", archive)
    return archive


def suite_here():
    with open("/etc/os-release") as file:
        return dict(line.rstrip().split("=", 1) for line in file if "=" in line).get("VERSION_CODENAME", "bookworm")


def mirror_here():
    """The mirror that this machine's apt uses."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
             f"Codename: {suite_here()}"]
    found = subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.split()
    if not found:
        sys.exit("apt has no mirror of this machine's Debian: name one with --mirror")
    return found[0]


def main():
    parser = argparse.ArgumentParser(description="The package on a fresh Debian.")
    parser.add_argument("--package", default=None, help="the Debian package; the newest in build/ unless told")
    parser.add_argument("--suite", default=suite_here(), help="which Debian")
    parser.add_argument("--mirror", help="that of this machine's apt unless told")
    parser.add_argument("--folder", default="build/package", help="where the Debian is kept, outside git")
    options = parser.parse_args()
    built = sorted(glob.glob("build/vebridge_*.deb"), key=os.path.getmtime)
    package = options.package or (built[-1] if built else None)
    if not package:
        sys.exit("no package: run 'make deb', or name one with --package")
    os.makedirs(options.folder, exist_ok=True)
    archive = make_debian(options.folder, options.suite, options.mirror or mirror_here())
    debian = Debian(archive, os.path.join(options.folder, "root"))
    begun, failed, lines = time.monotonic(), 0, []
    try:
        test = PackageTest(debian, package, options.folder)
        for name in ("file", "install", "demo", "doctor", "manual", "completions", "upgrade", "remove", "purge"):
            since = time.monotonic()
            try:
                mark, text = "proven", getattr(test, name)()
            except Failure as error:
                mark, text, failed = "FAILED", str(error), failed + 1
            lines.append(f"{mark}  {name:<12} {time.monotonic() - since:6.1f} s  {text}")
            print(lines[-1], flush=True)
    finally:
        debian.clear()
    lines.append(f"{len(lines) - failed} of {len(lines)} proven on Debian {options.suite} in "
                 f"{time.monotonic() - begun:.0f} s")
    print(lines[-1])
    with open(os.path.join(options.folder, "report.txt"), "w") as file:
        file.write("\n".join(lines) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
