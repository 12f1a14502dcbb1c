"""Networks that are slow, stalled, cut, garbled or gone under the real binary, by a TCP proxy of ours (proxy.py).

    apt-get install postgresql redis-server && pip install opentelemetry-proto
    python3 Tests/Proof/networks.py [--popshop .build/debug/popshop] [--only PLACE ...] [--seconds 4]

The proxies stand between the services, and in front of Redis, of Postgres as the shop's own storage, and of the upstream's
Postgres and ingress. Meanwhile every answer to a shopper must be one that is defined (2xx, or 502, 503, 504 with the
contract's JSON) and come within the time-outs; when the proxies are honest again the shop is well within seconds, without a
restart; and nothing that was answered is lost, nothing is there twice. Prints a table; exits 0 only if all of it is so.
"""

import argparse
import contextlib
import os
import sqlite3
import tempfile
import threading
import time
import traceback
from collections import Counter

from life import CART, CATALOG, CHECKOUT, CONSOLE, Life, stock
from preload import compiled
from proof import Wrong, expect, finish, need, sql
from proxy import Proxy
from servers import Postgres, Redis

CURRENCY, SHIPPING = 8018, 8019
BETWEEN = {"CART_URL": CART, "PRODUCT_CATALOG_URL": CATALOG, "SHIPPING_URL": SHIPPING, "CURRENCY_URL": CURRENCY,
           "CHECKOUT_URL": CHECKOUT}
# Seconds that a call of another service may take; and a statement, its cancelling, and a new connection.
CALL, STATEMENT, CANCEL, CONNECT = 5, 30, 2, 5
FLIPPING = ("flipping", {})
MODES = (
    ("slow", {"seconds": 0.1}), ("stalled", {}), ("refusing", {}), ("cut", {"bytes": 0}), ("cut", {"bytes": 60}),
    ("cut off", {"bytes": 0}), ("cut off", {"bytes": 200}), ("garbled", {"bytes": 0}), ("garbled", {"bytes": 100}),
)


class Crowd:
    """Shoppers who ask while the network is bad: what they were answered, and how long it took."""

    def __init__(self, act, shoppers=8):
        self.act, self.answers, self.slowest, self.problem = act, Counter(), 0.0, None
        self.over, self.lock, self.number = threading.Event(), threading.Lock(), 0
        self.threads = [threading.Thread(target=self.run) for _ in range(shoppers)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while not self.over.is_set():
            with self.lock:
                self.number += 1
                number = self.number
            began = time.monotonic()
            try:
                status = self.act(number)
            except Exception as error:
                self.problem = error
                return
            with self.lock:
                self.answers[status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.problem:
            raise self.problem


def under(proof, mode, proxies, act, bound, allowed=(502, 503, 504)):
    """What is answered while the proxies are so."""
    name, more = mode
    before = sum(proxy.harmed for proxy in proxies)
    for proxy in proxies:
        proxy.turn(name, **more)
    crowd = Crowd(act)
    time.sleep(proof.seconds)
    crowd.over.set()
    # Those under way are to end by themselves, and not because the network is well again.
    deadline = time.monotonic() + bound + 5
    for thread in crowd.threads:
        thread.join(max(0, deadline - time.monotonic()))
    hung = sum(thread.is_alive() for thread in crowd.threads)
    for proxy in proxies:
        proxy.turn("honest")
    crowd.end()
    harmed = sum(proxy.harmed for proxy in proxies) - before
    need(f"{hung} requests had no answer after {bound + 5} s", hung == 0)
    need(f"answered {dict(crowd.answers)}", all(status < 300 or status in allowed for status in crowd.answers))
    need(f"the slowest answer took {crowd.slowest:.1f} s", crowd.slowest <= bound)
    need("the proxies did nothing", harmed > 0 or name == "slow")
    return crowd


def recovered(what, check, seconds=15):
    """Seconds until it works five times in a row."""
    began, good = time.monotonic(), 0
    while good < 5:
        good = good + 1 if check() else 0
        need(f"{what} does not work {seconds} s later", time.monotonic() < began + seconds)
    return time.monotonic() - began


def label(mode):
    name, more = mode
    return name + "".join(f", {value:g} {'s' if key == 'seconds' else 'bytes'}" for key, value in more.items())


def told(crowd, after):
    answers = ", ".join(f"{count} × {status}" for status, count in sorted(crowd.answers.items()))
    return f"{answers}; slowest {crowd.slowest:.1f} s | {after:.1f} s"


# Between the services

def services(proof):
    life = proof.life()
    proxies = {name: Proxy(port + life.offset) for name, port in BETWEEN.items()}
    life.settings.update({name: f"http://127.0.0.1:{proxy.port}" for name, proxy in proxies.items()})
    shop = life.open()
    keys = []

    def buy(number, again=False):
        cart = f"{proof.place}-{number}"
        status, _ = life.status_of(CART, f"/cart/{cart}/add", {"product_id": number % 21 + 1})
        if status != 200:
            return status
        body = {"cart_id": cart, "user_id": cart, "currency": ("USD", "EUR")[number % 2]}
        status, code = life.status_of(CHECKOUT, "/checkout", body, {"Idempotency-Key": cart})
        if not again:
            keys.append((cart, body, status))
        return status

    for mode in (*MODES, FLIPPING):
        with proof.case("between services", mode) as case:
            proof.place = label(mode).replace(", ", "-").replace(" ", "-")
            # A checkout asks four others one after the other, of which only the last may be waited for in full; one whose
            # network is only slow waits for all of them.
            # An amount with a flipped bit may be over the card's limit.
            allowed = (502, 503, 504) if mode is not FLIPPING else (402, 502, 503, 504)
            crowd = under(proof, mode, list(proxies.values()), buy, bound=3 * CALL, allowed=allowed)
            case(told(crowd, recovered("checkout", lambda: buy(-len(keys) - 1) == 201)))
    with proof.case("between services", ("afterwards", {})) as case:
        replayed = Counter()
        for cart, body, status in keys:
            if status in (200, 201):
                now, code = life.status_of(CHECKOUT, "/checkout", body, {"Idempotency-Key": cart})
                need(f"a purchase that was answered {status} is answered {now} {code} when it is repeated", now == 200)
                replayed[now] += 1
        orders = life.rows("SELECT user_id, count(*) FROM orders WHERE edge_id IS NOT NULL GROUP BY user_id")
        need("a purchase is there twice", all(count == 1 for _, count in orders))
        life.stop(shop)
        life.orders = {}
        life.check()
        unanswered = len(orders) - replayed[200]
        case(f"{replayed[200]} purchases that were answered are there, once; {unanswered} whose answer was an error are, too |")


# In front of Redis

def redis(proof):
    server = proof.stack.enter_context(contextlib.closing(Redis(proof.folder + "/redis")))
    proxy = Proxy(server.port)
    life = proof.life(POPSHOP_CARTS="redis", REDIS_URL=f"redis://127.0.0.1:{proxy.port}")
    shop, answered, failed, lock = life.open(), Counter(), Counter(), threading.Lock()

    def add(number):
        cart = f"cart-{number % 20}"
        body = {"product_id": 1, "product_name": "Laptop", "price": 1299.99}
        status, _ = life.status_of(CART, f"/cart/{cart}/add", body)
        with lock:
            (answered if status == 200 else failed)[cart] += 1
        return status

    for mode in (*MODES, ("slow", {"seconds": 0.6})):
        with proof.case("Redis", mode) as case:
            crowd = under(proof, mode, [proxy], add, bound=CALL)
            case(told(crowd, recovered("Redis", lambda: not life.ask(CART, "/health")["degraded"] and add(0) == 200)))
    with proof.case("Redis", ("afterwards", {})) as case:
        held = {cart: sum(item["quantity"] for item in life.ask(CART, f"/cart/{cart}")["cart"]["items"]) for cart in answered}
        there = {cart: server.quantity(cart) for cart in answered}
        wrong = [c for c in held if not held[c] == there[c] or not answered[c] <= held[c] <= answered[c] + failed[c]]
        need(f"carts that differ from what was answered: {[(c, held[c], there[c], answered[c], failed[c]) for c in wrong]}", not wrong)
        life.stop(shop)
        case(f"{sum(answered.values())} adds that were answered are in Redis, once; {sum(failed.values())} were refused |")


# In front of the shop's own Postgres

def postgres(proof):
    proxy = Proxy(proof.server.port)
    name, url = proof.database("networks_shop")
    life = proof.life(POPSHOP_STORAGE="postgres", DATABASE_URL=url.replace(str(proof.server.port), str(proxy.port)))
    code, said = life.command("migrate")
    need(said, code == 0)
    shop, created, lock = life.open(), {}, threading.Lock()

    def order(number):
        user = f"{proof.place}-{number}"
        status, answer = life.answer_of(CHECKOUT, "/orders/create", {"user_id": user, "product_id": number % 21 + 1})
        if status == 201:
            with lock:
                created[answer["order_id"]] = user
        return status

    for mode in (*MODES, ("cut", {"bytes": 3000}), ("cut off", {"bytes": 3000})):
        with proof.case("the shop's Postgres", mode) as case:
            proof.place = label(mode).replace(", ", "-").replace(" ", "-")
            crowd = under(proof, mode, [proxy], order, bound=STATEMENT + CANCEL + CONNECT + 3)
            after = recovered("an order", lambda: order(-len(created) - 1) == 201)
            need("checkout is healthy", life.status_of(CHECKOUT, "/health")[0] == 200)
            case(told(crowd, after))
    with proof.case("the shop's Postgres", ("afterwards", {})) as case:
        life.stop(shop)
        stored = dict(sql(url, "SELECT id, user_id FROM orders WHERE user_id NOT LIKE 'user-10%'"))
        need("orders that were answered 201 are not there", not set(created) - set(stored))
        need("an order is there twice", max(Counter(stored.values()).values()) == 1)
        case(f"{len(created)} orders that were answered are there, once; {len(stored) - len(created)} whose answer was an error are, too |")


# In front of both upstreams

def upstreams(proof):
    name, url = proof.database("networks_upstream")
    migration = proof.life(SYNC_DATABASE_URL=url)
    code, said = migration.command("migrate", "--upstream")
    need(said, code == 0)
    life = proof.life(upstream=url)
    database, ingress = Proxy(proof.server.port), Proxy(life.ingress.server.server_port)
    life.settings.update(
        SYNC_DATABASE_URL=url.replace(str(proof.server.port), str(database.port)),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{ingress.port}",
    )
    life.stock = stock(url)
    shop, states = life.open(), Counter()

    def sell(number):
        if number % 8 == 1:
            life.ask(CONSOLE, "/api/sync", {})
            now = life.ask(CONSOLE, "/api/status")
            states.update((lane, now[lane]["state"]) for lane in ("orders", "spans"))
        user = f"{proof.place}-{number}"
        status, answer = life.answer_of(CHECKOUT, "/orders/create", {"user_id": user, "product_id": number % 21 + 1})
        if status == 201:
            life.orders[answer["order_id"]] = user
        time.sleep(0.1)
        return status

    def is_done():
        life.ask(CONSOLE, "/api/sync", {})
        time.sleep(0.2)
        now = life.ask(CONSOLE, "/api/status")
        return now["orders"]["pending"] == 0 and now["spans"]["pending"] <= 100 and now["spans"]["state"] != "blocked"

    for mode in (*MODES, ("cut", {"bytes": 2000}), ("cut off", {"bytes": 20_000})):
        with proof.case("both upstreams", mode) as case:
            proof.place = label(mode).replace(", ", "-").replace(" ", "-")
            states.clear()
            crowd = under(proof, mode, [database, ingress], sell, bound=3, allowed=())
            after = recovered("the sync", is_done, seconds=60)
            case(f"{told(crowd, after)}, lanes meanwhile: {', '.join(sorted({state for _, state in states}))}")
    with proof.case("both upstreams", ("afterwards", {})) as case:
        life.stop(shop)
        life.settings.update(SYNC_DATABASE_URL=url, OTEL_EXPORTER_OTLP_ENDPOINT=life.ingress.url)
        life.finish()
        case(f"{len(life.orders)} orders upstream, each with its effect once; {len(life.ingress.spans)} spans arrived, "
             f"{life.twice} of them again since their answer was lost |")


class Proof:
    """What the places share."""

    def __init__(self, options, folder, stack):
        self.popshop, self.seconds, self.folder, self.stack = options.popshop, options.seconds, folder, stack
        self.library, self.wrong, self.place, self.server = compiled("killer", folder), [], "", None
        os.chmod(folder, 0o755)

    def life(self, upstream=None, **settings):
        return self.stack.enter_context(contextlib.closing(NetworkedLife(self.popshop, self.library, upstream, **settings)))

    def database(self, name):
        if not self.server:
            self.server = self.stack.enter_context(contextlib.closing(Postgres(self.folder + "/postgres")))
        sql(self.server.url, f"CREATE DATABASE {name}")
        return name, f"postgresql://popshop@127.0.0.1:{self.server.port}/{name}?sslmode=disable"

    @contextlib.contextmanager
    def case(self, place, mode):
        seen = []
        try:
            yield seen.append
            print(f"| {place} | {label(mode)} | {seen[0]} |", flush=True)
        except Exception as error:
            self.wrong.append(f"{place}, {label(mode)}")
            print(f"| {place} | {label(mode)} | FAIL {error} | |", flush=True)
            if not isinstance(error, Wrong):
                traceback.print_exception(error)


class NetworkedLife(Life):
    def rows(self, query):
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/shop.sqlite?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()


PLACES = {"services": services, "redis": redis, "postgres": postgres, "upstreams": upstreams}


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-networks-") as folder, contextlib.ExitStack() as stack:
        proof = Proof(options, folder, stack)
        if {"postgres", "upstreams"} & set(options.only or PLACES):
            proof.database("first")
        print("| between | network | answers | well again after |")
        print("|---|---|---|---|")
        for name in options.only or PLACES:
            PLACES[name](proof)
        expect("not as promised", proof.wrong, [])
    finish()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--only", nargs="*", choices=PLACES)
    parser.add_argument("--seconds", type=float, default=4, help="that each network lasts")
    return parser.parse_args()


main()
