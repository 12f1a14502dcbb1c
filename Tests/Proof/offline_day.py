"""A booth that is offline, is killed, and comes back: every order upstream once, every span at the backend once.

    . .ci/postgres && pip install opentelemetry-proto
    python3 Tests/Proof/offline_day.py [--popshop .build/debug/popshop] [--orders 200] [--spans 10000]

Two hundred orders and ten thousand spans are made with the uplink switched off; the shop is killed with SIGKILL; then a
Postgres and an OTLP ingress come up and the shop is started again. What arrived is compared with what was answered to
the shoppers and, by span id, with what an independent decoder reads in the buffer. Exits 0 only if all of it is equal.
"""

import argparse
import decimal
import json
import os
import pathlib
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service

from ingress import Ingress, spans
from proof import Shop, environment, expect, finish, new_database, sql

CART, CATALOG, CHECKOUT, CONSOLE = 8013, 8014, 8016, 8000


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-offline-day-") as folder:
        database, upstream = new_database(options.postgres, "offline_day")
        ingress = Ingress()
        settings = environment(SYNC_DATABASE_URL=upstream, OTEL_EXPORTER_OTLP_ENDPOINT=ingress.url)
        shop = SellingShop(options.popshop, folder + "/data", settings)
        try:
            run(options, shop, lambda query: sql(upstream, query), ingress)
        finally:
            shop.kill()
            sql(options.postgres, f"DROP DATABASE {database} WITH (FORCE)")
    finish()


def run(options, shop, upstream_rows, ingress):
    print("-- offline")
    shop.start("--offline")
    orders = shop.sell(options.orders)
    shop.browse_until(options.spans)
    shop.kill()
    print(f"{len(orders)} orders answered 201, then killed with SIGKILL")
    recorded = shop.recorded()
    books = shop.status()
    print(f"{len(recorded)} spans on disk, by an independent decoder; the books say {books['spans']['enqueued']}")
    expect("spans in the books", books["spans"]["pending"], len(recorded))
    expect("orders in the books", books["orders"]["pending"], len(orders))
    expect("at least so many spans", min(len(recorded), options.spans), options.spans)

    print("-- a Postgres and an ingress come up, and the shop again")
    print(shop.command("migrate", "--upstream").strip())
    ingress.start()
    shop.start()
    began = time.monotonic()
    shop.wait_until(lambda now: now["orders"]["pending"] == 0 and now["spans"]["pending"] == 0)
    print(f"nothing waits any more after {time.monotonic() - began:.1f} s")
    expect("exit code after SIGTERM", shop.stop(), 0)
    print(shop.command("sync", "--once").strip())

    print("-- what arrived")
    rows = upstream_rows("SELECT id, user_id, currency, total FROM orders WHERE edge_id IS NOT NULL ORDER BY id")
    expect("orders upstream", len(rows), len(orders))
    expect("order ids", {row[0] for row in rows}, set(orders))
    expect("receipts", upstream_rows("SELECT count(*) FROM receipts")[0][0], str(len(orders)))
    for currency in sorted({order["currency"] for order in orders.values()}):
        sold = sum(decimal.Decimal(str(o["total"])) for o in orders.values() if o["currency"] == currency)
        pushed = sum(decimal.Decimal(row[3]) for row in rows if row[2] == currency)
        expect(f"money in {currency}", pushed, sold)
    items = upstream_rows(
        "SELECT sum(i.quantity) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE o.edge_id IS NOT NULL"
    )
    expect("things sold", int(items[0][0]), sum(i["quantity"] for o in orders.values() for i in o["items"]))

    missing = set(recorded) - set(ingress.spans)
    twice = [span for span, count in ingress.spans.items() if count > 1]
    expect("recorded spans that did not arrive", len(missing), 0)
    expect("spans that arrived twice", len(twice), 0)
    now = shop.status()
    expect("spans sent, by the books and by the ingress", now["spans"]["sent"], sum(ingress.spans.values()))
    expect("orders' links to their purchases", ingress.links, len(orders))
    print(f"{ingress.requests} requests, the largest {ingress.largest} bytes before gzip")

    print("-- the ledger")
    for lane, states in (
        ("orders", ("pending", "accepted", "backordered", "rejected", "quarantined")),
        ("spans", ("pending", "sent", "rejected", "expired", "evicted", "quarantined")),
    ):
        parts = " + ".join(f"{now[lane][state]} {state}" for state in states)
        print(f"{lane}: {now[lane]['enqueued']} enqueued = {parts}")
        expect(f"{lane} balance", sum(now[lane][state] for state in states), now[lane]["enqueued"])


class SellingShop(Shop):
    def status(self):
        return json.loads(self.command("status", "--json"))

    def recorded(self):
        """Ids of all spans on disk."""
        file = self.data + ".otlp"
        self.command("traces", "export", "--format", "otlp-proto", file)
        request = trace_service.ExportTraceServiceRequest.FromString(pathlib.Path(file).read_bytes())
        ids = [span.span_id.hex() for _, span in spans(request)]
        expect("ids on disk are distinct", len(set(ids)), len(ids))
        return ids

    def sell(self, count):
        """Buys so many carts, by several shoppers at a time; each order as it was answered, by its id."""
        with ThreadPoolExecutor(8) as shoppers:
            answers = list(shoppers.map(self.buy, range(count)))
        return {answer["order_id"]: answer for answer in answers}

    def buy(self, number):
        cart = f"cart-{number}"
        for product in {number % 21 + 1, number * 7 % 21 + 1}:
            self.ask(CART, f"/cart/{cart}/add", {"product_id": product, "quantity": number % 3 + 1})
        currency = ("USD", "EUR", "JPY", "CHF")[number % 4]
        return self.ask(CHECKOUT, "/checkout", {"cart_id": cart, "user_id": f"user-{number}", "currency": currency})

    def browse_until(self, enough):
        while self.ask(CONSOLE, "/api/status")["spans"]["enqueued"] < enough:
            with ThreadPoolExecutor(8) as shoppers:
                list(shoppers.map(lambda n: self.ask(CATALOG, f"/products/{n % 21 + 1}"), range(200)))

    def wait_until(self, condition):
        """For as long as it takes: whoever runs this has the last word."""
        while not condition(self.ask(CONSOLE, "/api/status")):
            time.sleep(0.05)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--postgres", default=os.environ.get("POPSHOP_TEST_POSTGRES"))
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--spans", type=int, default=10_000)
    options = parser.parse_args()
    if not options.postgres:
        parser.error("POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one")
    return options


main()
