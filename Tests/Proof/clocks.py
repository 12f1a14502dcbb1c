"""Clocks that are wrong, that are set meanwhile, and a laptop that sleeps for a night, under the real binary.

    . .ci/postgres && pip install opentelemetry-proto
    python3 Tests/Proof/clocks.py [--popshop .build/debug/popshop] [--only CASE ...]

clock.c moves the process's wall clock, and for a sleep its time since boot, while it is stopped with SIGSTOP. Every span's
duration must be what it took, orders be taken and go upstream, and no span reach an ingress whose clock is right that is
dated more than a day back or an hour ahead: such ones wait or expire, and the status says why. On waking there is no storm
of journeys and none of requests. Prints a table; exits 0 only if all of it is so.
"""

import argparse
import contextlib
import email.utils
import mmap
import os
import random
import signal
import struct
import tempfile
import time
import traceback

from ingress import spans as spans_of
from life import CART, CHECKOUT, CONSOLE, Arrivals, Life
from preload import compiled
from proof import Wrong, expect, finish, need, new_database, sql

HOUR, DAY = 3600, 86_400
LOAD = 8010
LONGEST = 30  # seconds that any span of these runs may last, the time asleep apart
RPM = 600


class Clock:
    """By how many seconds a process's clocks are moved."""

    def __init__(self, library, path):
        with open(path, "w+b") as file:
            file.write(bytes(16))
            file.flush()
            self.memory = mmap.mmap(file.fileno(), 16)
        self.environment = {"LD_PRELOAD": library, "CLOCK_CONTROL": path}

    def move(self, wall, boot=0):
        struct.pack_into("qq", self.memory, 0, int(wall * 10**9), int(boot * 10**9))


class DatedArrivals(Arrivals):
    """An ingress whose clock is right, which may be another time than ours: when each span started by it."""

    def __init__(self):
        self.ahead, self.ages, self.longest, self.negative, self.times = 0, [], 0, 0, []
        super().__init__()
        self.server.RequestHandlerClass.date_time_string = lambda *_: email.utils.formatdate(self.now(), usegmt=True)

    def now(self):
        return time.time() + self.ahead

    def take(self, request, size):
        super().take(request, size)
        now = self.now()
        with self.lock:
            self.times.append(time.monotonic())
            for _, span in spans_of(request):
                self.ages.append(now - span.start_time_unix_nano / 10**9)
                self.negative += span.end_time_unix_nano < span.start_time_unix_nano


class TimedLife(Life):
    """A shop on clocks of its own, that sells to an upstream."""

    arrivals = DatedArrivals

    def __init__(self, proof, **settings):
        url = proof.new_upstream()
        super().__init__(proof.popshop, proof.library, url, **settings)
        self.clock = Clock(proof.clock, self.place + "/clock")
        self.settings.update(self.clock.environment)

    def buy(self, count):
        """Whole purchases, of which each span of a trace is one of several services."""
        for number in range(count):
            self.asked += 1
            cart = f"cart-{self.asked}"
            self.ask(CART, f"/cart/{cart}/add", {"product_id": self.asked % 21 + 1})
            order = self.ask(CHECKOUT, "/checkout", {"cart_id": cart, "user_id": f"mine-{self.asked}"})
            self.orders[order["order_id"]] = f"mine-{self.asked}"

    def status_now(self):
        return self.ask(CONSOLE, "/api/status")

    def orders_are_upstream(self, seconds=30):
        def are():
            self.ask(CONSOLE, "/api/sync", {})
            return self.status_now()["orders"]["pending"] == 0

        self.wait_for("orders are upstream", are, seconds)
        there = {row[0] for row in sql(self.upstream, "SELECT id FROM orders WHERE edge_id IS NOT NULL")}
        need("an order that was answered is not upstream", set(self.orders) <= there)

    def check_durations(self, asleep=0):
        """Of every span on disk: none is negative, none longer than it can have been."""
        rows = self.span_rows("SELECT name, start_ns, end_ns FROM spans")
        lengths = [(end - start) / 10**9 for _, start, end in rows]
        need(f"a span of {min(lengths)} s", min(lengths) >= 0)
        need(f"a span of {max(lengths)} s", max(lengths) <= LONGEST + asleep)
        return len(lengths), max(lengths)

    def check_ages(self):
        """Of every span that came."""
        ages = self.ingress.ages
        late, early = (sum(1 for age in ages if age > DAY), sum(1 for age in ages if age < -HOUR))
        need(f"{late} spans came that are more than a day old, {early} of more than an hour ahead", late == early == 0)
        need(f"{self.ingress.negative} spans came that end before they start", self.ingress.negative == 0)
        return len(ages)


def span(hours):
    return f"{abs(hours):g} h" if abs(hours) < 48 else f"{abs(hours) / 24:g} d"


def wrong(hours):
    """A clock that is wrong all the time, and then set right."""
    def case(proof):
        life = proof.life()
        life.clock.move(hours * HOUR)
        shop = life.open()
        life.buy(30)
        life.orders_are_upstream()
        time.sleep(3)  # The lane looks every two seconds.
        life.ask(CONSOLE, "/api/sync", {})
        time.sleep(1)
        now = life.status_now()["spans"]
        came = life.check_ages()
        says = now["last_error"] or ""
        need(f"the status says {says!r}", ("clock" in says) == (abs(hours) * HOUR > 300) or "ahead wait" in says)
        if hours * HOUR < -DAY:
            need(f"{came} came, {now}", came == 0 and now["expired"] > 0)
            what = f"{now['expired']} spans expired, none was sent"
        elif hours > 1:
            need(f"{came} came, {now}", came == 0 and now["expired"] == 0 and now["pending"] > 0)
            what = f"{now['pending']} spans wait, none was sent"
        else:
            need(f"{came} came, {now}", came > 0 and now["expired"] == 0)
            what = f"{came} spans were sent"
        life.clock.move(0)
        before = len(life.ingress.ages)
        life.buy(10)
        life.orders_are_upstream()
        life.wait_for("spans of the right time are sent", lambda: life.ask(CONSOLE, "/api/sync", {}) and len(life.ingress.ages) > before + 50)
        life.check_ages()
        life.stop(shop)
        count, longest = life.check_durations()
        life.check()
        return f"{what}; “{says}” Set right, spans flow. {len(life.orders)} orders upstream; the longest of {count} spans {longest:.2f} s"

    return case


def stepping(proof):
    """A clock that is set every 0.2 s by hours and days either way, under traffic."""
    life, rng, steps = proof.life(), random.Random(1), 0
    shop = life.open("--traffic", str(RPM))
    began, before = time.monotonic(), journeys(life)
    while time.monotonic() < began + 8:
        life.clock.move(rng.choice([-1, 1]) * rng.choice([1, 60, HOUR, 5 * HOUR, DAY, 10 * DAY]) * rng.random())
        steps += 1
        life.buy(1)
        time.sleep(0.2)
    made, seconds = journeys(life) - before, time.monotonic() - began
    need(f"{made} journeys in {seconds:.0f} s", 0.5 < made / (seconds * RPM / 60) < 1.5)
    life.clock.move(0)
    before = len(life.ingress.ages)
    life.orders_are_upstream()
    life.wait_for("spans of the right time are sent", lambda: life.ask(CONSOLE, "/api/sync", {}) and len(life.ingress.ages) > before + 50)
    life.stop(shop)
    count, longest = life.check_durations()
    life.check()
    books = life.status["spans"]
    return (f"{steps} steps, {len(life.orders)} orders upstream, {made} journeys as planned; the longest of {count} spans "
            f"{longest:.2f} s; {books['sent']} sent, {books['expired']} expired, {books['pending']} wait")


def asleep(hours, online=True):
    """Stopped for twelve seconds, in which so many hours pass."""
    def case(proof):
        life = proof.life()
        shop = life.open("--traffic", str(RPM), *([] if online else ["--offline"]))
        life.buy(20)
        time.sleep(2)
        waited, before = life.status_now()["spans"]["pending"], journeys(life)
        shop.send_signal(signal.SIGSTOP)
        time.sleep(12)
        life.clock.move(hours * HOUR, hours * HOUR)
        life.ingress.ahead = hours * HOUR
        sent = len(life.ingress.times)
        woken = time.monotonic()
        shop.send_signal(signal.SIGCONT)
        time.sleep(2)
        burst = journeys(life) - before
        shed = life.ask(LOAD, "/admin/stats")["shed"]
        # What is late by less than five seconds comes; then it is as before.
        need(f"{burst} journeys in two seconds", burst <= (5 + 2) * RPM / 60 * 1.3)
        need(f"{shed} journeys were left out", shed > 0)
        life.buy(5)
        if not online:
            life.ask(CONSOLE, "/api/network", {"online": True})
        life.orders_are_upstream()
        life.wait_for("spans are sent", lambda: len(life.ingress.times) > sent)
        time.sleep(max(0, woken + 10 - time.monotonic()))
        uploads = sum(1 for moment in life.ingress.times if moment > woken)
        # The lane looks every two seconds, and sends a probe and up to three more.
        need(f"{uploads} uploads in ten seconds", uploads <= 20)
        life.check_ages()
        now = life.status_now()["spans"]
        if not online and hours > 24:
            need(f"{waited} spans were too old, and {now['expired']} expired", now["expired"] >= waited * 0.9)
        life.stop(shop)
        count, longest = life.check_durations(asleep=12)
        life.check()
        return (f"{burst} journeys in the two seconds after it, {shed} left out; {uploads} uploads in ten seconds, {now['expired']} "
                f"spans expired; {len(life.orders)} orders upstream; the longest of {count} spans {longest:.2f} s")

    return case


def journeys(life):
    return life.ask(LOAD, "/admin/stats")["requests"]


CASES = {
    **{f"{span(hours)} {'behind' if hours < 0 else 'ahead'}": wrong(hours) for hours in (-0.5, -5, -72, -24 * 365 * 20, 0.5, 5, 72)},
    "set again and again": stepping,
    "asleep for a night": asleep(8),
    "asleep for a weekend, offline before": asleep(60, online=False),
}


class Proof:
    """What the cases share."""

    def __init__(self, options, folder):
        self.popshop, self.postgres, self.databases = options.popshop, options.postgres, []
        self.library, self.clock = compiled("killer", folder), compiled("clock", folder)
        self.lives = contextlib.ExitStack()

    def life(self):
        return self.lives.enter_context(contextlib.closing(TimedLife(self)))

    def new_upstream(self):
        name, url = new_database(self.postgres, f"clocks_{len(self.databases)}")
        self.databases.append(name)
        life = Life(self.popshop, self.library, SYNC_DATABASE_URL=url)
        code, said = life.command("migrate", "--upstream")
        life.close()
        need(said, code == 0)
        return url

    def clear(self):
        for name in self.databases:
            sql(self.postgres, f"DROP DATABASE {name} WITH (FORCE)")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-clocks-") as folder:
        proof, failed = Proof(options, folder), []
        print("| clock | what was seen |")
        print("|---|---|")
        try:
            for name, case in CASES.items():
                if options.only and not any(word in name for word in options.only):
                    continue
                try:
                    with proof.lives:
                        print(f"| {name} | {case(proof)} |", flush=True)
                except Exception as error:
                    failed.append(name)
                    print(f"| {name} | FAIL {error} |", flush=True)
                    if not isinstance(error, Wrong):
                        traceback.print_exception(error)
        finally:
            proof.clear()
        expect("not as promised", failed, [])
    finish()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--postgres", default=os.environ.get("POPSHOP_TEST_POSTGRES"))
    parser.add_argument("--only", nargs="*", help="words of the names of cases")
    options = parser.parse_args()
    if not options.postgres:
        parser.error("POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one")
    return options


main()
