#!/usr/bin/env python3
"""The page in a real Chromium, before a simulated plant and before everything that can be wrong.

At three widths, light and dark, German and English: nothing overflows, the console stays empty, the numbers are those
of the interface for programs, every control has a name, and the first look costs less than 150 kB and a second.
Pictures of it all go to the folder given with --pictures.
"""
import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import chromium

WIDTHS = [360, 768, 1440]
failures = []


def check(is_right, words):
    if not is_right:
        failures.append(words)
        print("  WRONG:", words)


class Program:
    """A vebridge of its own; ended by the number of its process."""

    def __init__(self, program, *arguments):
        self.log = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=self.log, text=True)

    def address(self):
        for _ in range(400):
            self.log.seek(0)
            found = re.search(r"(http://[0-9.:]+/)", self.log.read())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.log.seek(0)
        sys.exit("no page was served: " + self.log.read())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


OVERFLOW = """(() => {
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) return `the page is ${wide} wide`;
  for (const element of document.querySelectorAll('main *, header *, footer *')) {
    const box = element.getBoundingClientRect();
    if (!box.width || !element.checkVisibility() || element.closest('.unseen, .scroll, .log, svg')) continue;
    if (box.right > innerWidth + 1 || box.left < -1) return `${element.tagName}.${element.className} ends at ${Math.round(box.right)}`;
    if (element.children.length === 0 && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline') return `text is cut in ${element.tagName}.${element.className}`;
  }
  for (const text of document.querySelectorAll('svg text')) {
    const box = text.getBoundingClientRect();
    const frame = text.ownerSVGElement.getBoundingClientRect();
    if (box.width && (box.right > frame.right + 2 || box.left < frame.left - 2)) return `the text ${text.textContent} leaves its chart`;
  }
  return '';
})()"""


def look(browser, url, name, pictures, ready, languages=("en", "de"), widths=WIDTHS, views=("now", "days", "health")):
    """Every view at every width; gives the English text of the first view."""
    print(name)
    first = None
    for view in views:
        for width in widths:
            language = languages[widths.index(width) % len(languages)]
            page = browser.page()
            page.size(width)
            page.dark(width == 768)
            begin = time.monotonic()
            page.open(f"{url}?lang={language}#{view}")
            is_ready = page.wait(f"Boolean({ready[view.split('/')[0]]})")
            took = time.monotonic() - begin
            place = f"{name}, {view} at {width}"
            check(is_ready, f"{place}: not ready after 15 s")
            page.drain(0.3)
            overflow = page.evaluate(OVERFLOW)
            check(not overflow, f"{place}: {overflow}")
            holes = page.evaluate("[...document.querySelectorAll('.words, main li, main .note')].map((one) => one.textContent).filter((text) => /\\{\\d\\}|undefined|NaN|  |\\s[.,)]/.test(text)).join(' | ')")
            check(not holes, f"{place}: something is missing in: {holes}")
            if pictures:
                page.screenshot(os.path.join(pictures, f"{name}-{view.replace('/', '-')}-{width}.png").replace(" ", "-"))
            tree = [node for node in page.tree() if not node.get("ignored")]
            for node in tree:
                role = node.get("role", {}).get("value")
                if role in ("button", "link", "combobox", "textbox", "img", "image", "Date"):
                    check(node.get("name", {}).get("value"), f"{place}: a {role} has no name")
            roles = [node.get("role", {}).get("value") for node in tree]
            for role in ("banner", "main", "navigation", "contentinfo", "heading"):
                check(role in roles, f"{place}: there is no {role} in the accessibility tree")
            for complaint in page.complaints():
                check(False, f"{place}: {complaint}")
            if first is None:
                first = page.evaluate("document.body.textContent")
                weight, count = page.transferred()
                print(f"  first look: {weight} bytes in {count} requests, {took:.2f} s")
                check(weight < 150_000, f"{place}: {weight} bytes")
            page.close()
    return first


def numbers(browser, url):
    """What the page shows is what the plant says."""
    page = browser.page()
    page.size(1440)
    page.open(url + "?lang=en#now")
    page.wait("document.querySelectorAll('#now .grid > .card').length >= 3")
    # The page shows what it was told last; both are read in one go from the same event.
    result = page.evaluate("""new Promise((resolve) => {
      const stream = new EventSource('/api/v1/events');
      const seen = [];
      stream.addEventListener('now', (event) => seen.push(JSON.parse(event.data)));
      const timer = setInterval(() => {
        if (seen.length < 2) return;
        clearInterval(timer); stream.close();
        const cards = Object.fromEntries([...document.querySelectorAll('#now .grid > .card')].map((card) => [card.querySelector('p').textContent, card.querySelector('.big').textContent]));
        resolve({ seen: seen.slice(-3), cards, flow: document.querySelector('.flow .v').textContent, output: document.querySelector('.flow .output')?.textContent,
          aged: [...document.querySelectorAll('#now dt')].filter((one) => one.textContent === 'Yield yesterday' && one.nextSibling.querySelector('.age')).length });
      }, 50);
    })""")
    told = [{c["serial"]: c["values"]["panel_power"]["value"] for c in now["chargers"]} for now in result["seen"]]
    check(len(result["cards"]) == len(told[-1]), "not every charger has a card")
    for serial, shown in result["cards"].items():
        value = float(re.sub(r"[^0-9.]", "", shown.split("W")[0].replace(",", "")))
        check(any(abs(value - one[serial]) <= 0.51 for one in told), f"{serial} is shown as {shown}, told as {told}")
    total = float(re.sub(r"[^0-9.]", "", result["flow"].replace(",", "")))
    check(any(abs(total - now["solar"]["power"]["value"]) <= 0.51 for now in result["seen"]), f"panels: {result['flow']}")
    # What leaves the panels' box adds up to what stands beside it.
    output = result["output"] and float(re.sub(r"[^0-9.]", "", result["output"].replace(",", "")))
    check(any(abs((output if output is not None else total) - now["solar"]["output"]["value"]) <= 0.51 for now in result["seen"]), f"charger output: {result['output']}")
    check(result["aged"] == 0, "the yield of yesterday is shown as old")
    page.close()


def without_monitor(browser, url):
    """Without a battery monitor nothing says how the power divides, so the page does not either."""
    page = browser.page()
    page.size(768)
    for language, together, loads in (("en", "Battery and loads", "Loads"), ("de", "Batterie und Verbraucher", "Verbraucher")):
        page.open(f"{url}?lang={language}#now")
        check(page.wait("Boolean(document.querySelector('.flow rect'))"), "no diagram without a battery monitor")
        texts = page.evaluate("[...document.querySelectorAll('.flow text')].map((one) => one.textContent)")
        check(together in texts and loads not in texts, f"without a battery monitor: {texts}")
        check(page.evaluate("document.querySelectorAll('.flow rect').length") == 2, "a place for loads without a battery monitor")
    page.close()


def keyboard(browser, url):
    """Everything is reached by the tabulator key, and a chart is read with the arrows."""
    page = browser.page()
    page.size(1440)
    page.open(url + "?lang=en#days")
    page.wait("Boolean(document.querySelector('#days-body .chart svg'))")
    reached = set()
    for _ in range(60):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        page.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('data-view') || document.activeElement.className?.baseVal || document.activeElement.tagName"))
    for wanted in ("now", "days", "health", "previous", "date", "range", "bar-link"):
        check(wanted in reached, f"the tabulator key does not reach {wanted}: {sorted(map(str, reached))}")
    page.close()


def resume(browser, program, url):
    """A page whose bridge goes away says so, and goes on when it is back."""
    page = browser.page()
    page.size(768)
    page.open(url + "?lang=en#now")
    page.wait("document.querySelector('#link').textContent === 'live'")
    program.process.send_signal(signal.SIGSTOP)
    check(page.wait("document.querySelector('#notes').textContent.includes('does not answer')", 20), "a bridge that hangs is not told of")
    check(page.wait("document.querySelectorAll('.age').length > 0", 5), "old values show no age")
    program.process.send_signal(signal.SIGCONT)
    check(page.wait("!document.querySelector('#notes').textContent.includes('does not answer')", 20), "the page does not go on")
    page.close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bridge(program, folder, name, *lines):
    path = os.path.join(folder, name + ".toml")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n[web]\nlisten = \"127.0.0.1:0\"\n")
    return Program(program, "--config", path)


def simulated(program, *arguments):
    """A simulation and its ports."""
    simulator = Program(program, "simulate", *arguments)
    count = int(arguments[arguments.index("--chargers") + 1])
    return simulator, [simulator.process.stdout.readline().split()[0] for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=".build/debug/vebridge")
    parser.add_argument("--pictures", help="a folder for pictures of all that is looked at")
    options = parser.parse_args()
    if not chromium.program():
        print("page-test: skipped, there is no chromium (apt-get install chromium fonts-dejavu-core)")
        return
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
    browser = chromium.Browser()
    running = []
    ready = {
        "now": "document.querySelector('#now .card, #now h2')", "health": "document.querySelector('#cards .card')",
        "days": "document.querySelector('#days-body .card, #days-body .note')"}
    try:
        with tempfile.TemporaryDirectory() as folder:
            demo = Program(options.program, "demo", "--for", "600", "--web", "127.0.0.1:0")
            running.append(demo)
            url = demo.address()
            for _ in range(100):
                now = get(url + "api/v1/now")
                if len(now["chargers"]) == 3 and now["inverter"] and now["battery"]["state_of_charge"]:
                    break
                time.sleep(0.2)
            yesterday = get(url + "api/v1/days")["last"]
            text = look(browser, url, "day", options.pictures, ready, views=("now", "days/" + yesterday, "days", "health"))
            check("Panels" in text and "Battery" in text and "Loads" in text, "the plant is not on the page")
            numbers(browser, url)
            keyboard(browser, url)
            resume(browser, demo, url)
            demo.stop()

            nowhere = f'[broker]\nurl = "mqtt://127.0.0.1:{closed_port()}"'
            nothing = bridge(options.program, folder, "nothing", 'ports = ["/dev/vebridge-test-none*"]', nowhere)
            running.append(nothing)
            text = look(browser, nothing.address(), "no device", options.pictures, ready)
            check("No device has answered yet" in text, "no device: not said")
            check("broker is not connected" in text, "no broker: not said")
            nothing.stop()

            sun, ports = simulated(options.program, "--chargers", "2", "--hour", "12")
            night, dark = simulated(options.program, "--chargers", "2", "--first", "4", "--hour", "1")
            running += [sun, night]
            listed = ", ".join(json.dumps(port) for port in ports + ["/dev/vebridge-test-none"])
            trouble = bridge(options.program, folder, "trouble", f"ports = [{listed}]", nowhere)
            running.append(trouble)
            url = trouble.address()
            for _ in range(150):
                if len([c for c in get(url + "api/v1/now")["chargers"] if "panel_power" in c["values"]]) == 2:
                    break
                time.sleep(0.2)
            without_monitor(browser, url)
            sun.stop()
            for _ in range(150):
                if not any(c["answers"] for c in get(url + "api/v1/now")["chargers"]):
                    break
                time.sleep(0.2)
            text = look(browser, url, "ports dead", options.pictures, ready, views=("now", "health"))
            check("does not answer" in text and "cannot be read" in text, "dead ports: not said")
            check("Share" not in text, "a charger that does not answer has a share")
            trouble.stop()

            listed = ", ".join(json.dumps(port) for port in dark)
            sleeping = bridge(options.program, folder, "night", f"ports = [{listed}]", nowhere, "[poll]", 'night_after = "1s"')
            running.append(sleeping)
            url = sleeping.address()
            for _ in range(200):
                chargers = get(url + "api/v1/now")["chargers"]
                if len(chargers) == 2 and all(c["dark"] for c in chargers):
                    break
                time.sleep(0.2)
            text = look(browser, url, "night", options.pictures, ready, views=("now",))
            check("It is night" in text, "night: not said")
    finally:
        browser.close()
        for program in running:
            program.stop()
    print(f"page-test: {'all is well' if not failures else str(len(failures)) + ' things are wrong'}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
