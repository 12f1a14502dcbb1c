"""Every fault before, during and after: medians, 95th percentiles, error rates, and a trace of each as text.

    python3 Tests/Proof/faults.py [--popshop .build/debug/popshop] [--traces FOLDER] [--only NAME ...]
    . .ci/postgres && POPSHOP_STORAGE=postgres python3 Tests/Proof/faults.py

Starts a shop on a data directory of its own and sends it real HTTP requests. Prints one Markdown table; exits 0 only if
every fault was seen while it was on, and was gone when it was off.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from proof import Shop, storage_environment

RECOMMENDATION, CART, CATALOG, CHECKOUT, AD, SHIPPING, CONSOLE = 8011, 8013, 8014, 8016, 8017, 8019, 8000
failures = []


def main():
    options = arguments()
    storage = os.environ.get("POPSHOP_STORAGE", "sqlite")
    with tempfile.TemporaryDirectory(prefix="popshop-faults-") as folder:
        settings, drop = storage_environment(storage, options.postgres, "faults", LOG_LEVEL="critical")
        shop = FaultyShop(options.popshop, folder + "/data", settings)
        traces = pathlib.Path(options.traces or folder) / storage
        traces.mkdir(parents=True, exist_ok=True)
        try:
            if storage == "postgres":
                shop.command("migrate")
            shop.start()
            run(shop, storage, traces, options)
            expect("exit code 0 after SIGTERM", shop.stop() == 0)
        finally:
            shop.kill()
            drop()
    print("every fault came and went" if not failures else f"NOT so: {', '.join(failures)}")
    sys.exit(1 if failures else 0)


def run(shop, storage, traces, options):
    print(f"### {storage}\n")
    print("| fault | asked | p50 before / during / after, ms | p95, ms | errors, % | observed in 60 s |")
    print("|---|---|---|---|---|---|")
    for fault in FAULTS:
        if not options.only or fault.name in options.only:
            fault.prove(shop, traces)
    if not options.only or "blackfriday" in options.only:
        black_friday(shop, traces, options.minutes)
    print()
    shop.expect_whole()


class Fault:
    """One fault, and the requests that meet it."""

    def __init__(self, label, probe, seen, count=8, settle=0.0, gap=0.0, asked=None, gauge=None, moved=None, **switch):
        """`gauge` is read before, during and after, and `moved` says whether the three are as they should be."""
        self.gauge, self.moved = gauge, moved
        self.label, self.probe, self.seen = label, probe, seen
        self.count, self.settle, self.gap, self.asked, self.switch = count, settle, gap, asked, switch
        self.name = switch["name"]

    def prove(self, shop, traces):
        before = Sample(shop, self.probe, self.count)
        readings = [self.gauge(shop)] if self.gauge else []
        shop.ask(CONSOLE, "/api/faults", dict(self.switch, on=True))
        time.sleep(self.settle)
        during = Sample(shop, self.probe, self.count, self.gap)
        readings += [self.gauge(shop)] if self.gauge else []
        time.sleep(0.9)  # What the console has counted is as old as that at most.
        observed = next(f["observed"] for f in shop.ask(CONSOLE, "/api/faults")["faults"] if f["name"] == self.name)
        shop.ask(CONSOLE, "/api/faults", {"name": self.name, "on": False})
        time.sleep(1)
        after = Sample(shop, self.probe, self.count)
        readings += [self.gauge(shop)] if self.gauge else []
        if self.gauge:
            expect(f"{self.label}: {self.gauge.__name__} moves, {readings}", self.moved(*readings))
            print(f"<!-- {self.label}: {self.gauge.__name__} {readings} -->", file=sys.stderr)
        row(self.label, self.asked or self.probe.__name__.replace("_", " "), before, during, after, observed)
        expect(f"{self.label} is seen", self.seen(before, during))
        expect(f"{self.label} is gone", after.errors == before.errors and after.p50 < before.p50 * 3 + 50)
        during.save_trace(shop, traces / f"{self.label.replace(' ', '-')}.txt")


class Sample:
    """So many requests, one after the other."""

    def __init__(self, shop, probe, count, gap=0.0):
        self.answers = []
        for number in range(count):
            self.answers.append(probe(shop, number))
            time.sleep(gap)
        self.measure()

    def measure(self):
        times = sorted(answer.milliseconds for answer in self.answers)
        self.p50 = times[len(times) // 2]
        self.p95 = times[min(len(times) - 1, int(len(times) * 0.95))]
        self.errors = 100 * sum(answer.status >= 400 for answer in self.answers) / len(self.answers)

    def save_trace(self, shop, path):
        """Of the one that has failed, or took longest."""
        worst = max(self.answers, key=lambda answer: (answer.status >= 400, answer.milliseconds))
        time.sleep(0.3)  # A span is on disk at most 50 ms after it has ended.
        path.write_text(shop.command("traces", "show", "--verbose", worst.trace))


class Answer:
    def __init__(self, status, milliseconds, trace, body):
        self.status, self.milliseconds, self.trace, self.body = status, milliseconds, trace, body


class FaultyShop(Shop):
    carts = 0

    def send(self, port, path, body=None, headers=None):
        request = urllib.request.Request(self.url(port, path), headers=headers or {})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request) as response:
                status, trace, content = response.status, response.headers["traceresponse"], response.read()
        except urllib.error.HTTPError as error:
            status, trace, content = error.code, error.headers["traceresponse"], error.read()
        return Answer(status, (time.monotonic() - began) * 1000, trace.split("-")[1], json.loads(content))

    def fill_cart(self):
        self.carts += 1
        self.ask(CART, f"/cart/c{self.carts}/add", {"product_id": 2, "product_name": "Mouse", "price": 29.99})
        return f"c{self.carts}"

    def switched_off(self):
        return self.ask(CONSOLE, "/api/status")["network"]["switched_off"]

    def spans_of_one(self):
        """Of the second of two recommendations: what is kept for later is kept by then."""
        trace = [recommendations(self, number).trace for number in range(2)][1]
        time.sleep(0.3)  # A span is on disk at most 50 ms after it has ended.
        return len(self.ask(CONSOLE, f"/api/traces/{trace}")["spans"])

    def expect_whole(self):
        """After all of it nothing is left: no fault, no lease, no mode."""
        self.ask(CONSOLE, "/api/faults/reset", {})
        time.sleep(1)
        for port in (CATALOG, CHECKOUT):
            expect(f"no lease is held a second after the reset (port {port})", self.leases(port) == 0)
        faults = self.ask(CONSOLE, "/api/faults")
        expect("no fault is on", not any(fault["on"] for fault in faults["faults"]) and faults["mode"] == "normal")
        print(f"resident {self.resident()} MiB, {self.files()} open files")


def product(shop, number):
    return shop.send(CATALOG, "/products/4")


def other_products(shop, number):
    return shop.send(CATALOG, f"/products/{number % 3 + 1}")


def checkout(shop, number):
    return shop.send(CHECKOUT, "/checkout", {"cart_id": shop.fill_cart(), "user_id": "user-1"})


def recommendations(shop, number):
    return shop.send(RECOMMENDATION, "/recommendations?user_id=user-1&category=sports")


def ads(shop, number):
    return shop.send(AD, "/ads")


def cart(shop, number):
    return shop.send(CART, "/cart/anybody")


def parcel_abroad(shop, number):
    return shop.send(SHIPPING, "/calculate", {"destination": "international"})


def health(shop, number):
    """Recorded, since the caller's own context is."""
    trace = f"{random.getrandbits(128):032x}"
    return shop.send(RECOMMENDATION, "/health", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})


def slower_by(milliseconds):
    return lambda before, during: during.errors == 0 and during.p50 >= before.p50 + milliseconds


def fans_out(before, during, after):
    """What a trace shows whatever else the machine does: a request and its statement for each of several products."""
    return during >= before + 8 and after == before


def failing(share):
    return lambda before, during: before.errors == 0 and during.errors == share


FAULTS = [
    Fault("slow queries sleep", product, lambda b, d: d.p50 >= 700, name="slow-queries", strength=700),
    Fault(
        "slow queries scan", product, slower_by(2), settle=8, name="slow-queries", option="scan", strength=500_000
    ),
    Fault("slow queries of a checkout", checkout, lambda b, d: d.p50 >= 700, name="slow-queries", strength=700,
          services=["checkout"]),
    Fault("pool exhaustion", product, failing(100), count=4, settle=0.5, name="pool-exhaustion",
          option="connections", strength=1000, services=["product-catalog"]),
    Fault("payment failures", checkout, failing(30), count=100, name="payment-failures", strength=30),
    Fault("payment unreachable", checkout, failing(100), name="payment-unreachable"),
    Fault("cart outage", cart, failing(100), name="cart-outage"),
    Fault("catalog error", product, failing(100), name="catalog-error", strength=4),
    Fault("catalog error elsewhere", other_products, failing(0), name="catalog-error", strength=4),
    Fault("ad cpu", ads, slower_by(150), name="ad-cpu", strength=200),
    Fault("cache miss storm", recommendations, failing(0), count=20, name="recommendation-cache-miss-storm",
          gauge=FaultyShop.spans_of_one, moved=fans_out),
    Fault("n plus one", recommendations, failing(0), count=20, name="n-plus-one",
          gauge=FaultyShop.spans_of_one, moved=fans_out),
    Fault("shipping latency", parcel_abroad, slower_by(1400), name="shipping-latency", strength=1500),
    Fault("memory growth", recommendations, failing(0), count=70, name="memory-growth", strength=64,
          gauge=Shop.resident, moved=lambda b, d, a: d - b >= 50 and d - a >= 50),
    Fault("readiness flap", health, lambda b, d: 25 <= d.errors <= 75, count=16, gap=0.25, name="readiness-flap",
          strength=1),
    Fault("network loss", checkout, failing(0), name="network-loss", gauge=FaultyShop.switched_off,
          moved=lambda *readings: readings == (False, True, False)),
]


def black_friday(shop, traces, minutes):
    """Checkouts at 100 a minute, at random times, in the mode alone: no scenario."""
    shop.ask(CONSOLE, "/api/mode", {"mode": "blackfriday"})
    time.sleep(1)
    dice, answers, threads = random.Random(1), [], []
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        thread = threading.Thread(target=lambda: answers.append(checkout(shop, 0)))
        thread.start()
        threads.append(thread)
        time.sleep(dice.expovariate(100 / 60))
    for thread in threads:
        thread.join()
    sample = Sample.__new__(Sample)
    sample.answers = answers
    sample.measure()
    print(
        f"| mode blackfriday, {len(answers)} checkouts at 100/min | checkout | {sample.p50:.0f} during | "
        f"{sample.p95:.0f} | {sample.errors:.0f} | |"
    )
    expect("about 45 % of the checkouts fail on Black Friday", 30 <= sample.errors <= 60)
    sample.save_trace(shop, traces / "blackfriday.txt")
    shop.ask(CONSOLE, "/api/mode", {"mode": "normal"})
    time.sleep(1)
    expect("a checkout is well again", checkout(shop, 0).status == 201)


def row(label, asked, before, during, after, observed):
    def three(name, digits=1):
        return " / ".join(f"{getattr(sample, name):.{digits}f}" for sample in (before, during, after))

    effect = f"{observed['requests']} requests, {observed['milliseconds']:.0f} ms, {observed['errors']} errors"
    print(f"| {label} | {asked} | {three('p50')} | {three('p95')} | {three('errors', 0)} | {effect} |", flush=True)


def expect(what, holds):
    if not holds:
        failures.append(what)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--postgres", default=os.environ.get("POPSHOP_TEST_POSTGRES"))
    parser.add_argument("--traces", help="a folder to keep the traces in")
    parser.add_argument("--only", nargs="*", help="names of faults, and blackfriday")
    parser.add_argument("--minutes", type=float, default=2, help="of Black Friday")
    options = parser.parse_args()
    if os.environ.get("POPSHOP_STORAGE") == "postgres" and not options.postgres:
        parser.error("POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one")
    return options


main()
