"""The console in a real browser.

    pip install playwright opentelemetry-proto
    python3 -m unittest discover -s Tests/Browser -v

Needs a built popshop (POPSHOP, by default .build/debug/popshop) and chromium (CHROMIUM, by default /usr/bin/chromium).
"""

import pathlib
import re

from playwright.sync_api import expect

from popshop import BrowserTest


class Visit(BrowserTest):
    """What a presenter does on stage."""

    def tearDown(self):
        super().tearDown()
        self.shop.ask("/api/reset", {})

    def test_a_purchase_is_followed_to_its_trace(self):
        page = self.page
        self.go("/")
        page.get_by_role("listitem").filter(has_text="Bluetooth Headphones").get_by_role("button", name="Add to cart").first.click()
        expect(page.get_by_role("link", name="See this trace")).to_be_visible()
        page.get_by_role("button", name="Checkout").click()
        page.get_by_role("radio", name="Express").check()
        page.get_by_role("button", name="Place order").click()
        expect(page.get_by_role("heading", name="Thank you for your order")).to_be_visible()
        expect(page.get_by_text("Payment authorized")).to_be_visible()
        page.get_by_role("link", name="See this trace").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("POST /api/shop/checkout")
        for name in ("console: POST /api/shop/checkout", "checkout: POST /checkout", "checkout: INSERT orders"):
            expect(page.get_by_role("treeitem", name=name).first).to_be_attached()
        page.get_by_role("treeitem", name=re.compile("INSERT orders")).click()
        expect(page.get_by_role("complementary", name="Span")).to_contain_text("INSERT INTO orders")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download OTLP JSON").click()
        self.assertIn('"resourceSpans"', pathlib.Path(download.value.path()).read_text())

    def test_a_purchase_whose_answer_is_lost_is_made_once(self):
        page = self.page
        answers = []

        def lose(route):
            answer = route.fetch()
            answers.append((route.request.headers["idempotency-key"], answer.status))
            if len(answers) == 1:
                route.abort()
            elif len(answers) == 2:
                route.fulfill(status=504, json={"error": "The checkout did not answer in time.", "code": "gateway_timeout"})
            else:
                route.fulfill(response=answer)

        page.route("**/api/shop/checkout", lose)
        self.go("/")
        page.get_by_role("listitem").filter(has_text="Bluetooth Headphones").get_by_role("button", name="Add to cart").first.click()
        page.get_by_role("button", name="Checkout").click()
        self.forgiven = re.compile("Failed to load resource")
        for event in ("requestfailed", "requestfinished", "requestfinished"):
            with page.expect_event(event, lambda request: request.url.endswith("/api/shop/checkout")):
                page.get_by_role("button", name="Place order").click()
        expect(page.get_by_role("heading", name="Thank you for your order")).to_be_visible()
        self.assertEqual([status for _, status in answers], [201, 200, 200])
        self.assertEqual(len({key for key, _ in answers}), 1)

    def test_search_currency_and_categories(self):
        page = self.page
        self.go("/")
        page.get_by_role("searchbox", name="Search products").fill("mouse")
        expect(page.locator("#products li")).to_have_count(1)
        expect(page.locator("#products")).to_contain_text("$29.99")
        page.get_by_label("Currency").select_option("JPY")
        expect(page.locator("#products")).to_contain_text("¥4,484")
        page.get_by_role("button", name="furniture", exact=True).click()
        expect(page.locator("#products li")).to_have_count(4)

    def test_a_fault_is_switched_on_and_seen_in_the_scatter(self):
        page = self.page
        self.go("/traces")
        expect(page.locator("#summary")).to_contain_text("traces")
        self.go("/control")
        switch = page.get_by_role("switch", name="Slow queries")
        page.get_by_label(re.compile("^Strength of Slow queries")).fill("1500")
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "true")
        # A visitor meets it: in this trace the statement is the slowest, whatever else the machine does.
        answer = page.evaluate("fetch('/api/shop/products').then((one) => one.headers.get('traceresponse'))")
        self.go("/traces")
        expect(page.locator("#scatter")).to_have_attribute("aria-label", re.compile(r"[1-9]\d* slow"))
        page.get_by_label("At least").select_option("1000")
        expect(page.locator("#traces a").first).to_be_visible()
        self.go("/traces/" + answer.split("-")[1])
        expect(page.get_by_role("treeitem").first).to_be_attached()
        page.keyboard.press("s")
        expect(page.get_by_role("treeitem", selected=True)).to_have_accessible_name(re.compile("SELECT "))
        self.go("/control")
        expect(page.locator(".fault.on .effect")).to_contain_text(re.compile(r"\d+ requests? hit"))
        switch.click()
        expect(switch).to_have_attribute("aria-checked", "false")
        # What it has done is a click away, and stays where it is under the pointer.
        notable = page.get_by_role("list", name="Last failed or slow").get_by_role("link").first
        notable.hover()
        expect(notable).to_contain_text(re.compile("slow|failed"))
        trace = notable.get_attribute("href")
        notable.click()
        page.wait_for_url("**" + trace)
        expect(page.get_by_role("treeitem").first).to_be_attached()

    def test_the_plug_is_pulled_and_put_back(self):
        page = self.page
        self.go("/sync")
        network = page.get_by_role("switch", name="Network")
        pending = page.get_by_test_id("spans-pending")
        network.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("The plug is pulled")
        expect(pending).to_have_text(re.compile(r"^(6\d|[7-9]\d|[\d,]{3,})$"))
        network.click()
        expect(network).to_have_attribute("aria-checked", "true")
        expect(pending).to_have_text(re.compile(r"^[12]?\d$"))
        self.assertGreater(sum(self.shop.ingress.spans.values()), 60)

    def test_a_scenario_is_jumped(self):
        page = self.page
        self.go("/control")
        page.get_by_role("button", name="Start Black Friday").click()
        jump = page.get_by_role("button", name="Jump to critical")
        before = page.locator(".talk").inner_text()
        jump.click()
        expect(jump).to_have_attribute("aria-current", "step")
        expect(page.locator(".talk")).not_to_have_text(before)
        page.get_by_role("button", name="Reset everything").click()
        expect(page.get_by_role("button", name="Start Black Friday")).to_be_visible()

    def test_all_of_it_by_keyboard(self):
        page = self.page
        press = page.keyboard.press
        self.go("/")
        expect(page.locator("#products li")).to_have_count(21)
        press("j")
        expect(page.get_by_role("button", name="Add to cart").first).to_be_focused()
        press("Enter")
        expect(page.locator("#cart")).to_contain_text("Laptop Pro")
        press("c")
        expect(page.get_by_role("button", name="Checkout")).to_be_focused()
        press("Enter")
        expect(page.get_by_role("button", name="Place order")).to_be_focused()
        press("Enter")
        expect(page.get_by_role("heading", name="Thank you for your order")).to_be_visible()
        press("v")
        expect(page.get_by_role("treeitem").first).to_be_attached()
        press("s")
        expect(page.get_by_role("treeitem", selected=True)).to_be_visible()
        press("Enter")
        expect(page.get_by_role("complementary", name="Span")).to_be_focused()
        press("Escape")
        expect(page.get_by_role("tree")).to_be_focused()
        press("ArrowLeft")
        press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        press("Escape")
        press("g")
        press("c")
        expect(page.get_by_role("switch").first).to_be_visible()
        press("j")
        first = page.get_by_role("switch").first
        expect(first).to_be_focused()
        press(" ")
        expect(first).to_have_attribute("aria-checked", "true")
        press(" ")
        expect(first).to_have_attribute("aria-checked", "false")

    def test_two_traces_side_by_side(self):
        page = self.page
        self.go("/traces?service=checkout")
        boxes = page.get_by_role("checkbox", name=re.compile("^Compare"))
        expect(boxes.nth(1)).to_be_visible()
        page.get_by_role("button", name="Pause").click()
        boxes.nth(0).check()
        boxes.nth(1).check()
        page.get_by_role("link", name="Compare the two").click()
        expect(page.get_by_role("tree")).to_have_count(2)
        expect(page.get_by_role("table", name="Differences")).to_contain_text("INSERT orders")

    def test_the_map_has_who_calls_whom(self):
        page = self.page
        self.go("/map")
        expect(page.locator("#map a").filter(has_text="checkout").first).to_be_visible()
        expect(page.locator("#edges tbody")).to_contain_text("sqlite")
        spots = "[...document.querySelectorAll('#map .node')].map((one) => one.getAttribute('transform')).sort().join()"
        before = page.evaluate(spots)
        page.reload()
        expect(page.locator("#map .node").first).to_be_visible()
        self.assertEqual(page.evaluate(spots), before)

    def test_the_page_says_when_the_stream_is_gone_and_comes_back(self):
        page = self.page
        self.forgiven = re.compile("ERR_FAILED|ERR_INTERNET_DISCONNECTED|Failed to load resource")
        self.go("/sync")
        # What has never been heard cannot be gone.
        expect(page.get_by_role("switch", name="Network")).to_be_enabled()
        page.context.set_offline(True)
        page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        expect(page.get_by_role("alert").filter(has_text="live stream is gone")).to_be_visible()
        page.context.set_offline(False)
        expect(page.locator("#stream")).to_have_text("Live")
        expect(page.get_by_text("live stream is gone")).to_be_hidden()


class Guarded(BrowserTest):
    """With an admin token, as when the console listens beyond loopback."""

    environment = {"POPSHOP_ADMIN_TOKEN": "open-sesame"}

    def test_the_token_is_asked_for_once(self):
        page = self.page
        self.forgiven = re.compile("401")
        self.go("/sync")
        network = page.get_by_role("switch", name="Network")
        network.click()
        page.get_by_role("textbox", name="Token").fill("wrong")
        page.get_by_role("button", name="Use it").click()
        page.get_by_role("textbox", name="Token").fill("open-sesame")
        page.get_by_role("button", name="Use it").click()
        expect(network).to_have_attribute("aria-checked", "false")
        network.click()
        expect(network).to_have_attribute("aria-checked", "true")
        self.assertEqual(page.evaluate("[sessionStorage.token, localStorage.token]"), ["open-sesame", None])


class Sent(BrowserTest):
    """With Coralogix as the place where spans go."""

    environment = {"coralogix_team": "https://team.app.example.com"}

    def test_a_trace_that_was_sent_has_its_link(self):
        self.go("/traces?service=checkout")
        expect(self.page.locator("#traces a").first).to_be_visible()
        self.page.get_by_role("button", name="Pause").click()
        self.page.locator("#traces a").first.click()
        link = self.page.get_by_role("link", name="Open in Coralogix")
        expect(link).to_be_visible()
        trace = self.page.url.rsplit("/", 1)[1]
        self.assertRegex(link.get_attribute("href"), f"^https://team\\.app\\.example\\.com/.*{trace}")
        self.assertEqual((link.get_attribute("rel"), link.get_attribute("target")), ("noopener", "_blank"))
