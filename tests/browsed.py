"""view.py's page in a real Chromium, for tests: a window, and what a person sees and presses in it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
         "--disable-renderer-backgrounding",  # two windows side by side are both in sight
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
PATIENCE = 20  # seconds; things take far less, but the machine may be busy


class Page:
    """A window of the browser on view.py's page."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address
        driver.switch_to.new_window("window")
        driver.set_window_size(1280, 860)
        self.window = driver.current_window_handle

    def here(self) -> None:
        if self.driver.current_window_handle != self.window:
            self.driver.switch_to.window(self.window)

    def open(self, place: str = "") -> Page:
        self.here()
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}/{place}")
        self.until("return window.app?.page")
        self.run("""window.told = [];  // messages that came, as they go again
            const note = (changes) => told.push(...changes.flatMap((c) => [...c.addedNodes]).map((n) => n.textContent));
            new MutationObserver(note).observe(document.getElementById("toasts"), {childList: true})""")
        return self

    def run(self, script: str, *arguments: object) -> Any:
        self.here()
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, *arguments: object) -> Page:
        """Wait until a script returns something true."""
        truth = f"return Boolean((function () {{ {script} }}).apply(null, arguments))"
        wait(lambda: self.run(truth, *arguments), script)
        return self

    def press(self, *keys: str, shift: bool = False, alt: bool = False, ctrl: bool = False) -> Page:
        """Press keys as on a keyboard: names such as ArrowRight, or characters."""
        self.here()
        modifiers = alt + 2 * ctrl + 8 * shift
        for key in keys:
            code = f"Digit{key}" if key.isdigit() else f"Key{key.upper()}" if key.isalpha() and len(key) == 1 else key
            down = {"type": "rawKeyDown", "key": key, "code": code, "modifiers": modifiers}
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", down)
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {**down, "type": "keyUp"})
        return self

    def video(self, name: str, frame: int = 0) -> Page:
        self.open(f"#video={name}&frame={frame}&threshold=0.5")
        return self.until("const p = app.page; return p.labels.revision !== null && p.player.drawn === p.player.frame"
                          " && p.scene.verdicts.models.every(Boolean)")

    def counted(self) -> int:
        """The frame that the counter shows."""
        return int(self.run("return document.querySelector('.counter').value"))

    def pictured(self) -> int:
        """The frame whose number is drawn in the picture, see pattern_frame."""
        from conftest import INDEX_BITS

        bits = self.run("""
            const {left, top, w, h} = app.page.player.shown;
            const ctx = app.page.player.canvas.getContext("2d");
            const white = (i) => ctx.getImageData(left + (i + 0.5) * w / arguments[0], top + h / 2, 1, 1).data[1] > 127;
            return Array.from({length: arguments[0]}, (_, i) => white(i) ? "1" : "0").join("");
        """, INDEX_BITS)
        return int(bits, 2)

    def listed(self) -> list[tuple[str, int, str]]:
        """Class, frame and verdict of each line of the list."""
        lines = self.run("""return [...document.querySelectorAll(".events .line")].map((line) =>
            [".chip", ".frame", ".verdict"].map((part) => line.querySelector(part).textContent))""")
        return [(label, int(frame), verdict) for label, frame, verdict in lines]

    def saved(self) -> Page:
        return self.until("return !app.page.labels.pending && !app.page.labels.saving.busy")


def wait(true: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def driver(tmp_path_factory) -> Iterator[Any]:
    """A Chromium without a screen, that reaches nothing but this machine."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium, see requirements-dev.txt")
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    helper = shutil.which("chromedriver")
    if not browser or not helper:
        missing = "needs Chromium and its chromedriver on the path (Debian: apt install chromium chromium-driver)"
        if os.environ.get("NEEDS_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in [*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    os.environ["SE_OFFLINE"] = "true"  # or selenium would look for a newer driver
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"  # and ask a proxy for this machine
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(helper))
    yield driver
    driver.quit()


@pytest.fixture
def serve(driver) -> Iterator[Callable[..., str]]:
    """Start view.py for a command line; gives the address. The browser must have had nothing to complain of."""
    from viewed import open_session

    import view

    servers = []

    def start(*arguments: object) -> str:
        server = view.listen(open_session(*arguments), "127.0.0.1", None)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.port}"

    yield start
    complaints = [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    first, *windows = driver.window_handles
    for window in windows:  # or their pages would go on asking
        driver.switch_to.window(window)
        driver.close()
    driver.switch_to.window(first)
    for server in servers:
        server.shutdown()
    assert [line for line in complaints if "409 (CONFLICT)" not in line] == []
