"""A trace of 5,000 spans: what is in the document, and how fast it is, as the browser itself measures."""

import re

from playwright.sync_api import expect

from popshop import BrowserTest

SPANS = 5_000
TRACE = "5a" * 16


class LargeTrace(BrowserTest):
    command = ("serve", "console")

    def test_five_thousand_spans(self):
        self.shop.ask("/v1/traces", trace(), port=4318)
        page = self.page
        self.go(f"/traces/{TRACE}")
        rows = page.get_by_role("treeitem")
        expect(rows.first).to_have_attribute("aria-setsize", str(SPANS))
        self.assertLess(rows.count(), 100)
        page.keyboard.press("End")
        expect(page.get_by_role("treeitem", selected=True)).to_have_attribute("aria-posinset", str(SPANS))
        page.keyboard.press("n")
        expect(page.get_by_role("treeitem", selected=True)).to_have_accessible_name(re.compile("failed"))
        page.keyboard.press("Home")
        page.keyboard.press("x")
        self.assertLess(int(rows.first.get_attribute("aria-setsize")), SPANS // 4)
        page.keyboard.press("x")
        expect(rows.first).to_have_attribute("aria-setsize", str(SPANS))
        print("\n" + self.measure(page))

    def measure(self, page):
        page.reload()
        expect(page.get_by_role("treeitem").first).to_be_visible()
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        drawn = page.evaluate("performance.getEntriesByName('painted')[0]?.startTime")
        fetched, opened = page.evaluate("[performance.getEntriesByType('resource').filter((one) => /traces.[0-9a-f]{32}$/.test(one.name)).at(-1).responseEnd, performance.getEntriesByName('start')[0].startTime]")
        frames = page.evaluate(
            """() => new Promise((done) => {
                const tree = document.querySelector('[role=tree]'), took = [];
                let last = performance.now();
                requestAnimationFrame(function next(now) {
                    took.push(now - last);
                    last = now;
                    tree.scrollTop += 180;
                    if (took.length < 240) requestAnimationFrame(next); else done(took.slice(2));
                });
            })"""
        )
        frames.sort()
        rate = 1000 * len(frames) / sum(frames)
        late = sum(1 for one in frames if one > 34)
        return (
            f"{SPANS} spans: first paint {first:.0f} ms, script {opened:.0f} ms, spans here {fetched:.0f} ms, drawn {drawn:.0f} ms after "
            f"navigation; scrolling {len(frames)} frames of 180 px: {rate:.1f} a second, the longest {frames[-1]:.1f} ms, "
            f"{late} over 34 ms"
        )


def trace():
    """A root, 100 calls below it, and 49 statements below each but the last."""
    spans = [span(0, None, "POST /checkout", 2, 0, 10_000)]
    for call in range(100):
        parent = len(spans)
        spans.append(span(parent, 0, f"GET /products/{call}", 3, call * 98, 96))
        for statement in range(49 if call < 99 else 48):
            spans.append(span(len(spans), parent, "SELECT products", 3, call * 98 + statement * 1.9, 1.7, failed=statement == 40))
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def span(number, parent, name, kind, start, took, failed=False):
    began = 1_795_377_791_000_000_000 + int(start * 1e6)
    one = {
        "traceId": TRACE,
        "spanId": f"{number + 1:016x}",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(began),
        "endTimeUnixNano": str(began + int(took * 1e6)),
        "attributes": [{"key": "db.system.name", "value": {"stringValue": "sqlite"}}, {"key": "db.query.text", "value": {"stringValue": "SELECT id, name FROM products WHERE id = ?"}}]
        if name.startswith("SELECT")
        else [],
        "status": {"code": 2, "message": "It broke."} if failed else {},
    }
    if parent is not None:
        one["parentSpanId"] = f"{parent + 1:016x}"
    return one
