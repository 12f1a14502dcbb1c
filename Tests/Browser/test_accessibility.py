"""Every control has a name, every text its contrast (WCAG 2.2, 4.1.2 and 1.4.3), in both themes, on a screen and a phone."""

from playwright.sync_api import expect

from popshop import BrowserTest

NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "slider", "switch", "spinbutton", "tree", "treeitem", "img",
    "image", "progressbar", "meter", "dialog", "table", "navigation", "complementary", "region",
}

# Text whose colour stands out from what is behind it by less than 4.5 (3 where it is large).
CONTRAST = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = (css) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1); const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const light = (colour) => { const [r, g, b] = colour.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const layer = rgba(getComputedStyle(one).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]);
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest('script, svg, :disabled, [aria-hidden=true] .dot') || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest('.visually-hidden, .skip, datalist, option')) continue;
    const style = getComputedStyle(element);
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    const ground = behind(element);
    const ink = rgba(style.color);
    const seen = over([ink[0], ink[1], ink[2], ink[3] * opacity], ground);
    const [high, low] = [light(seen), light(ground)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className} ${node.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}"""


class Accessibility(BrowserTest):
    def test_names_and_contrast_on_every_page(self):
        self.shop.ask("/api/faults", {"name": "slow-queries", "on": True, "strength": 1200})
        self.shop.ask("/api/scenario", {"action": "start", "scenario": "blackfriday"})
        for theme in ("light", "dark"):
            for size in ((1920, 1080), (390, 844)):
                self.page = self.open_page(color_scheme=theme)
                self.page.set_viewport_size({"width": size[0], "height": size[1]})
                for path, ready in self.paths():
                    with self.subTest(theme=theme, size=size, path=path):
                        self.go(path)
                        expect(self.page.locator(ready).first).to_be_visible()
                        self.assertEqual(self.page.evaluate(CONTRAST), [])
                        self.assertEqual(self.nameless(), [])
                        self.check_structure()
                        self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0, "scrolls sideways")

    def paths(self):
        trace = self.shop.ask("/api/traces?limit=1")["traces"][0]["trace_id"]
        return (("/", "#products li"), ("/traces", "#traces li"), (f"/traces/{trace}", "[role=treeitem]"), ("/map", "#map .node"), ("/control", ".fault"), ("/sync", ".lane .state"))

    def nameless(self):
        """By the browser's own accessibility tree."""
        session = self.page.context.new_cdp_session(self.page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        session.detach()
        return [node["role"]["value"] for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") in NAMED and not node.get("name", {}).get("value", "").strip()]

    def check_structure(self):
        found = self.page.evaluate(
            """() => ({ h1: document.querySelectorAll('h1').length, main: document.querySelectorAll('main').length, lang: document.documentElement.lang, title: document.title,
                twice: [...document.querySelectorAll('[id]')].map((one) => one.id).filter((id, at, all) => all.indexOf(id) !== at),
                small: [...document.querySelectorAll('button, select, input, [role=switch]')].filter((one) => one.checkVisibility() && one.getBoundingClientRect().width && Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 18).length })"""
        )
        self.assertEqual((found["h1"], found["main"], found["lang"], found["twice"], found["small"]), (1, 1, "en", [], 0))
        self.assertIn("PopShop", found["title"])
