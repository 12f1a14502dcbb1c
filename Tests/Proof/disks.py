"""Disks that fill up, vanish, fail or rot under the real binary: what it answers meanwhile, and what is there afterwards.

    python3 Tests/Proof/disks.py [--popshop .build/debug/popshop] [--only CASE ...] [--errors 60] [--flips 40]

A tmpfs that is filled under load and then made larger (needs root: left out by name where it cannot be mounted); a
data directory that goes away and comes back; writes, syncs and new files that fail with EIO or ENOSPC, for a while or once, and reads with
them (killer.c); databases with garbled pages and flipped bytes. An order that was answered 201 must be there, every other
answer be the contract's error; a shop's database that cannot be used is refused in one sentence with exit code 65 and left
as it is, a bad file of the span buffer is set aside and named, and the shop opens. Prints a table; exits 0 only if all of
it is so.
"""

import argparse
import contextlib
import errno
import os
import random
import shutil
import subprocess
import tempfile
import time
import traceback
import urllib.error
from collections import Counter

import rot
from life import CATALOG, CHECKOUT, CONSOLE, Arrivals, Life, one_sentence
from preload import compiled
from proof import Wrong, expect, finish, need

PAGE = 4096


class Ailing(Life):
    """A life that goes on while its disk does not."""

    def refusals(self):
        """What orders were refused with, counted; from here on anew."""
        refused, self.refused = self.refused, []
        return dict(Counter((status, self.contract(status, body, after)) for status, body, after in refused))

    def sell_for(self, seconds, browse=0):
        end = time.monotonic() + seconds
        self.sell(until=lambda: time.monotonic() > end, browse=browse)

    def sell_until(self, condition, seconds, browse=0):
        """Orders until it is so, which is looked at after each."""
        end = time.monotonic() + seconds
        self.sell(until=lambda: condition() or time.monotonic() > end, browse=browse)
        need("it took too long", condition())

    def spans(self):
        return self.ask(CONSOLE, "/api/status")["spans"]

    def goes_on(self):
        """Orders and spans as if nothing had been."""
        count = len(self.orders)
        self.sell(enough=count + 20)
        need(f"orders are still refused: {self.refused[:1]}", len(self.orders) >= count + 20)
        self.wait_for("spans are written again", lambda: self.spans()["last_error"] is None)
        enqueued = self.spans()["enqueued"]
        self.sell(enough=len(self.orders) + 5)
        self.wait_for("new spans are on disk", lambda: self.spans()["enqueued"] > enqueued)

    def close_and_check(self, shop):
        self.stop(shop)
        self.check()


def resident(shop):
    return next(int(line.split()[1]) // 1024 for line in open(f"/proc/{shop.pid}/status") if line.startswith("VmRSS"))


# A disk that is full

def full(proof):
    """A tmpfs, filled by orders and spans, then by somebody else to the last byte."""
    life = proof.life()
    try:
        with mounted(life.data, "24m"):
            shop = life.open()
            life.sell_until(lambda: len(life.refused) > 20, 120, browse=8)
            refused = life.refusals()
            need(f"refused with {refused}", set(refused) <= {(503, "disk_full")})
            fill(life.data)
            life.sell_for(2, browse=2)
            refused = life.refusals()
            need(f"refused with {refused}", set(refused) <= {(503, "disk_full")} and sum(refused.values()) > 0)
            need("the catalog answers", life.status_of(CATALOG, "/products/1") == (200, None))
            order = next(iter(life.orders))
            need("an order can be looked at", life.status_of(CHECKOUT, f"/orders/{order}") == (200, None))
            spans, memory = life.spans(), resident(shop)
            need(f"status says why: {spans['last_error']}", spans["last_error"])
            sold = len(life.orders)
            subprocess.run(["mount", "-o", "remount,size=96m", life.data], check=True)
            life.goes_on()
            life.close_and_check(shop)
            return (f"{sold} orders sold, then {sum(refused.values())} refused 503 `disk_full`, {memory} MiB resident; made "
                    f"larger, it sells and records without a restart")
    finally:
        life.close()


def delivered_when_full(proof):
    """As above, with spans on it that have been sent: they make room for the next ones, and for orders."""
    ingress = Arrivals()
    # Slices of 3 MiB.
    life = proof.life(OTEL_EXPORTER_OTLP_ENDPOINT=ingress.url, TELEMETRY_BUFFER_MAX_BYTES=str(12 << 20))
    slices = lambda: {name for name in os.listdir(life.data + "/telemetry/slices") if name.endswith(".sqlite")}  # noqa: E731
    try:
        with mounted(life.data, "40m"):
            shop = life.open()
            life.sell_until(lambda: len(slices()) >= 3, 120, browse=8)
            life.wait_for("all spans are sent", lambda: life.spans()["pending"] == 0)
            before = slices()
            need("the disk was full too early", not life.refused)
            fill(life.data)
            life.sell_until(lambda: before - slices(), 60, browse=8)
            given_up = before - slices()
            need("no slice was given up", given_up)
            life.goes_on()
            refused = life.refusals()
            need(f"refused with {refused}", set(refused) <= {(503, "disk_full")})
            spans = life.spans()
            need(f"spans were dropped: {spans}", spans["dropped"] == 0 and spans["evicted"] == 0)
            life.close_and_check(shop)
            return f"{len(given_up)} of {len(before)} slices given up, all sent; it sells and records on the full disk"
    finally:
        ingress.server.shutdown()
        life.close()


def killed_when_full(proof):
    """Killed on a full disk, opened on the full disk, and again when there is room."""
    life = proof.life()
    try:
        with mounted(life.data, "16m"):
            shop = life.open()
            life.sell_until(lambda: len(life.refused) > 20, 120, browse=8)
            fill(life.data)
            shop.kill()
            shop.wait()
            life.refusals()
            shop, is_open = life.demo(False)
            if is_open:
                status, code = life.status_of(CHECKOUT, "/orders/create", {"user_id": "full", "product_id": 1})
                need(f"an order is answered {status} {code}", (status, code) in ((201, None), (503, "disk_full")))
                seen = f"it opens, an order is answered {status} {code or ''}".strip()
                shop.kill()
                shop.wait()
            else:
                code, told = shop.wait(), life.told()
                need(f"exit {code} and {told}", code in (65, 73) and one_sentence(told))
                seen = f"exit {code}: {told.strip()}"
            subprocess.run(["mount", "-o", "remount,size=96m", life.data], check=True)
            shop = life.open()
            life.goes_on()
            life.close_and_check(shop)
            return seen + "; with room it goes on"
    finally:
        life.close()


def closed_when_full(proof):
    """Closed in order, so that no file has a log any more, and then the disk is full: what waits is sent all the same."""
    ingress = Arrivals()
    life = proof.life(OTEL_EXPORTER_OTLP_ENDPOINT=ingress.url)
    try:
        with mounted(life.data, "24m"):
            shop = life.open("--offline")
            life.sell(enough=100, browse=4)
            pending = life.spans()["pending"]
            life.stop(shop)
            fill(life.data)
            code, said = life.command("sync", "--once")
            need(f"sync --once exits {code}: {said}", code == 0)
            came = len(ingress.mark())
            need(f"{came} spans came of {pending}", came >= pending)
            shop, is_open = life.demo(False)
            need(f"it does not open: {life.told()}", is_open)
            spans = life.spans()
            need(f"spans wait again: {spans}", spans["sent"] >= pending)
            subprocess.run(["mount", "-o", "remount,size=96m", life.data], check=True)
            life.goes_on()
            life.close_and_check(shop)
            return f"sync --once sends {came} spans and exits 0; a shop opens there; with room it goes on"
    finally:
        ingress.server.shutdown()
        life.close()


@contextlib.contextmanager
def mounted(path, size):
    os.makedirs(path, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True)
    if done.returncode != 0:
        raise LeftOut("no tmpfs can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=False)


def fill(path):
    with contextlib.suppress(OSError), open(path + "/filler", "wb", buffering=0) as file:
        while True:
            file.write(bytes(PAGE))


# A directory that goes away

def vanished(how):
    def case(proof):
        life = proof.life()
        try:
            shop = life.open()
            life.sell(enough=50)
            if how == "moved away and back":
                os.rename(life.data, life.place + "/elsewhere")
            else:
                shutil.rmtree(life.data)
            time.sleep(0.5)
            before = set(life.orders)
            life.sell_for(2, browse=1)
            lost = set(life.orders) - before
            refused = life.refusals()
            if how != "moved away and back":
                need(f"{len(lost)} orders were answered 201 that no file has", not lost)
            need(f"refused with {refused}", refused and set(refused) <= {(503, "storage_unavailable")})
            health = health_of(life)
            need(f"/health says {health}", health == 503)
            need("it still lives", shop.poll() is None)
            if how == "moved away and back":
                os.rename(life.place + "/elsewhere", life.data)
                life.goes_on()
                life.close_and_check(shop)
                return f"{sum(refused.values())} orders refused 503 `storage_unavailable`; back, it sells and records without a restart"
            shop.terminate()
            code = shop.wait()
            need(f"SIGTERM ends it with {code}", code == 0)
            life.orders = {}
            shop = life.open()
            life.goes_on()
            life.close_and_check(shop)
            return f"{sum(refused.values())} orders refused 503 `storage_unavailable`, none answered; SIGTERM: exit 0; the next start is a new shop"
        finally:
            life.close()

    return case


def health_of(life):
    try:
        life.ask(CHECKOUT, "/health")
        return 200
    except urllib.error.HTTPError as error:
        return error.code


# Calls that fail

def failing(number):
    """Every write, sync and new file fails for two seconds under load."""
    def case(proof):
        life = proof.life()
        try:
            shop = life.open(killed=True)
            life.sell(enough=100, browse=1)
            life.killer["error"] = number
            life.sell_for(2, browse=1)
            failed, refused = life.killer["failed"], life.refusals()
            need(f"refused with {refused}", refused and set(refused) <= {(503, "disk_full"), (503, "storage_unavailable")})
            need("the catalog answers", life.status_of(CATALOG, "/products/1") == (200, None))
            life.killer["error"] = 0
            life.goes_on()
            life.close_and_check(shop)
            return f"{failed} calls failed, {sum(refused.values())} orders refused {sorted(refused)}; then it goes on"
        finally:
            life.close()

    return case


def gone(proof):
    """Nothing can be read or written for a while under load, three times: a cable that is loose."""
    life = proof.life()
    try:
        shop = life.open(killed=True)
        life.sell(enough=100, browse=1)
        failed, refused = 0, Counter()
        for _ in range(3):
            enqueued = life.spans()["enqueued"]
            life.killer["reads"], life.killer["error"] = 1, errno.EIO
            life.sell_for(2, browse=1)
            life.killer["reads"] = life.killer["error"] = 0
            refused.update(life.refusals())
            life.goes_on()
            spans = life.spans()
            need(f"spans that were on disk are not, or are evicted: {spans}", spans["enqueued"] > enqueued and spans["evicted"] == 0)
        failed = life.killer["failed"]
        need(f"refused with {dict(refused)}", refused and all(status in (500, 503) for status, _ in refused))
        life.close_and_check(shop)
        codes = ", ".join(f"{count} × {status} `{code}`" for (status, code), count in sorted(refused.items()))
        return f"{failed} calls failed, orders refused {codes}; no file is set aside, and it goes on"
    finally:
        life.close()


def failing_once(proof):
    """One call fails, at any place of a run."""
    failed, refused, opened = Counter(), Counter(), Counter()
    for n in range(proof.errors):
        number = (errno.EIO, errno.ENOSPC)[n % 2]
        life = proof.life(TELEMETRY_BUFFER_MAX_BYTES=str(1 << 20))
        try:
            at = 1 + int(proof.random.random() * 1500)
            life.killer.reset(**{"error": number, "from": at, "until": at + 1})
            shop, is_open = life.demo(True)
            if is_open:
                life.sell_until(lambda: life.killer["failed"], 60, browse=3)
                refused.update(life.refusals())
                life.goes_on()
                life.close_and_check(shop)
            else:
                code, told = shop.wait(), life.told()
                need(f"call {at}, {errno.errorcode[number]}: exit {code}, {told}", code in (65, 73) and one_sentence(told))
                life.check()
                shop = life.open()
                life.goes_on()
                life.close_and_check(shop)
            opened[is_open] += 1
            failed[errno.errorcode[number]] += life.killer["failed"]
        except Wrong as wrong:
            raise Wrong(f"call {at}, {errno.errorcode[number]}: {wrong}") from None
        finally:
            life.close()
    need(f"refused with {dict(refused)}", set(refused) <= {(503, "disk_full"), (503, "storage_unavailable")})
    return (f"{dict(failed)}; {opened[True]} times while it was open, {sum(refused.values())} orders refused; "
            f"{opened[False]} times it did not open, and did the next time")


class LeftOut(Exception):
    """A case that this machine cannot have."""


class Proof:
    def __init__(self, options, folder):
        self.popshop, self.folder, self.library = options.popshop, folder, compiled("killer", folder)
        self.errors, self.flips, self.random = options.errors, options.flips, random.Random(options.seed)
        self.closed = None

    def life(self, **settings):
        return Ailing(self.popshop, self.library, LOG_LEVEL="error", **settings)

    def sold(self):
        """A closed shop's directory with orders, and spans in several slices."""
        if not self.closed:
            life = self.life(TELEMETRY_BUFFER_MAX_BYTES=str(8 << 20))
            shop = life.open()
            life.sell(enough=200, browse=6)
            shop.terminate()
            shop.wait()
            self.closed = shutil.copytree(life.data, self.folder + "/closed")
            life.close()
        return self.closed


CASES = {
    "a full disk": full,
    "a full disk, with spans that were sent": delivered_when_full,
    "killed on a full disk": killed_when_full,
    "closed, and then the disk is full": closed_when_full,
    "the directory is moved away and back": vanished("moved away and back"),
    "the directory is removed": vanished("removed"),
    "every call fails with EIO": failing(errno.EIO),
    "every call fails with ENOSPC": failing(errno.ENOSPC),
    "nothing can be read either": gone,
    "one call fails": failing_once,
    **rot.CASES,
}


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-disks-") as folder:
        proof, wrong, done = Proof(options, folder), [], 0
        print("| case | what was seen |")
        print("|---|---|")
        for name, case in CASES.items():
            if options.only and not any(word in name for word in options.only):
                continue
            try:
                print(f"| {name} | {case(proof)} |", flush=True)
                done += 1
            except LeftOut as reason:
                print(f"| {name} | left out: {reason} |", flush=True)
            except Exception as error:
                wrong.append(name)
                print(f"| {name} | FAIL {error} |", flush=True)
                if not isinstance(error, Wrong):
                    traceback.print_exception(error)
        expect("cases in which something is not as promised", wrong, [])
    finish()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--only", nargs="*", help="words of the names of cases")
    parser.add_argument("--errors", type=int, default=60)
    parser.add_argument("--flips", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


main()
