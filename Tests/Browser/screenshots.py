"""Pictures of every page during Black Friday, to be looked at: on a screen and a phone, light and dark.

    python3 Tests/Browser/screenshots.py FOLDER [PAGE…]

Starts a shop of its own on free ports (POPSHOP and CHROMIUM as for the browser tests), plays the scenario in six minutes
and jumps to its critical phase. Writes FOLDER/PAGE-screen-light.png and so on, of all pages or of those named: shop, cart,
checkout, order, traces, trace, failed, slow, compare, map, focus, control, sync, unplugged, and *-whole beside those that are
longer than a phone. With SYNC_DATABASE_URL, a Postgres that `popshop migrate --upstream` has been run on, orders go
somewhere, too.
"""

import contextlib
import os
import pathlib
import sys
import time
import urllib.error

from playwright.sync_api import expect, sync_playwright

from popshop import CHROMIUM, Popshop

expect.set_options(timeout=20_000)
SIZES = {"screen": (1920, 1080), "phone": (390, 844)}


def main(folder, *wanted):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    upstream = {name: os.environ[name] for name in ("SYNC_DATABASE_URL",) if name in os.environ}
    with contextlib.closing(Popshop("demo", **upstream)) as shop, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        start = {"action": "start", "scenario": "blackfriday", "duration_minutes": 6, "peak_rpm": 120, "seed": 7}
        shop.ask("/api/scenario", start)
        for phase in ("peak", "degradation", "critical"):
            shop.ask("/api/scenario", {"action": "jump", "phase": phase})
            time.sleep(20)
        show = Show(shop)
        for theme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                # Two minutes of it are left each time: enough for one round.
                shop.ask("/api/scenario", {"action": "jump", "phase": "critical"})
                viewport = {"width": width, "height": height}
                context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")
                page = context.new_page()
                for name, path, then in show.pages(page):
                    if wanted and name not in wanted:
                        continue
                    page.goto("about:blank")
                    page.goto(shop.url + path)
                    try:
                        then()
                    except AssertionError as missing:
                        print(f"{name}, {size}, {theme}: {str(missing).splitlines()[0]}", file=sys.stderr)
                    page.screenshot(path=folder / f"{name}-{size}-{theme}.png")
                    if size == "phone" and page.evaluate("document.documentElement.scrollHeight > 1.05 * innerHeight"):
                        page.evaluate("scrollTo(0, 0)")
                        page.screenshot(path=folder / f"{name}-whole-{size}-{theme}.png", full_page=True)
                context.close()
                shop.ask("/api/network", {"online": True})
        browser.close()


class Show:
    """What there is to see: a purchase, one that failed, a slow journey, and the pages they are on."""

    def __init__(self, shop):
        self.shop = shop
        self.order = self.purchase()
        self.bought = self.order["trace_id"]
        self.failed = self.trace(lambda one: one["error"] and "checkout" in one["services"])
        self.slow = self.trace(lambda one: not one["error"] and one["duration_ms"] > 4000 and one["span_count"] > 10)

    def purchase(self):
        """Tried until it is taken: four in ten are not."""
        while True:
            for product in (4, 14):
                self.shop.ask("/api/shop/cart/picture/add", {"product_id": product})
            try:
                return self.shop.ask("/api/shop/checkout", {"cart_id": "picture", "user_id": "visitor-picture"})
            except urllib.error.HTTPError as refused:
                refused.close()

    def trace(self, fits):
        while True:
            found = [one for one in self.shop.ask("/api/traces?limit=500")["traces"] if fits(one)]
            if found:
                return max(found, key=lambda one: one["span_count"])["trace_id"]
            time.sleep(1)

    def pages(self, page):
        """Each with its name, its path, and what is done until it is worth a picture."""

        def order():
            lines, again = page.locator("#order .lines"), page.get_by_role("button", name="Ask again")
            expect(lines.or_(again).first).to_be_visible()
            while again.is_visible():
                again.click()
                expect(lines.or_(again).first).to_be_visible()
            page.wait_for_timeout(1200)

        def seen(selector):
            return lambda: (expect(page.locator(selector).first).to_be_visible(), page.wait_for_timeout(1200))

        def cart():
            buttons = page.locator("#products").get_by_role("button", name="Add to cart")
            for at in (0, 3):
                buttons.nth(at).click()
                expect(page.locator("#cart .lines li")).to_have_count(1 if at == 0 else 2)
            if page.locator("#open-cart").is_visible():
                page.locator("#open-cart").click()
            expect(page.get_by_role("button", name="Checkout")).to_be_visible()

        def checkout():
            if page.locator("#open-cart").is_visible():
                page.locator("#open-cart").click()
            page.get_by_role("button", name="Checkout").click()
            expect(page.get_by_role("button", name="Place order")).to_be_visible()

        def span(key):
            def choose():
                seen("[role=treeitem]")()
                page.keyboard.press(key)
                page.wait_for_timeout(600)
            return choose

        def focus():
            seen("#map .node")()
            page.locator("#map .node", has_text="checkout").first.hover()
            expect(page.locator("#labels g").first).to_be_visible()

        def live():
            expect(page.locator("#tiles .tile").first).to_be_visible()
            page.wait_for_timeout(6000)

        def unplugged():
            self.shop.ask("/api/network", {"online": False})
            expect(page.get_by_role("heading", level=1)).to_have_text("The plug is pulled")
            page.wait_for_timeout(5000)

        return [
            ("shop", "/", seen("#recommended li")),
            ("cart", "/", cart),
            ("checkout", "/", checkout),
            ("order", f"/#/order/{self.order['order_id']}", order),
            ("traces", "/traces", seen("#traces li")),
            ("trace", f"/traces/{self.bought}", seen("[role=treeitem]")),
            ("failed", f"/traces/{self.failed}", span("n")),
            ("slow", f"/traces/{self.slow}", span("s")),
            ("compare", f"/traces/{self.slow}?with={self.bought}", seen("[role=treeitem]")),
            ("map", "/map", seen("#map .node")),
            ("focus", "/map", focus),
            ("control", "/control", live),
            ("sync", "/sync", seen("#lanes")),
            ("unplugged", "/sync", unplugged),
        ]


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
