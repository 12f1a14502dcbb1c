"""The cloud edition on a real Postgres and a real Redis: one purchase over nine processes, and servers that go away.

    apt-get install postgresql redis-server && pip install opentelemetry-proto
    python3 Tests/Proof/cloud.py [--popshop .build/debug/popshop]

Starts a Postgres and a Redis of its own and the shop's nine services, one a process. A purchase must be one trace, as an
independent decoder reads it at the ingress behind the gateway. Redis is stopped for a second under 200 adds a second: what
was answered must be in the carts. Postgres is restarted, and then killed, under load: no order that was answered may be
missing, and none be there twice. Exits 0 only if all of it is so.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from ingress import Ingress
from proof import ask, environment, expect, finish, free_offset, sql
from servers import Postgres, Redis, until

PORTS = {
    "load-generator": 8010,
    "recommendation": 8011,
    "cart": 8013,
    "product-catalog": 8014,
    "checkout": 8016,
    "ad": 8017,
    "currency": 8018,
    "shipping": 8019,
    "console": 8000,
}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def main():
    options = arguments()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="popshop-cloud-"))
        os.chmod(folder, 0o755)
        postgres = stack.enter_context(contextlib.closing(Postgres(folder + "/postgres")))
        redis = stack.enter_context(contextlib.closing(Redis(folder + "/redis")))
        ingress = Ingress(keeping={TRACE})
        ingress.start()
        shop = stack.enter_context(contextlib.closing(Shop(options.popshop, folder, postgres.url, redis.url, ingress.url)))
        print("-- a purchase")
        purchase(shop, ingress)
        print("-- Redis is stopped for a second under 200 adds a second")
        lose_redis(shop, redis)
        for how in ("restarted", "killed and started"):
            print(f"-- Postgres is {how} under load")
            lose_postgres(shop, postgres, how)
        print("-- the end")
        memory(shop)
        shop.stop()
    finish()


def purchase(shop, ingress):
    context = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    for product in (1, 4, 14):
        shop.ask("cart", "/cart/proof/add", {"product_id": product})
    order = shop.ask("checkout", "/checkout", {"cart_id": "proof", "user_id": "proof", "currency": "EUR"}, context)
    expect("the order's trace", order["trace_id"], TRACE)
    kept = ingress.kept
    until(lambda: is_whole(kept))
    spans = {span.span_id.hex(): (resource["service.name"], span) for resource, span in kept}
    print(f"{len(kept)} spans; " + ", ".join(f"{n} of {s}" for s, n in sorted(Counter(s for s, _ in spans.values()).items())))
    expect("each span once", len(spans), len(kept))
    expect("processes in it", {s for s, _ in spans.values()}, {"checkout", "cart", "product-catalog", "shipping", "currency"})
    orphans = [s.name for _, s in spans.values() if s.parent_span_id.hex() not in spans]
    expect("spans whose parent is the shopper", orphans, ["POST /checkout"])
    databases = Counter()
    for service, span in spans.values():
        attributes = {pair.key: pair.value.string_value for pair in span.attributes}
        if "db.system.name" in attributes:
            databases[f"{attributes['db.system.name']} in {service}"] += 1
            expect(f"{span.name} is CLIENT and has both sets of names", (span.kind, attributes.get("db.system")), (3, attributes["db.system.name"]))
    print("database spans: " + ", ".join(f"{n} × {name}" for name, n in sorted(databases.items())))
    expect("engines", {name.split()[0] for name in databases}, {"postgresql", "redis"})


def is_whole(kept):
    """Whether the root has come, and with it what was recorded before: each process sends for itself."""
    ids = {span.span_id for _, span in kept}
    names = {span.name for _, span in kept}
    callers = [s for _, s in kept if s.kind == 3 and not any(p.key == "db.system.name" for p in s.attributes)]
    answered = {s.parent_span_id for _, s in kept if s.kind == 2}
    return "POST /checkout" in names and all(s.span_id in answered for s in callers) and len(ids) == len(kept)


def lose_redis(shop, redis):
    carts = [f"held-{n}" for n in range(20)]
    shop.ask("product-catalog", "/products/1")
    answered = Counter()
    refused = Counter()
    slowest = []
    lock = threading.Lock()
    began = time.monotonic()

    def add(number):
        # Sent when its time has come, whatever became of the others.
        time.sleep(max(0, began + number / 200 - time.monotonic()))
        sent = time.monotonic()
        try:
            shop.ask("cart", f"/cart/{carts[number % 20]}/add", {"product_id": 1, "product_name": "Laptop", "price": 1299.99})
            with lock:
                answered[carts[number % 20]] += 1
                slowest.append(time.monotonic() - sent)
        except urllib.error.HTTPError as error:
            with lock:
                refused[error.code] += 1

    with ThreadPoolExecutor(32) as shoppers:
        adds = [shoppers.submit(add, number) for number in range(1000)]
        time.sleep(2)
        redis.stop()
        time.sleep(0.5)
        health = shop.ask("cart", "/health")
        time.sleep(0.5)
        redis.start()
        for one in adds:
            one.result()
    print(f"meanwhile /health said: {health}")
    expect(
        "health meanwhile",
        (health["storage"], health["degraded"], health["trouble"]),
        ("memory", True, "storage_unavailable"),
    )
    until(lambda: not shop.ask("cart", "/health")["degraded"])
    print(f"{sum(answered.values())} adds answered 200 in {time.monotonic() - began:.1f} s, "
          f"{sum(refused.values())} refused, the slowest after {max(slowest) * 1000:.0f} ms")
    held = {cart: sum(i["quantity"] for i in shop.ask("cart", f"/cart/{cart}")["cart"]["items"]) for cart in carts}
    in_redis = {cart: redis.quantity(cart) for cart in carts}
    expect("adds answered", sum(answered.values()), 1000)
    expect("items in the carts", sum(held.values()), 1000)
    expect("carts that differ from what was answered, over HTTP", [c for c in carts if held[c] != answered[c]], [])
    expect("and in Redis itself", [c for c in carts if in_redis[c] != answered[c]], [])


def lose_postgres(shop, postgres, how):
    created = {}
    refused = Counter()
    moments = []
    lock = threading.Lock()
    over = threading.Event()
    tag = how.split()[0]

    def buy(shopper):
        number = 0
        while not over.is_set():
            number += 1
            user = f"{tag}-{shopper}-{number}"
            try:
                answer = shop.ask("checkout", "/orders/create", {"user_id": user, "product_id": number % 21 + 1})
                with lock:
                    created[answer["order_id"]] = user
                    moments.append(time.monotonic())
            except urllib.error.HTTPError as error:
                with lock:
                    refused[error.code] += 1

    with ThreadPoolExecutor(8) as shoppers:
        running = [shoppers.submit(buy, n) for n in range(8)]
        until(lambda: len(created) > 500)
        began = time.monotonic()
        postgres.stop("fast" if how == "restarted" else "immediate")
        down = time.monotonic()
        time.sleep(1)
        again = time.monotonic()
        postgres.start()
        up = time.monotonic()
        starting = up - again
        count = len(created)
        until(lambda: len(created) > count + 500)
        over.set()
        for one in running:
            one.result()
    moments.sort()
    last, first = max(zip(moments, moments[1:]), key=lambda pair: pair[1] - pair[0])
    print(f"{len(created)} orders answered 201, refused meanwhile: {dict(refused)}")
    print(f"no order for {first - last:.2f} s; the server was ending for {down - began:.2f} s, gone for 1 s, and starting "
          f"for {starting:.2f} s: sold again {first - up:+.3f} s from when pg_ctl saw it take connections")
    expect("every refusal is a 503", set(refused) <= {503}, True)
    rows = sql(postgres.url, f"SELECT id, user_id FROM orders WHERE user_id LIKE '{tag}-%'")
    stored = {row[0]: row[1] for row in rows}
    expect("orders answered 201 that are missing", len(set(created) - set(stored)), 0)
    expect("shoppers whose order is there twice", sum(n > 1 for n in Counter(stored.values()).values()), 0)
    print(f"{len(set(stored) - set(created))} are stored of those whose answer was an error")
    until(lambda: shop.is_healthy("checkout"))


def memory(shop):
    """What the processes hold. Pages that several share, of the binary above all, are divided among them (Pss)."""
    resident, shares = {}, {}
    for name, process in shop.processes.items():
        rows = dict(
            line.split(":", 1) for line in pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        )
        resident[name], shares[name] = (int(rows[key].split()[0]) / 1024 for key in ("Rss", "Pss"))
    eight = [name for name in shares if name != "console"]
    print("MB, shared pages divided: " + ", ".join(f"{name} {share:.0f}" for name, share in shares.items()))
    print(f"eight processes: {sum(shares[n] for n in eight):.0f} MB (by RSS, shared pages counted eight times: "
          f"{sum(resident[n] for n in eight):.0f} MB); with the gateway {sum(shares.values()):.0f} MB")


class Shop:
    """Nine processes, each with a data directory of its own."""

    def __init__(self, binary, folder, database, carts, ingress):
        self.offset = free_offset()
        self.binary = str(pathlib.Path(binary).resolve())
        self.processes = {}
        urls = {name.upper().replace("-", "_") + "_URL": self.url(name) for name in PORTS if name != "console"}
        shared = environment(
            POPSHOP_STORAGE="postgres", DATABASE_URL=database, POPSHOP_CARTS="redis", REDIS_URL=carts, **urls
        )
        print(self.run("migrate", env=shared).strip())
        gateway = f"http://127.0.0.1:{4318 + self.offset}"
        for name in PORTS:
            target = ingress if name == "console" else gateway
            words = ["serve", name, "--port-offset", str(self.offset), "--data-dir", f"{folder}/{name}"]
            self.processes[name] = subprocess.Popen(
                [self.binary, *words], env=dict(shared, OTEL_EXPORTER_OTLP_ENDPOINT=target), stdout=subprocess.DEVNULL
            )
        until(lambda: all(self.is_healthy(name) for name in PORTS))
        print(f"{len(self.processes)} processes, all healthy")

    def run(self, *words, env):
        done = subprocess.run([self.binary, *words], env=env, capture_output=True, text=True)
        expect(f"exit code of popshop {words[0]}", done.returncode, 0)
        return done.stdout + done.stderr

    def url(self, name):
        return f"http://127.0.0.1:{PORTS[name] + self.offset}"

    def ask(self, name, path, body=None, headers={}):
        return ask(self.url(name) + path, body, headers)

    def is_healthy(self, name):
        try:
            return self.ask(name, "/health")["status"] == "healthy"
        except (OSError, urllib.error.URLError):
            return False

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        expect("exit codes after SIGTERM", {process.wait() for process in self.processes.values()}, {0})

    def close(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    return parser.parse_args()


main()
