"""A data directory that much is done to, and what must be true of it all the same."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter

from ingress import Ingress, spans
from preload import Killer
from proof import ask, environment, free_offsets, need, sql

CONSOLE, CART, CATALOG, CHECKOUT = 8000, 8013, 8014, 8016
ORDER_STATES = ("pending", "accepted", "backordered", "rejected", "quarantined")
SPAN_STATES = ("pending", "sent", "rejected", "expired", "evicted", "quarantined")
SEED_ORDERS = 10


class Arrivals(Ingress):
    """Also knows what came since `mark`."""

    def __init__(self):
        super().__init__()
        self.since = set()
        # A client that is killed is no error of the server's.
        self.server.handle_error = lambda *_: None
        self.start()

    def take(self, request, size):
        ids = [span.span_id.hex() for _, span in spans(request)]
        super().take(request, size)
        with self.lock:
            self.since.update(ids)

    def mark(self):
        with self.lock:
            since, self.since = self.since, set()
        return since


class Life:
    """A data directory, the processes on it that are killed, and what they have promised."""

    arrivals = Arrivals
    offsets = free_offsets()
    lock = threading.Lock()

    def __init__(self, binary, library, upstream=None, **settings):
        self.binary = str(pathlib.Path(binary).resolve())
        self.place = tempfile.mkdtemp(prefix="popshop-kills-")
        self.data = self.place + "/data"
        self.killer = Killer(library, self.data, self.place + "/control")
        self.upstream, self.ingress = upstream, self.arrivals() if upstream else None
        self.stock = stock(upstream) if upstream else {}
        if upstream:
            settings = {"SYNC_DATABASE_URL": upstream, "OTEL_EXPORTER_OTLP_ENDPOINT": self.ingress.url, **settings}
        self.settings = environment(**settings)
        self.orders, self.refused, self.asked, self.processes = {}, [], 0, []
        self.settled, self.twice = set(), 0
        with self.lock:
            self.offset = next(self.offsets)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.ingress:
            self.ingress.server.shutdown()
        shutil.rmtree(self.place, ignore_errors=True)

    # Processes

    def popen(self, *words, killed):
        more = self.killer.environment if killed else {}
        self.log = open(self.place + "/said", "w+")
        process = subprocess.Popen(
            [self.binary, *words, "--data-dir", self.data], env=dict(self.settings, **more), stdout=subprocess.PIPE,
            stderr=self.log, text=True,
        )
        self.processes.append(process)
        return process

    def demo(self, killed, *words):
        """The shop, and whether it has opened."""
        shop = self.popen("demo", "--port-offset", str(self.offset), "--traffic", "0", *words, killed=killed)
        return shop, any("PopShop is open" in line for line in shop.stdout)

    def open(self, *words, killed=False):
        """The shop, which must open."""
        shop, is_open = self.demo(killed, *words)
        need(f"it did not open: {self.told()}", is_open)
        return shop

    def command(self, *words, killed=False):
        """Its exit code and what it said."""
        process = self.popen(*words, killed=killed)
        said = process.stdout.read()
        code = process.wait()
        self.log.seek(0)
        return code, said + self.log.read()

    def stop(self, shop):
        shop.terminate()
        need(f"SIGTERM ended it with {shop.wait()}", shop.returncode == 0)

    def told(self):
        self.log.seek(0)
        return self.log.read()

    # What is done while it lives

    def ask(self, port, path, body=None):
        return ask(self.url(port, path), body, timeout=60)

    def url(self, port, path):
        return f"http://127.0.0.1:{port + self.offset}{path}"

    def status_of(self, port, path, body=None, headers={}):
        """The status, and the code of an error, which must be the contract's."""
        status, answer = self.answer_of(port, path, body, headers)
        return status, None if status < 400 else answer

    def answer_of(self, port, path, body=None, headers={}):
        """The status and the answer's JSON; of an error its code, which must be the contract's."""
        request = urllib.request.Request(self.url(port, path), headers={"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, json.dumps(body).encode() if body else None, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, self.contract(error.code, error.read(), error.headers["Retry-After"])

    @staticmethod
    def contract(status, body, retry_after):
        """The code of an error's answer."""
        answer = json.loads(body)
        code, sentence = answer["code"], answer["error"]
        need(f"{status} without a trace: {answer}", len(answer["trace_id"]) == 32)
        need(f"{status} {code}, Retry-After {retry_after}", (status == 503) == (retry_after is not None))
        need(f"an error that tells too much: {sentence}", not any(word in sentence for word in ("/", "SELECT", "sqlite")))
        return code

    def wait_for(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            need(f"not within {seconds} s: {what}", time.monotonic() < end)
            time.sleep(0.1)

    def sell(self, enough=None, browse=0, shoppers=8, until=None):
        """Orders by several shoppers: until the shop is gone, so many are answered, or `until` says so. Each 201 is
        remembered, and each refusal, which ends it for its shopper unless there is an `until`."""
        threads = [threading.Thread(target=self.shop, args=(enough, browse, until)) for n in range(shoppers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def shop(self, enough, browse, until):
        checkout, catalog = (
            http.client.HTTPConnection("127.0.0.1", port + self.offset, timeout=60) for port in (CHECKOUT, CATALOG)
        )
        with contextlib.suppress(OSError, http.client.HTTPException):
            while (enough is None or len(self.orders) < enough) and not (until and until()):
                with self.lock:
                    self.asked += 1
                    user, product = f"mine-{self.asked}", self.asked % 21 + 1
                body = json.dumps({"user_id": user, "product_id": product, "quantity": 1 + product % 2})
                checkout.request("POST", "/orders/create", body, {"Content-Type": "application/json"})
                answer = checkout.getresponse()
                said = answer.read()
                if answer.status == 201:
                    self.orders[json.loads(said)["order_id"]] = user
                else:
                    self.refused.append((answer.status, said, answer.headers["Retry-After"]))
                    if not until:
                        return
                for _ in range(browse):
                    catalog.request("GET", f"/products/{product}")
                    catalog.getresponse().read()

    # What is left

    def check(self, has_bad_files=False):
        """Everything that is promised of the files of a process that is gone."""
        self.check_books()
        with tempfile.TemporaryDirectory(dir=self.place) as folder:
            # Of a copy: whoever opens a database to write moves its log into it.
            if os.path.isdir(self.data):
                shutil.copytree(self.data, folder + "/copy")
            self.check_shop(folder + "/copy/shop.sqlite")
            slices = sorted(pathlib.Path(folder, "copy/telemetry/slices").glob("*.sqlite"))
            settled = [self.check_slice(path) for path in slices]
            self.check_sound(folder + "/copy/telemetry/ledger.sqlite")
            aside = [path.name for path in pathlib.Path(self.data).rglob("*corrupt*")]
            need(f"a kill has files set aside: {aside}", not aside or has_bad_files)
        if self.ingress:
            self.check_arrivals(set().union(*settled))

    def check_books(self):
        code, said = self.command("status", "--json")
        need(f"status exits {code}: {said}", code == 0)
        status = json.loads(said.splitlines()[0])
        for lane, states in (("orders", ORDER_STATES), ("spans", SPAN_STATES)):
            books = status[lane]
            parts = sum(books[state] for state in states)
            need(f"{lane} do not balance: {books}", books["enqueued"] == parts and min(map(books.get, states)) >= 0)
        self.status = status

    def check_sound(self, path):
        if os.path.exists(path):
            with contextlib.closing(sqlite3.connect(path)) as database:
                verdict = database.execute("PRAGMA integrity_check").fetchall()
            need(f"{path}: {verdict}", verdict == [("ok",)])

    def check_shop(self, path):
        self.check_sound(path)
        stored, enqueued = {}, self.status["orders"]["enqueued"]
        if os.path.exists(path):
            with contextlib.closing(sqlite3.connect(path)) as database:
                tables = {name for name, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
                if "orders" in tables:
                    stored = dict(database.execute("SELECT id, user_id FROM orders WHERE edge_id IS NOT NULL"))
                    parts = [database.execute(query).fetchone()[0] for query in (
                        "SELECT count(*) FROM orders WHERE id NOT IN (SELECT order_id FROM order_items)",
                        "SELECT count(*) FROM order_items WHERE order_id NOT IN (SELECT id FROM orders)",
                        "SELECT (SELECT count(*) FROM order_items) - (SELECT coalesce(sum(order_count), 0) FROM product_popularity)",
                        "SELECT count(*) FROM outbox WHERE order_id NOT IN (SELECT id FROM orders)",
                    )]
                    need(f"parts of orders are missing: {parts}", not any(parts))
                    seeds = database.execute("SELECT count(*) FROM orders WHERE edge_id IS NULL").fetchone()[0]
                    need(f"{seeds} seed orders", seeds in (0, SEED_ORDERS))
        missing = set(self.orders) - set(stored)
        need(f"orders answered 201 that are not there: {missing}", not missing)
        # The load generator's shoppers come again.
        doubled = [user for user, count in Counter(stored.values()).items() if count > 1 and user.startswith("mine-")]
        need(f"shoppers whose order is there twice: {doubled}", not doubled)
        need(f"{len(stored)} orders, and {enqueued} in the books", len(stored) == enqueued)

    def check_slice(self, path):
        """Ids of the spans that are on disk as sent."""
        self.check_sound(path)
        with contextlib.closing(sqlite3.connect(path)) as database:
            if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'names'").fetchone():
                return set()
            rows, of_traces, enqueued = (database.execute(query).fetchone()[0] for query in (
                "SELECT count(*) FROM spans", "SELECT coalesce(sum(span_count), 0) FROM traces", "SELECT enqueued FROM counters",
            ))
            need(f"{path.name}: {rows} rows, {of_traces} of traces, {enqueued} counted", rows == of_traces == enqueued)
            sent = """SELECT lower(hex(span_id)) FROM outcomes JOIN spans ON seq BETWEEN first_seq AND last_seq
                      WHERE state = 1"""
            return {row[0] for row in database.execute(sent)}

    def check_arrivals(self, settled):
        """Of what was on disk as sent before the last process nothing has come again, and what is so now has come."""
        came = self.ingress.mark()
        again = came & self.settled
        need(f"{len(again)} spans were sent again though their being sent was on disk", not again)
        lacking = settled - set(self.ingress.spans)
        need(f"{len(lacking)} spans are on disk as sent and have not come", not lacking)
        self.settled |= settled

    def finish(self):
        """What is left is sent by one that is not killed; then all is upstream."""
        for _ in range(5):
            code, said = self.command("sync", "--once")
            if code != 75:
                break
        need(f"sync --once exits {code}: {said}", code == 0)
        self.check()
        need(f"something waits: {self.status}", self.status["orders"]["pending"] == self.status["spans"]["pending"] == 0)
        recorded = self.recorded()
        missing = recorded - set(self.ingress.spans)
        need(f"{len(missing)} of {len(recorded)} spans have not come", not missing)
        self.twice = sum(count - 1 for count in self.ingress.spans.values())
        self.check_upstream()

    def recorded(self):
        return {row[0] for row in self.span_rows("SELECT lower(hex(span_id)) FROM spans")}

    def span_rows(self, query):
        """Of all slices, which nobody has open."""
        rows = []
        for path in pathlib.Path(self.data, "telemetry/slices").glob("*.sqlite"):
            with contextlib.closing(sqlite3.connect(path)) as database:
                rows += database.execute(query).fetchall()
        return rows

    def check_upstream(self):
        with contextlib.closing(sqlite3.connect(self.data + "/shop.sqlite")) as database:
            here = {(i, p, q) for i, p, q in database.execute(
                "SELECT order_id, product_id, quantity FROM order_items JOIN orders ON id = order_id WHERE edge_id IS NOT NULL")}
        there = sql(self.upstream, "SELECT order_id, product_id, quantity FROM order_items JOIN orders o ON o.id = order_id "
                    "WHERE edge_id IS NOT NULL")
        need("the orders' items upstream differ", here == {(i, int(p), int(q)) for i, p, q in there} and len(here) == len(there))
        receipts = int(sql(self.upstream, "SELECT count(*) FROM receipts")[0][0])
        need(f"{receipts} receipts of {len({i for i, _, _ in here})} orders", receipts == len({i for i, _, _ in here}))
        there = dict(sql(self.upstream, "SELECT id, status FROM orders WHERE edge_id IS NOT NULL"))
        with contextlib.closing(sqlite3.connect(self.data + "/shop.sqlite")) as database:
            here = dict(database.execute("SELECT id, status FROM orders WHERE edge_id IS NOT NULL"))
        need("what became of orders is told differently here and there", here == there)
        sold = dict(sql(self.upstream, "SELECT product_id, sum(quantity) FROM order_items JOIN orders o ON o.id = order_id "
                        "WHERE edge_id IS NOT NULL AND status = 'accepted' GROUP BY 1"))
        wanted = {product: stock - int(sold.get(product, 0)) for product, stock in self.stock.items()}
        need("stock was not taken once for each order", stock(self.upstream) == wanted)


def stock(upstream):
    """What is upstream of each product."""
    return {product: int(count) for product, count in sql(upstream, "SELECT id, stock_quantity FROM products")}


def one_sentence(told):
    """Whether a command has said what is wrong, and nothing of its inside."""
    lines = [line for line in told.splitlines() if line.startswith("popshop: ")]
    return len(lines) == 1 and "SELECT" not in told
