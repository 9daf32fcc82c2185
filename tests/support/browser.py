"""Drives the web page in headless Chromium, as somebody who looks at it: finds things by their names and waits until they are
there. What the page writes to the browser's console as an error fails the test."""

import json
import os
import pathlib
import shutil

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from command_line import eventually

__all__ = ["Browser", "Keys"]


def axe_source():
    import axe_playwright_python

    return (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


class Browser:
    def __init__(self, width=1280, height=900, dark=False, reduced_motion=False):
        options = Options()
        options.binary_location = shutil.which("chromium")
        # Tests run as root in containers, where Chromium has no sandbox.
        for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}",
                     *(["--no-sandbox"] if os.geteuid() == 0 else [])):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}])

    def devtools(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def close(self):
        self.driver.quit()

    def open(self, address):
        self.driver.get(address)

    def go(self, route):
        self.script("location.hash = arguments[0]", route)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def module(self, body, *arguments):
        """Runs the body of an async function in the page, where it can import the page's modules; gives what it returns."""
        done = self.driver.execute_async_script(
            "const given = [...arguments]; const done = given.pop();"
            f"(async () => {{ {body} }})().then((value) => done({{ value }}), (why) => done({{ why: String(why.stack) }}));", *arguments)
        if "why" in done:
            raise AssertionError(done["why"])
        return done.get("value")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def see(self, selector, text=""):
        """Waits for an element that is seen and has the text; gives it."""

        def look():
            for element in self.all(selector):
                try:
                    if element.is_displayed() and text in element.text:
                        return element
                except StaleElementReferenceException:
                    continue
            return None

        return eventually(look, f"{selector} with {text!r} in: {self.text()}")

    def button(self, name):
        """The button or link of that name; where there are several, the one that is not in the page's head."""

        def look():
            for element in self.all("dialog button, main button, main a") + self.all("header a, header button"):
                try:
                    if element.is_displayed() and (element.accessible_name or element.text).strip().startswith(name):
                        return element
                except StaleElementReferenceException:
                    continue
            return None

        return eventually(look, f"a button {name!r} in: {self.text()}")

    def until(self, look, what):
        return eventually(look, f"{what}; the page shows: {self.text()}")

    def text(self):
        return self.script("return document.body.innerText")

    def focused(self):
        return self.driver.switch_to.active_element

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def console(self):
        """What went wrong in the page since the last call. Requests that were refused or not answered are no errors of the
        page: Chromium writes them down as well."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]]

    def barriers(self):
        """What axe-core finds that keeps people out."""
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe_source()})
        found = self.driver.execute_cdp_cmd("Runtime.evaluate", {
            "expression": "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
                          ".then((found) => JSON.stringify(found.violations.map((one) => [one.id, one.help, one.nodes.slice(0, 3).map((node) => node.html)])))",
            "awaitPromise": True, "returnByValue": True})
        return json.loads(found["result"]["value"])

    def screenshot(self, path):
        self.driver.save_screenshot(str(path))
