# SPDX-License-Identifier: MIT
"""A real browser without a window: Debian's Chromium, steered by its chromedriver."""
import os
import re
import shutil
import signal
import subprocess
import urllib.parse

import pytest

from harness.server import end_with_parent
from harness.wait import PATIENCE_S

try:
    from selenium import webdriver
    from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
    from selenium.webdriver.common.by import By
    from selenium.webdriver.remote.file_detector import UselessFileDetector
    from selenium.webdriver.support.ui import WebDriverWait
except ModuleNotFoundError as e:
    if e.name != "selenium":
        raise
    webdriver = None

STARTED = re.compile(rb"started successfully on port (\d+)")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-proxy-server", "--disable-dev-shm-usage", "--window-size=1000,800")


class Browser:
    """One Chromium with one tab. Made and ended by the fixture `browser`."""

    def __init__(self, profile):
        for program in ("chromium", "chromedriver"):
            if not shutil.which(program):
                pytest.skip(f"{program} is not installed: tools/deps test installs it")
        if not webdriver:
            pytest.skip("python3-selenium is not installed: tools/deps test installs it")
        self.driver = None
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=end_with_parent)
        try:
            self.driver = self._session(self._port(), profile)
        except BaseException:
            self.end()
            raise

    def _port(self):
        for line in self.process.stdout:
            if match := STARTED.search(line):
                return int(match[1])
        raise AssertionError("chromedriver did not start")

    @staticmethod
    def _session(port, profile):
        options = webdriver.ChromeOptions()
        for flag in (*QUIET, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        steered = ChromiumRemoteConnection(f"http://127.0.0.1:{port}", "goog", "chrome", ignore_proxy=True)
        return webdriver.Remote(command_executor=steered, options=options, file_detector=UselessFileDetector())

    def end(self):
        try:
            if self.driver:
                self.driver.quit()
        finally:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_S)
            self.process.stdout.close()

    # -- looking

    def open(self, server, path="/"):
        self.driver.get(urllib.parse.urljoin(server.url, path))

    def until(self, condition, what):
        """The first true value of @condition(), which may fail while the page changes."""
        return WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.02).until(lambda _: condition(), f"it did not happen: {what}")

    def find(self, selector):
        """The first element that is shown, as soon as there is one."""
        def shown():
            return next((e for e in self.driver.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()), None)
        return self.until(shown, f"{selector} is on the page")

    def js(self, script, *args):
        return self.driver.execute_script(script, *args)

    def names(self):
        """What the list shows, in its order."""
        return self.js("return [...document.querySelectorAll('tbody tr:not([hidden]) a')].map(a => a.textContent)")

    def shows(self, *names):
        """Waits until the list has exactly these, in this order."""
        self.until(lambda: self.names() == list(names), f"the list is {names}, not {self.names()}")

    def focused(self):
        return self.js("return document.activeElement.textContent || document.activeElement.placeholder")

    def said(self, sentence):
        """Waits for a sentence to the user with these words."""
        self.until(lambda: sentence in self.find("#said").text, f"it says: {sentence}")

    # -- doing

    def click(self, text, within="body"):
        """Presses the button, or follows the link, that says exactly @text."""
        def it():
            return next((e for e in self.driver.find_elements(By.CSS_SELECTOR, f"{within} :is(button, a)")
                         if e.text == text and e.is_displayed()), None)
        self.until(it, f"{text!r} can be pressed").click()

    def type(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def focus(self, name):
        self.js("[...document.querySelectorAll('tbody a')].find(a => a.textContent === arguments[0]).focus()", name)

    def answer(self, text, verb):
        """Fills in the field of the question that is open, and presses @verb."""
        field = self.find("dialog input[type=text]")
        field.clear()
        field.send_keys(text)
        self.click(verb, "dialog")

    def choose(self, verb, *paths):
        """Presses @verb, and gives what is chosen there: for a file chooser, which only a person can open."""
        self.js("HTMLInputElement.prototype.click = function () { this.id = 'chosen'; document.body.append(this) }")
        self.click(verb)
        self.driver.find_element(By.ID, "chosen").send_keys("\n".join(map(str, paths)))

    def devtools(self, command, **params):
        return self.driver.execute("executeCdpCommand", {"cmd": command, "params": params})["value"]

    def drop(self, *paths):
        """Drops files and folders of this machine on the page, as a person would."""
        data = {"items": [], "files": [str(p) for p in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.devtools("Input.dispatchDragEvent", type=kind, x=300, y=300, data=data)
