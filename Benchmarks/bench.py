#!/usr/bin/env python3
"""What vebridge costs and how fast it is, beside the limit and what is required.

    Benchmarks/bench.py                      every section but publishing and peers
    Benchmarks/bench.py decoding daemon      some sections
    Benchmarks/bench.py --peers              programs of others too, on the same bytes (needs the network)
    Benchmarks/bench.py --compare FILE       the ratio to a saved run
    Benchmarks/bench.py --quick              shorter: to see whether it works, not to quote

`make bench` builds what it needs first. docs/benchmarks.md says what each number means. The results are kept as JSON in
Benchmarks/results. Only the standard library; sections that need a program that is not here say so and are left out.
"""
import argparse
import datetime
import glob
import json
import os
import platform
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "Tests", "Wakeups"))
import latency  # noqa: E402
import wakeups  # noqa: E402

BYTE_TIME = 10 / 19200


class Left(Exception):
    """A section that cannot be run here, and why."""


class Row:
    """A line of the table: samples of one quantity, its limit and what is required of it."""

    def __init__(self, section, name, unit, samples, better="low", limit="", required=None, spread=None):
        samples = sorted(float(sample) for sample in samples)
        self.section, self.name, self.unit, self.better, self.limit = section, name, unit, better, limit
        self.median = statistics.median(samples)
        self.low, self.high = spread or (quantile(samples, 0.1), quantile(samples, 0.9))
        self.count = len(samples)
        # ("<=", 3) or (">=", 300)
        self.required = required

    @property
    def reached(self):
        if self.required is None:
            return None
        sign, bound = self.required
        return self.median <= bound if sign == "<=" else self.median >= bound

    def document(self):
        return {
            "section": self.section, "name": self.name, "unit": self.unit, "better": self.better,
            "median": self.median, "low": self.low, "high": self.high, "samples": self.count, "limit": self.limit,
            "required": None if self.required is None else " ".join(map(str, self.required)), "reached": self.reached,
        }


def quantile(ordered, share):
    """Of values in order, with what lies between two of them."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def short(number):
    if number == 0:
        return "0"
    digits = 0 if abs(number) >= 1000 else 1 if abs(number) >= 100 else 2 if abs(number) >= 1 else 3
    return f"{number:,.{digits}f}"


def run(*words, **options):
    """Standard output of a program that must succeed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options)
    if done.returncode != 0:
        raise Left(f"{' '.join(words[:4])} … failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def needed(program):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise Left(f"{program} is not installed")
    return path


class Rig:
    """A broker, simulated chargers and the daemon with history and page, in a folder that goes away with it."""

    def __init__(self, program, configuration=""):
        self.program = program
        self.folder = tempfile.TemporaryDirectory(prefix="vebridge-bench-")
        self.started = []
        self.port = wakeups.free_port()
        self.web = wakeups.free_port()
        os.mkdir(self.path("state"))
        with open(self.path("mosquitto.conf"), "w") as file:
            # Nagle's algorithm in the broker would be measured as if it were ours.
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n")
            if os.geteuid() == 0:
                file.write("user root\n")
        with open(self.path("vebridge.toml"), "w") as file:
            file.write(f'[bridge]\nstate_directory = "{self.path("state")}"\n'
                       f'[web]\nlisten = "127.0.0.1:{self.web}"\n{configuration}')

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def __enter__(self):
        self.start("broker", needed("mosquitto"), "-c", self.path("mosquitto.conf"))
        self.wait(lambda: "running" in self.log("broker"), "the broker did not start")
        return self

    def __exit__(self, *_):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.folder.cleanup()

    def start(self, name, *words):
        with open(self.path(name + ".log"), "w") as log:
            self.started.append(subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL))
        return self.started[-1]

    def log(self, name):
        with open(self.path(name + ".log"), errors="replace") as file:
            return file.read()

    def wait(self, ready, otherwise, limit=30):
        end = time.monotonic() + limit
        while not ready():
            if time.monotonic() > end:
                raise Left(otherwise)
            time.sleep(0.02)

    def simulate(self, chargers, hour=11):
        link = self.path("charger")
        self.start("simulator", self.program, "simulate", "--chargers", str(chargers), "--hour", str(hour),
                   "--link", link)
        paths = [f"{link}{index}" for index in range(chargers)]
        self.wait(lambda: all(map(os.path.exists, paths)), "the simulated chargers did not appear")
        return paths

    def bridge(self, paths):
        return self.start(
            "bridge", self.program, "--config", self.path("vebridge.toml"), "--broker", f"mqtt://127.0.0.1:{self.port}",
            *[word for path in paths for word in ("--ports", path)])


# Sections. Each takes the arguments and gives rows.


def decoding(arguments):
    """MB/s and frames/s beside C and memcpy."""
    text = run("swift", "package", "--package-path", HERE, "benchmark", "--format", "jmh", "--path", "stdout",
               "--no-progress")
    found = {}
    for benchmark in json.loads(text[text.index("[\n" if "[\n" in text else "["):].rsplit("]", 1)[0] + "]"):
        metrics = {benchmark["primaryMetric"].get("name", ""): benchmark["primaryMetric"],
                   **benchmark.get("secondaryMetrics", {})}
        clock = next(value for name, value in metrics.items() if "wall clock" in name.lower())
        scale = {"ns": 1e-9, "μs": 1e-6, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
        unit = scale[clock["scoreUnit"].split("/")[0].strip()]
        times = {float(key): value * unit for key, value in clock["scorePercentiles"].items()}
        name = benchmark["benchmark"]
        found[name.split(".", 1)[1] if "." in name and "Decoding" in name.split(".", 1)[0] else name] = times

    def times(word):
        for name, value in found.items():
            if word in name.replace("_", " "):
                return value
        raise Left(f"the harness did not report {word!r}, only {', '.join(found)}")

    def row(name, word, amount, unit, **more):
        one = times(word)
        return Row("decoding", name, unit, [amount / one[50.0]], better="high",
                   spread=(amount / one[max(key for key in one if key <= 90)], amount / one[min(one)]), **more)

    size = (4 << 20) / 1e6
    loop, noisy_loop, copy = size / times("C loop clean")[50.0], size / times("C loop noisy")[50.0], \
        size / times("memcpy")[50.0]
    clean = row("VE.Direct, clean", "clean, whole", size, "MB/s", required=(">=", 300),
                limit=f"C {short(loop)}, memcpy {short(copy)}")
    arguments.decoding_speed = clean.median
    return [
        clean,
        row("VE.Direct, noisy 1e-3", "noisy 1e-3, whole", size, "MB/s", limit=f"C {short(noisy_loop)}"),
        row("VE.Direct, 31 bytes at a time", "31 bytes", size, "MB/s", limit=f"C {short(loop)}"),
        # The fastest of each: they run one after the other, and what else the machine does hits them differently.
        Row("decoding", "VE.Direct against the loop in C, fastest of each", "×",
            [min(times("C loop clean").values()) / min(times("clean, whole").values())], better="high",
            required=(">=", 0.8), limit="1"),
        row("the loop in C", "C loop clean", size, "MB/s", limit=f"memcpy {short(copy)}"),
        row("memcpy", "memcpy", size, "MB/s"),
        row("MasterBus", "MasterBus", 65_536, "frames/s", limit="a bus at 250 kbit/s: 1,900"),
    ]


def instructions(arguments):
    """Counted by callgrind: what noise cannot move."""
    valgrind = needed("valgrind")
    program = os.path.join(HERE, ".build", "release", "CountInstructions")
    counts = {}
    for word, function in (("swift", "*decodeInSwift*"), ("c", "cdecode")):
        for noise in ("clean", "noisy"):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(
                    [valgrind, "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect={function}",
                     f"--callgrind-out-file={folder}/out", program, word, noise],
                    capture_output=True, text=True, cwd=ROOT)
            match = re.search(r"Collected : (\d+)", done.stderr)
            if not match or not done.stdout.split():
                raise Left(f"callgrind counted nothing: {done.stderr.strip()[-200:]}")
            counts[word, noise] = int(match[1]) / int(done.stdout.split()[0])
    return [
        Row("instructions", f"VE.Direct, {noise}", "/byte", [counts["swift", noise]],
            limit=f"C {counts['c', noise]:.2f}") for noise in ("clean", "noisy")
    ]


def allocations(arguments):
    """Calls of malloc while the decoders work."""
    text = run("Fuzz/run.sh", "storm", "20000000")
    found = [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) allocations", text)]
    found += [int(number.replace(",", "")) for number in re.findall(r"allocations:? ([\d,]+)", text)]
    if not found:
        raise Left(f"Fuzz/run.sh storm said nothing of allocations: {text.strip()[-200:]}")
    return [Row("allocations", "in decoding", "", [sum(found)], required=("<=", 0), limit="0")]


def session(arguments):
    """Decoder, session and guard in virtual time; how a round on the wire compares with the wire."""
    readings = 50_000 if arguments.quick else 300_000
    rates, document = [], {}
    for seed in (1, 2, 3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = run(arguments.program, "prove", "noise", "--ber", "0", "--readings", str(readings), "--threads", "1",
                   "--seed", str(seed), "--json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        document = json.loads(text)
        rates.append(document["readings"] / busy)
    return [Row("session", "readings, with simulated chargers", "/CPU s", rates, better="high",
                spread=(min(rates), max(rates)),
                limit=f"a line gives {document['readings'] / document['virtual_seconds']:.0f} a second")]


def wire(arguments):
    """Rounds against the wire, and what frames that come by themselves save."""
    seconds = 10 if arguments.quick else 30
    rows = []
    ratios, gaps = [], []
    with Rig(arguments.program, '[poll]\nfast = "0"\n') as rig:
        chargers = latency.Chargers(2, step=0, turnaround=(0.045, 0.130), silent=True)
        rig.bridge(chargers.paths)
        time.sleep(15)
        chargers.begin()
        time.sleep(seconds)
        for one in chargers.stop():
            # An answer is 15 to 19 bytes: the shorter one, so that the ratio is not flattered.
            for gap, rest in one["gaps"]:
                gaps.append(gap * 1000)
                ratios.append((gap + rest + 15 * BYTE_TIME) / (rest + 15 * BYTE_TIME))
    if not ratios:
        raise Left("no charger was asked")
    mean = sum(ratios) / len(ratios)
    rows.append(Row("wire", "a round against wire + turn-around (mean)", "×", [mean], required=("<=", 1.05), limit="1",
                    spread=(quantile(sorted(ratios), 0.1), quantile(sorted(ratios), 0.9))))
    rows.append(Row("wire", "from an answer's end to the next request", "ms", gaps, limit="0"))
    for clouds, sky, required in ((True, "clouds: power, voltages, current change", (">=", 30)),
                                  (False, "steady: the panel's power and voltage change", (">=", 30))):
        requests = {}
        for silent in (True, False):
            with Rig(arguments.program) as rig:
                chargers = latency.Chargers(4, step=0, silent=silent, clouds=clouds)
                rig.bridge(chargers.paths)
                time.sleep(20)
                chargers.begin()
                time.sleep(seconds)
                requests[silent] = sum(one["requests"] for one in chargers.stop())
        saved = 100 * (1 - requests[False] / max(requests[True], 1))
        rows.append(Row("wire", f"requests saved, {sky}", "%", [saved], better="high", required=required,
                        limit=f"{requests[False]} for {requests[True]}"))
    return rows


def daemon(arguments):
    """Processor, memory and wake-ups by the number of ports."""
    seconds, windows = (10, 2) if arguments.quick else (30, 3)
    bounds = {8: (2.0, 40.0), 64: (12.0, 80.0)}
    rows, points = [], []
    for ports in (1, 8, 32, 64):
        with Rig(arguments.program) as rig:
            bridge = rig.bridge(rig.simulate(ports))
            time.sleep(25)
            busy, wakes = [], []
            for _ in range(windows):
                begin, cpu, woken = time.monotonic(), wakeups.processor_seconds(bridge.pid), all_wakes(bridge.pid)
                time.sleep(seconds / windows)
                passed = time.monotonic() - begin
                busy.append((wakeups.processor_seconds(bridge.pid) - cpu) / passed * 100)
                wakes.append((all_wakes(bridge.pid) - woken) / passed)
            memory = resident(bridge.pid)
            found = rig.log("bridge").count("charger found")
        if found != ports:
            raise Left(f"{found} of {ports} chargers were found")
        cpu, size = bounds.get(ports, (None, None))
        name = f"{ports} port{'s' if ports > 1 else ''}"
        # The median of few windows says less than all of them together.
        whole = sum(busy) / len(busy)
        points.append((ports, whole, memory))
        rows.append(Row("daemon", f"{name}: of a core", "%", [whole], spread=(min(busy), max(busy)),
                        required=cpu and ("<=", cpu), limit=f"reading alone: {1.7 * ports / 64:.2f}"))
        rows.append(Row("daemon", f"{name}: resident", "MB", [memory], required=size and ("<=", size)))
        rows.append(Row("daemon", f"{name}: wake-ups", "/s", wakes, spread=(min(wakes), max(wakes))))
    slope, start, fit = line(points)
    rows.append(Row("daemon", "each port more: of a core", "%", [slope], limit="reading alone: 0.027"))
    rows.append(Row("daemon", "how straight the line is (R²)", "", [fit], better="high", limit="1"))
    arguments.points = points
    return rows


def line(points):
    """The straight line through (ports, per cent, …): slope, start, R²."""
    x, y = [point[0] for point in points], [point[1] for point in points]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y)) / sum((a - middle_x) ** 2 for a in x)
    start = middle_y - slope * middle_x
    rest = sum((b - start - slope * a) ** 2 for a, b in zip(x, y))
    whole = sum((b - middle_y) ** 2 for b in y)
    return slope, start, 1 - rest / whole if whole else 1.0


def all_wakes(process):
    return sum(wakeups.wake_ups(process).values())


def resident(process):
    """Megabytes."""
    with open(f"/proc/{process}/status") as file:
        return int(next(each for each in file if each.startswith("VmRSS")).split()[1]) / 1000


def night(arguments):
    """Four chargers whose panels are dark."""
    seconds, settle = (20, 40) if arguments.quick else (90, 75)
    with Rig(arguments.program, '[poll]\nnight_after = "1s"\n') as rig:
        bridge = rig.bridge(rig.simulate(4, hour=1))
        # The first pass over all registers and the history is no part of the night.
        time.sleep(settle)
        busy, wakes = [], []
        for _ in range(3):
            begin, cpu, woken = time.monotonic(), wakeups.processor_seconds(bridge.pid), all_wakes(bridge.pid)
            time.sleep(seconds / 3)
            passed = time.monotonic() - begin
            busy.append((wakeups.processor_seconds(bridge.pid) - cpu) / passed * 100)
            wakes.append((all_wakes(bridge.pid) - woken) / passed)
    return [
        Row("night", "4 ports: wake-ups", "/s", [sum(wakes) / 3], spread=(min(wakes), max(wakes)), required=("<=", 10)),
        Row("night", "4 ports: of a core", "%", [sum(busy) / 3], spread=(min(busy), max(busy)), required=("<=", 0.3)),
    ]


def delay(arguments):
    """From the last byte of a frame on a pseudo-terminal to a subscriber."""
    seconds = 15 if arguments.quick else 120
    with Rig(arguments.program) as rig:
        chargers = latency.Chargers(8, step=0.1)
        subscriber = latency.Subscriber(rig.port, ["/venetworking/+/edbc"])
        rig.bridge(chargers.paths)
        for _ in subscriber.messages(time.monotonic() + 25):
            pass
        chargers.begin()
        heard = {}
        for moment, topic, payload in subscriber.messages(time.monotonic() + seconds):
            heard.setdefault((topic.split("/")[2], int(payload)), moment)
        # What is said in the last moment may come yet.
        end = time.monotonic()
        for moment, topic, payload in subscriber.messages(end + 1):
            heard.setdefault((topic.split("/")[2], int(payload)), moment)
        delays, again, missing = latency.match(chargers.stop(), heard)
    if len(delays) < 100:
        raise Left(f"only {len(delays)} readings came through")
    print(f"  latency: {len(delays)} readings, {again} doubted and read again, {missing} overtaken by a newer one",
          file=sys.stderr)
    note = f"of {len(delays):,}"
    return [
        Row("latency", "p50", "ms", [quantile(delays, 0.5)], limit=note),
        Row("latency", "p99", "ms", [quantile(delays, 0.99)], required=("<=", 3)),
        Row("latency", "p99.9", "ms", [quantile(delays, 0.999)], required=("<=", 10)),
        Row("latency", "longest", "ms", [delays[-1]]),
        Row("latency", "doubted and read again", "%", [100 * again / (again + len(delays))]),
    ]


def publishing(arguments):
    """The test that holds publishing to its time; it builds the tests."""
    text = run("swift", "test", "--filter", "ThroughputTests", env={**os.environ, "VEBRIDGE_BENCH": "1"})
    match = re.search(r"reading to subscriber, (\d+) readings in ([\d.]+) seconds: "
                      r"p50 ([\d.]+) ms, p99 ([\d.]+) ms, longest ([\d.]+) ms", text)
    if not match:
        raise Left("ThroughputTests printed no times")
    return [
        Row("publishing", "messages", "/s", [int(match[1]) / float(match[2])], better="high", limit="asked for: 167"),
        Row("publishing", "p50", "ms", [match[3]]), Row("publishing", "p99", "ms", [match[4]], required=("<=", 5)),
    ]


def history(arguments):
    """Eight chargers and a shunt, written and asked."""
    program = os.path.join(ROOT, ".build", "release", "HistoryProof")
    if not os.path.exists(program):
        raise Left("HistoryProof is not built: swift build -c release --product HistoryProof")
    days = 10 if arguments.quick else 60
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        text = run(program, "size", folder, str(days))
        passed = time.monotonic() - begin
    rows = []
    for name, words in (("a closed day", "a closed day"), ("the running day", "the running day"),
                        ("a chart", "a chart of a year"), ("eight charts", "eight charts of a year")):
        match = re.search(re.escape(words) + r": ([\d.]+) ms, of which ([\d.]+) ms", text)
        if match:
            rows.append(Row("history", f"{name}, of {days} days", "ms", [match[1]], limit=f"at work {match[2]}"))
    for key, name, scale, unit in (("bytes", f"file of {days} days", 1e6, "MB"),
                                   ("writtenPerHour", "written to the disk, an hour", 1e6, "MB")):
        match = re.search(rf"\b{key}: (\d+)", text)
        if match:
            rows.append(Row("history", name, unit, [int(match[1]) / scale]))
    rows.append(Row("history", "samples written in bulk", "/s", [days * 17_280 * 68 / passed], better="high",
                    limit="needed: 13.6"))
    return rows


def start(arguments):
    """From exec to the first reading at a subscriber."""
    times = []
    for _ in range(2 if arguments.quick else 5):
        with Rig(arguments.program) as rig:
            paths = rig.simulate(4)
            subscriber = latency.Subscriber(rig.port, ["/venetworking/#"])
            begin = time.monotonic()
            rig.bridge(paths)
            first = next(subscriber.messages(begin + 30), None)
            if first is None:
                raise Left("no topic within 30 s")
            times.append(first[0] - begin)
    return [Row("start", "to the first topic, four chargers", "s", times, spread=(min(times), max(times)),
                required=("<=", 1.5))]


def package(arguments):
    """What there is to download."""
    found = sorted(glob.glob(os.path.join(ROOT, "build", "*.deb")), key=os.path.getmtime)
    if not found:
        raise Left("no package in build: make deb")
    return [Row("package", os.path.basename(found[-1]), "MB", [os.path.getsize(found[-1]) / 1e6], required=("<=", 30))]


PEERS = ["vedirect==1.1.0", "vedirect-m8==1.3.4"]


def peers(arguments):
    """Programs of others, on the same bytes."""
    counter = os.path.join(HERE, ".build", "release", "CountInstructions")
    with tempfile.TemporaryDirectory() as folder:
        stream = os.path.join(folder, "stream")
        with open(stream, "wb") as file:
            file.write(bytes.fromhex(run(counter, "write").strip()))
        run(sys.executable, "-m", "venv", os.path.join(folder, "venv"))
        python = os.path.join(folder, "venv", "bin", "python")
        try:
            run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS, timeout=120)
        except (Left, subprocess.TimeoutExpired) as error:
            raise Left(f"the peers cannot be installed: {error}") from error
        os.mkdir(os.path.join(folder, "home"))
        found = json.loads(run(python, os.path.join(HERE, "peers.py"), stream,
                               env={**os.environ, "HOME": os.path.join(folder, "home")}))
    rows = []
    for one in found:
        rows.append(Row("peers", one["name"], "MB/s", one["speeds"], better="high",
                        spread=(min(one["speeds"]), max(one["speeds"])), limit=f"{one['blocks']} blocks"))
    speed = getattr(arguments, "decoding_speed", None)
    if speed:
        for documented, name in ((True, "vebridge against the fastest"),
                                 (False, "vebridge against the fastest, from memory")):
            fastest = max(statistics.median(one["speeds"]) for one in found if one["documented"] is documented)
            rows.append(Row("peers", name, "×", [speed / fastest], better="high",
                            required=(">=", 150) if documented else None))
    return rows


SECTIONS = {
    "decoding": decoding, "instructions": instructions, "allocations": allocations, "session": session, "wire": wire,
    "daemon": daemon, "night": night, "latency": delay, "publishing": publishing, "history": history, "start": start,
    "package": package, "peers": peers,
}
# Only when they are named: one builds all tests, the other needs the network.
NAMED_ONLY = {"publishing", "peers"}


def machine():
    def first(path, pattern):
        try:
            with open(path) as file:
                match = re.search(pattern, file.read(), re.MULTILINE)
                return match[1].strip() if match else ""
        except OSError:
            return ""

    def word(*words):
        try:
            return subprocess.run(words, capture_output=True, text=True, cwd=ROOT).stdout.strip().split("\n")[0]
        except OSError:
            return ""

    return {
        "name": platform.node(),
        "cpu": first("/proc/cpuinfo", r"^(?:model name|Model)\s*:\s*(.*)$") or platform.machine(),
        "cores": os.cpu_count(), "memory_mb": int(first("/proc/meminfo", r"^MemTotal:\s*(\d+)") or 0) // 1000,
        "kernel": platform.release(), "swift": word("swift", "--version"),
        "commit": word("git", "describe", "--always", "--dirty"),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "load": round(os.getloadavg()[0], 2),
    }


def table(rows, saved):
    head = ["", "median", "spread", "", "limit", "required", ""]
    if saved:
        head += ["before", "ratio"]
    lines, section = [head], None
    for row in rows:
        if row.section != section:
            section = row.section
            lines.append([section])
        spread = "" if row.low == row.high else f"{short(row.low)}–{short(row.high)}"
        required = "" if row.required is None else f"{'≤' if row.required[0] == '<=' else '≥'} {row.required[1]:g}"
        verdict = {None: "", True: "reached", False: "NOT REACHED"}[row.reached]
        cells = ["  " + row.name, short(row.median), spread, row.unit, row.limit, required, verdict]
        before = saved.get((row.section, row.name)) if saved else None
        if before:
            cells += [short(before["median"]), ratio(row, before)]
        lines.append(cells)
    widths = [max(len(cells[index]) for cells in lines if len(cells) > index and len(cells) > 1)
              for index in range(len(head))]
    for cells in lines:
        if len(cells) == 1:
            print(f"\n{cells[0]}")
            continue
        print("  ".join(cell.rjust(width) if index in (1, 2, 7, 8) else cell.ljust(width)
                        for index, (cell, width) in enumerate(zip(cells, widths))).rstrip())


def ratio(row, before):
    """To the saved run; marked where it is worse by more than both runs spread."""
    if not before["median"]:
        return "" if row.median == 0 else "was 0 ◀ worse"
    # What has no spread of its own is given a twentieth.
    margin = max(row.high - row.low, before["high"] - before["low"], before["median"] * 0.05)
    loss = (row.median - before["median"]) * (1 if row.better == "low" else -1)
    return f"{row.median / before['median']:.2f}" + (" ◀ worse" if loss > margin else "")


def plot(points, path, caption):
    """Per cent of a core against ports, and the straight line through them; drawn by hand."""
    width, height, left, bottom = 640, 360, 56, 48
    slope, start_value, _ = line(points)
    top = max(12.0, max(point[1] for point in points) * 1.1)

    def x(ports):
        return left + ports / 68 * (width - left - 16)

    def y(share):
        return height - bottom - share / top * (height - bottom - 40)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             'font-size="13"><style>text{fill:#333}.g{stroke:#ddd}.l{stroke:#1f6fb2;stroke-width:2}.p{fill:#1f6fb2}'
             '.r{stroke:#c0392b;stroke-dasharray:5 4;stroke-width:1.5}'
             '@media(prefers-color-scheme:dark){text{fill:#ccc}.g{stroke:#444}}</style>',
             f'<text x="{left}" y="22">Of one core, in %, against chargers at full rate ({caption})</text>']
    step = 2 if top <= 16 else 5
    for mark in range(0, int(top) + 1, step):
        parts.append(f'<line class="g" x1="{left}" x2="{width - 16}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>'
                     f'<text x="{left - 8}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark}</text>')
    for mark in (1, 8, 16, 32, 48, 64):
        parts.append(f'<text x="{x(mark):.1f}" y="{height - bottom + 20}" text-anchor="middle">{mark}</text>')
    parts.append(f'<text x="{x(34):.1f}" y="{height - 8}" text-anchor="middle">ports</text>')
    parts.append(f'<line class="l" x1="{x(0):.1f}" y1="{y(max(start_value, 0)):.1f}" x2="{x(66):.1f}" '
                 f'y2="{y(start_value + 66 * slope):.1f}"/>')
    for ports, bound in ((8, 2), (64, 12)):
        parts.append(f'<line class="r" x1="{x(ports) - 14:.1f}" x2="{x(ports) + 14:.1f}" y1="{y(bound):.1f}" '
                     f'y2="{y(bound):.1f}"/>')
    for ports, share, memory in points:
        parts.append(f'<circle class="p" cx="{x(ports):.1f}" cy="{y(share):.1f}" r="4.5"/>'
                     f'<text x="{x(ports) - 6:.1f}" y="{y(share) - 10:.1f}" text-anchor="end">{share:.2f} %, '
                     f'{memory:.0f} MB</text>' if ports > 8 else
                     f'<circle class="p" cx="{x(ports):.1f}" cy="{y(share):.1f}" r="4.5"/>'
                     f'<text x="{x(ports) + 8:.1f}" y="{y(share) + (16 if ports == 8 else -8):.1f}">'
                     f'{share:.2f} %</text>')
    parts.append("</svg>\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--program", default=os.path.join(ROOT, ".build", "release", "vebridge"))
    parser.add_argument("--peers", action="store_true", help="the programs of others too")
    parser.add_argument("--quick", action="store_true", help="shorter, and not to quote")
    parser.add_argument("--compare", metavar="FILE", help="a saved run")
    parser.add_argument("--output", metavar="FILE", help="instead of results/MACHINE-DATE.json")
    parser.add_argument("--nice", type=int, metavar="N", help="the priority of all that is measured, -20 to 19: on a "
                        "machine that has other work to do, -15 keeps that out (needs root)")
    parser.add_argument("--plot", metavar="FILE", help="draw cost against ports, for example into docs/benchmarks.svg")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    arguments.program = os.path.abspath(arguments.program)
    if not os.access(arguments.program, os.X_OK):
        parser.error(f"{arguments.program} is not there; make release builds it")
    saved = None
    if arguments.compare:
        try:
            with open(arguments.compare, encoding="utf-8") as file:
                saved = {(row["section"], row["name"]): row for row in json.load(file)["rows"]}
        except (OSError, ValueError, KeyError) as error:
            parser.error(f"{arguments.compare}: not a saved run ({error})")
    chosen = arguments.sections or [name for name in SECTIONS if name not in NAMED_ONLY]
    if arguments.peers and "peers" not in chosen:
        chosen.append("peers")
    about = machine()
    if arguments.nice is not None:
        about["nice"] = os.nice(arguments.nice)
    print(f"{about['cpu']}, {about['cores']} cores, {about['kernel']}, {about['swift']}, {about['commit']}; "
          f"load at the start {about['load']}{', nice ' + str(about['nice']) if 'nice' in about else ''}")
    rows, left = [], {}
    for name in [name for name in SECTIONS if name in chosen]:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows += SECTIONS[name](arguments)
        except (Left, OSError, ValueError, KeyError, RuntimeError) as error:
            left[name] = f"{error}" if isinstance(error, Left) else f"{type(error).__name__}: {error}"
    table(rows, saved)
    for name, reason in left.items():
        print(f"\n{name}: left out: {reason}")
    if arguments.plot and getattr(arguments, "points", None):
        plot(arguments.points, arguments.plot, f"{about['cpu']}, {about['date'][:10]}")
    path = arguments.output
    if path is None:
        os.makedirs(os.path.join(HERE, "results"), exist_ok=True)
        stem = os.path.join(HERE, "results", f"{about['name']}-{about['date'][:10]}")
        # An earlier run of this day is kept.
        numbers = ["", *(f"-{number}" for number in range(2, 1000))]
        path = next(stem + number + ".json" for number in numbers if not os.path.exists(stem + number + ".json"))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": about, "quick": arguments.quick, "rows": [row.document() for row in rows], "left": left},
                  file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"\nkept in {os.path.relpath(path)}")
    missed = [f"{row.section} {row.name}" for row in rows if row.reached is False]
    if missed:
        print(f"not reached: {'; '.join(missed)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
