"""A shop left in trouble for an hour: what it holds at the start, each minute, and when all is off again.

    python3 Tests/Proof/soak.py [--popshop .build/debug/popshop] [--minutes 60] [--rpm 120]
    python3 Tests/Proof/soak.py --scenario blackfriday --minutes 30
    python3 Tests/Proof/soak.py --switch-every 10 --minutes 120
    . .ci/postgres && POPSHOP_STORAGE=postgres python3 Tests/Proof/soak.py

Without a scenario the mode is `blackfriday` and every other fault is on besides; those that nobody gets past (the cart,
the payment provider, the network) in every other slot of five minutes, so that the rest is reached too. With
`--switch-every` one switch that is drawn by the seed goes on, to a strength that is drawn, or off again, every so many
seconds; spans go to an ingress of the proof's own, orders to a database of it. Prints resident memory, open files, threads and
the leases of both pools every minute, and what the log has said, counted. Exits 0 only if every lease is back, memory is
within 32 MiB of the start, open files and threads do not grow on and on, no span was dropped, nothing critical was
logged, and what was sent came, once.
"""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import tempfile
import time

from ingress import Ingress
from proof import Shop, expect, finish, new_database, sql, storage_environment

CONSOLE, CATALOG, CHECKOUT = 8000, 8014, 8016
OUTAGES = {"cart-outage", "payment-unreachable", "network-loss"}
SLOT = 5 * 60  # seconds
MODE = "blackfriday"


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-soak-") as folder:
        settings, drop = storage_environment(options.storage, options.postgres, "soak", LOG_LEVEL="warning")
        shop, log, upstream = Shop(options.popshop, folder + "/data", settings), pathlib.Path(folder) / "log", None
        try:
            if options.storage == "postgres":
                shop.command("migrate")
            if options.switch_every:
                upstream = Upstream(options.postgres if options.storage == "sqlite" else None)
                settings.update(upstream.settings)
                if upstream.database:
                    shop.command("migrate", "--upstream")
            with open(log, "w") as file:
                shop.start(traffic=0 if options.scenario else options.rpm, log=file)
            soak(shop, options, upstream)
            tell(log)
        finally:
            shop.kill()
            drop()
            if upstream:
                upstream.close()
    finish()


class Upstream:
    """Where spans go, and orders, if they go anywhere: not with a shop whose own storage is Postgres."""

    def __init__(self, postgres):
        self.ingress = Ingress()
        self.ingress.start()
        self.settings, self.database = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.ingress.url}, None
        if postgres:
            self.server, (self.name, self.database) = postgres, new_database(postgres, "soak_upstream")
            self.settings["SYNC_DATABASE_URL"] = self.database
        else:
            print("-- orders go nowhere: no --postgres is named, or the shop's own storage is one")

    def check(self, shop, seconds=120):
        """Waits until both lanes are empty; what was sent must be here, once."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lanes = json.loads(shop.command("status", "--json"))
            if lanes["spans"]["pending"] == 0 and (not self.database or lanes["orders"]["pending"] == 0):
                break
            time.sleep(0.5)
        spans, orders = lanes["spans"], lanes["orders"]
        print(f"lanes: {json.dumps({'spans': spans, 'orders': orders})}")
        expect("spans that wait", spans["pending"], 0)
        expect("spans that came, each by its id", len(self.ingress.spans), spans["sent"])
        expect("spans that came twice", sum(count > 1 for count in self.ingress.spans.values()), 0)
        if self.database:
            counts = "SELECT (SELECT count(*) FROM orders WHERE edge_id IS NOT NULL), (SELECT count(*) FROM receipts)"
            expect("orders that wait", orders["pending"], 0)
            expect("orders that came, and their receipts", sql(self.database, counts), [[str(orders["enqueued"])] * 2])

    def close(self):
        self.ingress.server.shutdown()
        if self.database:
            sql(self.server, f"DROP DATABASE {self.name} WITH (FORCE)")


def soak(shop, options, upstream):
    trouble = f"a switch every {options.switch_every:g} s, seed {options.seed}" if options.switch_every else \
        options.scenario or f"mode {MODE} and every fault"
    print(f"-- {options.storage}, {options.minutes:g} minutes at {options.rpm} rpm, {trouble}")
    print("minute  resident MiB  files  threads  catalog leases  checkout leases  spans")
    # Everything that is made once is made: pools, prepared statements, caches.
    time.sleep(options.warm)
    start = show(shop, "start")
    if options.scenario:
        shop.ask(CONSOLE, "/api/scenario", {"action": "start", "scenario": options.scenario, "seed": options.seed,
                                   "duration_minutes": options.minutes, "peak_rpm": options.rpm})
        step, pause = None, 60
    elif options.switch_every:
        step, pause = Switches(shop, options.seed).throw, options.switch_every
    else:
        shop.ask(CONSOLE, "/api/mode", {"mode": MODE})
        others = [each["name"] for each in shop.ask(CONSOLE, "/api/faults")["faults"] if not each["on"]]
        for name in set(others) - OUTAGES:
            switch(shop, name, True)
        step, pause = outages(shop), 60
    minutes, began = [], time.monotonic()
    while (elapsed := time.monotonic() - began) < options.minutes * 60:
        if step:
            step(elapsed)
        time.sleep(max(0, min(pause, options.minutes * 60 - elapsed)))
        if (now := time.monotonic() - began) // 60 != elapsed // 60:
            minutes.append(show(shop, f"{now / 60:.0f}"))
    if options.scenario:
        status = shop.ask(CONSOLE, "/api/scenarios")["status"]
        table(status)
    shop.ask(CONSOLE, "/api/reset", {})
    # A request that is under way holds a connection rightly.
    shop.ask(CONSOLE, "/api/traffic", {"requests_per_minute": 0})
    time.sleep(options.settle)
    end = show(shop, "reset")
    if upstream:
        upstream.check(shop)
    spans = shop.ask(CONSOLE, "/api/status")["spans"]
    print(f"spans: {json.dumps(spans)}")
    expect("exit code after SIGTERM", shop.stop(), 0)
    expect("leases that are out", (end["catalog"], end["checkout"]), (0, 0))
    # Forty connections to SQLite come to have 2 MiB of pages each, sooner or later.
    room = 32 + (20 if options.switch_every else 0)
    expect(f"memory within {room} MiB of the start", end["resident"] <= start["resident"] + room, True)
    third = max(1, len(minutes) // 3)
    # A connection between services is two files, and how many are kept depends on how many waited at once.
    for what, room in (("files", 64), ("threads", 4)):
        middle, last = (max(each[what] for each in part) for part in (minutes[third:-third] or minutes, minutes[-third:]))
        expect(f"the last third has {room} more {what} than the middle one, at most", last - middle <= room, True)
    # The least of each: a fault that takes memory gives it back.
    middle, last = (min(each["resident"] for each in part) for part in (minutes[third:-third] or minutes, minutes[-third:]))
    expect("the last third has 12 MiB more than the middle one, at most", last - middle <= 12, True)
    expect("spans that were dropped", spans["dropped"], 0)


def outages(shop):
    """On in every other slot."""
    def step(elapsed):
        if elapsed // SLOT != (elapsed - 60) // SLOT:
            for name in OUTAGES:
                switch(shop, name, elapsed // SLOT % 2 == 1)
    return step


class Switches:
    """One switch at a time, drawn by a seed: each fault, the mode, and all off."""

    def __init__(self, shop, seed):
        self.shop, self.dice, self.thrown = shop, random.Random(seed), collections.Counter()
        self.faults = shop.ask(CONSOLE, "/api/faults")["faults"]

    def throw(self, _):
        drawn = self.dice.random()
        if drawn < 0.05:
            self.shop.ask(CONSOLE, "/api/reset", {})
        elif drawn < 0.12:
            self.shop.ask(CONSOLE, "/api/mode", {"mode": self.dice.choice([MODE, "normal"])})
        else:
            fault = self.dice.choice(self.faults)
            on = self.dice.random() < 0.5
            chosen = {"name": fault["name"], "on": on}
            if on and (strength := fault.get("strength")):
                # Most of what a shop is ever set to, and now and then all there is.
                top = strength["maximum"] if self.dice.random() < 0.1 else strength["default"] * 2
                chosen["strength"] = self.dice.randint(strength["minimum"], min(top, strength["maximum"]))
            self.shop.ask(CONSOLE, "/api/faults", chosen)


def switch(shop, name, on):
    shop.ask(CONSOLE, "/api/faults", {"name": name, "on": on})


def table(status):
    print(f"{status['requests_sent']} journeys, {status['errors']} errors, {status['checkouts_failed']} of "
          f"{status['checkouts_attempted']} checkouts failed, {status['late']} late, {status['shed']} left out, "
          f"journeys {status['journey_hash']}")
    print("minute  journeys  errors  checkouts  failed")
    for each in status["minutes"]:
        print(f"{each['minute']:6} {each['requests']:9} {each['errors']:7} {each['checkouts_attempted']:10} "
              f"{each['checkouts_failed']:7}")


def tell(path):
    """What was said, with what differs from line to line left out."""
    said = collections.Counter()
    for line in path.read_text().splitlines():
        level = re.search(r" (trace|debug|info|notice|warning|error|critical)\b", line)
        code = re.search(r"error\.code=(\S+)|error_code=(\S+)|code=(\S+)", line)
        text = re.sub(r"[0-9a-f]{8,}|\d+", "#", line[line.find("]") + 1:] if "]" in line else line)
        said[(level[1] if level else "?", next(filter(None, code.groups()), "") if code else text[:110])] += 1
    print("log:" if said else "log: empty")
    for (level, what), count in said.most_common(25):
        print(f"  {count:6}  {level:<8} {what}")
    expect("lines of the level critical, and crashes", sum(n for (level, _), n in said.items() if level == "critical"), 0)


def show(shop, when):
    """Prints and returns what the shop holds."""
    found = {"resident": shop.resident(), "files": shop.files(),
             "threads": len(os.listdir(f"/proc/{shop.process.pid}/task")),
             "catalog": shop.leases(CATALOG), "checkout": shop.leases(CHECKOUT)}
    spans = shop.ask(CONSOLE, "/api/status")["spans"]["enqueued"]
    print(f"{when:>6} {found['resident']:13} {found['files']:6} {found['threads']:8} {found['catalog']:15} "
          f"{found['checkout']:16}  {spans}", flush=True)
    return found


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--postgres", default=os.environ.get("POPSHOP_TEST_POSTGRES"))
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rpm", type=int, default=120)
    parser.add_argument("--scenario")
    parser.add_argument("--switch-every", type=float, help="seconds from one switch to the next")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--warm", type=float, default=30, help="seconds of traffic before the first figure")
    parser.add_argument("--settle", type=float, default=20, help="seconds after the reset before the last one")
    options = parser.parse_args()
    options.storage = os.environ.get("POPSHOP_STORAGE", "sqlite")
    return options


if __name__ == "__main__":
    main()
