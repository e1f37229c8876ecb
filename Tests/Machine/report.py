"""What was to be proven, what was, and how long it took."""
import json
import time

from guest import GuestError

# A deadline, in seconds, for what takes a moment on a real machine: an emulated one on a busy host is slow.
SOON = 90


class Failure(Exception):
    """Something that was to be proven is not so."""


def need(condition, text):
    if not condition:
        raise Failure(text)


def restoring(guest, proof, script):
    """A proof that leaves the machine in order, even if it fails in the middle: the next one begins there."""
    def run():
        try:
            return proof()
        except BaseException:
            guest.run("set +e\n" + script, 2 * SOON, check=False)
            raise
    return run


class Report:
    def __init__(self, verbose, folder):
        self.steps = []
        self.folder = folder
        self.verbose = verbose
        self.started = time.monotonic()

    def step(self, name, action):
        """Runs one proof; it returns what is worth telling, as a text and figures."""
        begun = time.monotonic()
        entry = {"step": name, "proven": False}
        try:
            text, figures = action()
            entry.update(proven=True, text=text, figures=figures)
        except (Failure, GuestError) as error:
            entry.update(text=str(error), figures={})
        entry["begun"] = round(begun - self.started, 2)
        entry["seconds"] = round(time.monotonic() - begun, 2)
        self.steps.append(entry)
        print(self.line(entry), flush=True)
        return entry["proven"]

    def step_at(self, when):
        names = [entry["step"] for entry in self.steps if entry["begun"] <= when - self.started]
        return names[-1] if names else "-"

    @staticmethod
    def line(entry):
        mark = "proven" if entry["proven"] else "FAILED"
        text = entry["text"].replace("\n", "\n" + " " * 33)
        return f"{mark}  {entry['step']:<16} {entry['seconds']:6.1f} s  {text}"

    @property
    def good(self):
        return bool(self.steps) and all(entry["proven"] for entry in self.steps)

    def text(self):
        count = sum(entry["proven"] for entry in self.steps)
        lines = [self.line(entry) for entry in self.steps]
        lines.append(f"{count} of {len(self.steps)} proven in {time.monotonic() - self.started:.0f} s")
        return "\n".join(lines)

    def json(self):
        return json.dumps({"good": self.good, "seconds": round(time.monotonic() - self.started, 1),
                           "steps": self.steps}, indent=1)
