"""The real binary, started for browser tests, and Debian's chromium, which reaches this machine and nothing else."""

import json
import os
import pathlib
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Proof"))
from ingress import Ingress  # noqa: E402  (a neighbour, found by its path)
from proof import free_offset  # noqa: E402

BINARY = os.environ.get("POPSHOP", ".build/debug/popshop")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# How long an expectation may wait: for a machine that is busy with something else, not for the console.
PATIENCE = int(os.environ.get("PATIENCE", 60_000))
expect.set_options(timeout=PATIENCE)


class Popshop:
    """A shop on a data directory of its own, with an ingress that takes its spans: as any OTLP endpoint, or as Coralogix,
    where the team's pages are at that address."""

    def __init__(self, *command, coralogix_team=None, **environment):
        self.folder = tempfile.TemporaryDirectory(prefix="popshop-browser-")
        self.offset = free_offset()
        self.ingress = Ingress()
        self.ingress.start()
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CX_", "OTEL_", "POPSHOP_", "SYNC_"))}
        if coralogix_team:
            clean.update(CX_ENDPOINT=self.ingress.url, CX_TOKEN=secrets.token_hex(), CX_TEAM_URL=coralogix_team)
        else:
            clean.update(OTEL_EXPORTER_OTLP_ENDPOINT=self.ingress.url)
        clean.update(LOG_LEVEL="error", **environment)
        self.process = subprocess.Popen(
            [BINARY, *command, "--data-dir", self.folder.name + "/data", "--port-offset", str(self.offset)],
            env=clean,
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            if "PopShop is open" in line or "console listens" in line:
                return
        raise RuntimeError("the shop did not open")

    @property
    def url(self):
        return f"http://127.0.0.1:{8000 + self.offset}"

    def ask(self, path, body=None, port=8000):
        request = urllib.request.Request(f"http://127.0.0.1:{port + self.offset}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def close(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.ingress.server.shutdown()
        self.ingress.server.server_close()
        self.folder.cleanup()


class BrowserTest(unittest.TestCase):
    """One shop and one browser a class, one page a test. Whatever a page asks another host, or complains of in the
    browser's console, fails the test."""

    command = ("demo", "--traffic", "120")
    environment = {}

    @classmethod
    def setUpClass(cls):
        cls.shop = Popshop(*cls.command, **cls.environment)
        cls.addClassCleanup(cls.shop.close)
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.page = self.open_page()

    def open_page(self, **options):
        context = self.browser.new_context(viewport={"width": 1920, "height": 1080}, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        self.addCleanup(context.close)
        self.outside, self.complaints, self.forgiven = [], [], re.compile("(?!)")
        context.on("request", lambda request: request.url.startswith((self.shop.url, "blob:")) or self.outside.append(request.url))
        page = context.new_page()
        page.on("console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def go(self, path):
        self.page.goto(self.shop.url + path)
        expect(self.page.locator("#stream")).to_have_text("Live")

    def tearDown(self):
        self.assertEqual(self.outside, [], "requests to elsewhere")
        self.assertEqual([one for one in self.complaints if not self.forgiven.search(one)], [], "in the console")
