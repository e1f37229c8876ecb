"""A headless Chromium, driven over a pipe by its own protocol: nothing but Python is needed."""
import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def program():
    """The Chromium of this machine; None where there is none."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="vebridge-page-")
        to_browser = os.pipe()
        from_browser = os.pipe()

        def descriptors():
            os.dup2(to_browser[0], 203)
            os.dup2(from_browser[1], 204)
            os.dup2(203, 3)
            os.dup2(204, 4)

        self.process = subprocess.Popen(
            [program(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", f"--user-data-dir={self.profile}",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.out, self.incoming = to_browser[1], from_browser[0]
        self.numbers = itertools.count(1)
        self.rest = b""
        self.events = []

    def close(self):
        try:
            self.call("Browser.close")
        except Exception:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def read(self, timeout):
        """One message, or None when the time is over."""
        deadline = time.monotonic() + timeout
        while b"\0" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.incoming], [], [], left)[0]:
                return None
            data = os.read(self.incoming, 1 << 20)
            if not data:
                raise EOFError("Chromium has ended")
            self.rest += data
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, timeout=30, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + timeout
        while True:
            answer = self.read(max(0, deadline - time.monotonic()))
            if answer is None:
                raise TimeoutError(method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def page(self):
        return Page(self)


class Page:
    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"]:
            self.call(domain + ".enable")

    def call(self, method, **params):
        return self.browser.call(method, session=self.session, **params)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700)

    def dark(self, is_dark):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])

    def language(self, tag):
        self.call("Emulation.setLocaleOverride", locale=tag)
        self.call("Network.setUserAgentOverride", userAgent="page-test", acceptLanguage=tag)

    def open(self, url):
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression, seconds=15):
        """Waits until an expression is true; False when the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self.evaluate(expression):
                    return True
            except RuntimeError:
                pass
            self.drain(0.05)
        return False

    def drain(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            event = self.browser.read(max(0, deadline - time.monotonic()))
            if event is None:
                return
            self.browser.events.append(event)

    def complaints(self):
        """What the console holds, and what failed to load."""
        found = []
        for event in self.browser.events:
            params = event.get("params", {})
            if event.get("sessionId") != self.session:
                continue
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append("console: " + str([argument.get("value") for argument in params["args"]]))
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append("exception: " + json.dumps(params["exceptionDetails"])[:500])
            elif event.get("method") == "Log.entryAdded":
                entry = params["entry"]
                found.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        return found

    def transferred(self):
        """Bytes and number of the requests that have ended."""
        sizes = [e["params"]["encodedDataLength"] for e in self.browser.events
                 if e.get("sessionId") == self.session and e.get("method") == "Network.loadingFinished"]
        return sum(sizes), len(sizes)

    def screenshot(self, path):
        height = self.evaluate("Math.max(document.documentElement.scrollHeight, innerHeight)")
        width = self.evaluate("innerWidth")
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def tree(self):
        return self.call("Accessibility.getFullAXTree")["nodes"]
