"""What kills.py kills: each series is so many kills of one kind, at numbers that are spread over a run's calls."""

import os
import random
import re
import shutil
import time
from collections import Counter

from life import Life
from preload import Killer
from proof import need, new_database, sql

SMALL = {"TELEMETRY_BUFFER_MAX_BYTES": str(1 << 20)}  # slices of 256 KiB: sealed and dropped in the midst of it


class Series:
    """So many kills of one kind, at numbers that are spread over a run's calls."""

    def __init__(self, proof, kills):
        self.proof, self.kills, self.random = proof, kills, random.Random(f"{proof.seed} {self.name}")
        self.calls, self.ways, self.files = Counter(), Counter(), Counter()
        self.made = self.lives = self.unharmed = self.orders = self.spans = self.twice = 0
        self.range = 0

    name = ""
    upstream = False
    settings = {}
    # Kills that a data directory lives through.
    long = 1

    def run(self):
        self.range = self.measure()
        began, tries = time.monotonic(), 0
        # One number of each stretch, in any order.
        numbers = [1 + int((n + self.random.random()) * self.range / self.kills) for n in range(self.kills)]
        self.random.shuffle(numbers)
        while numbers and tries < 3 * self.kills:
            life = self.life()
            self.lives += 1
            number = way = None
            try:
                for _ in range(self.long):
                    number, way, tries = numbers.pop(), self.random.choice(Killer.WAYS), tries + 1
                    life.killer.reset(at=number, way=Killer.WAYS.index(way), sockets=self.upstream)
                    is_killed = self.try_once(life)
                    if is_killed:
                        self.note(life, way)
                    else:
                        # A run that had less to do than the one that was measured: another, and earlier.
                        self.unharmed += 1
                        numbers.append(self.random.randint(1, number))
                    need(f"orders were refused: {life.refused}", not life.refused)
                    self.check(life)
                    self.after(life)
                    if not numbers or not is_killed and self.upstream:
                        break
                self.end(life)
            except Exception as error:
                self.proof.wrong(self, life, number, way, error)
            finally:
                self.orders += len(life.orders)
                self.twice += life.twice
                self.spans += len(life.ingress.spans) if life.ingress else 0
                life.close()
        self.seconds = time.monotonic() - began
        print(self.row(), flush=True)

    def note(self, life, way):
        call, file = life.killer.call
        self.made += 1
        self.calls[call] += 1
        self.ways[way] += 1
        self.files[kind(file)] += 1

    def life(self):
        return Life(self.proof.popshop, self.proof.library, **self.settings)

    def measure(self):
        """How many calls a run makes."""
        life = self.life()
        life.killer.reset(sockets=self.upstream)
        try:
            return self.whole_run(life)
        finally:
            life.close()

    def check(self, life):
        life.check()

    def killed(self, code, said=""):
        need(f"it exited {code} before it was killed: {said}", code in (0, 75, -9))
        return code == -9

    def after(self, life):
        pass

    def end(self, life):
        pass

    def row(self):
        each = lambda counts: ", ".join(f"{n} {name}" for name, n in counts.most_common())  # noqa: E731
        return (f"| {self.name} | {self.made} in {self.lives} | 1–{self.range} | {each(self.calls)} | {each(self.ways)} "
                f"| {each(self.files)} | {self.orders} | {self.spans} / {self.twice} | {self.seconds / max(1, self.made):.1f} s |")


class FirstStart(Series):
    name = "first start"

    def whole_run(self, life):
        shop, is_open = life.demo(True)
        calls = life.killer["calls"]
        need("the shop did not open", is_open)
        life.stop(shop)
        return calls

    def try_once(self, life):
        shop, is_open = life.demo(True)
        if is_open:
            shop.kill()
        return self.killed(shop.wait())

    def after(self, life):
        shop = life.open()
        life.sell(enough=8)
        life.stop(shop)
        life.check()
        need(f"{life.status['orders']['enqueued']} of 8 orders and more", life.status["orders"]["enqueued"] >= 8)


class Migrate(FirstStart):
    name = "migrate"

    def whole_run(self, life):
        code, said = life.command("migrate", killed=True)
        need(said, code == 0)
        return life.killer["calls"]

    def try_once(self, life):
        return self.killed(*life.command("migrate", killed=True))

    def after(self, life):
        code, said = life.command("migrate")
        need(f"the second exits {code}: {said}", code == 0)
        super().after(life)


class SettingAside(FirstStart):
    """Starts on a buffer whose ledger and oldest slice are bad: both are renamed, and the shop opens without them."""

    name = "files set aside"

    def life(self):
        life = super().life()
        shutil.copytree(self.proof.waiting(), life.data)
        life.asked = 10_000  # Its own shoppers, and not those of the copy.
        folder = life.data + "/telemetry/"
        for path in (folder + "ledger.sqlite", f"{folder}slices/{min(os.listdir(folder + 'slices'))}"):
            with open(path, "r+b") as file:
                file.write(b"rotten" * 100)
        return life

    def check(self, life):
        pass  # Until it was set aside, a bad file is there, and `status` says so.

    def after(self, life):
        shop = life.open()
        life.sell(enough=8)
        life.stop(shop)
        life.check(has_bad_files=True)


class Selling(Series):
    name = "orders and spans"
    long = 30
    browse = 0
    measured = 150  # orders

    def whole_run(self, life):
        shop, is_open = life.demo(True)
        need("the shop did not open", is_open)
        life.sell(enough=self.measured, browse=self.browse)
        calls = life.killer["calls"]
        life.stop(shop)
        return calls

    def try_once(self, life):
        shop, is_open = life.demo(True)
        if is_open:
            life.sell(browse=self.browse)
            shop.kill()
        return self.killed(shop.wait())

    def end(self, life):
        shop = life.open()
        life.stop(shop)
        life.check()


class Dropping(Selling):
    """With a buffer so small that slices are sealed and dropped all the time."""

    name = "… slices dropped"
    browse = 6
    settings = SMALL


class Upstream:
    """A database that is made for each life."""

    upstream = True

    def life(self):
        database = self.proof.new_upstream()
        return Life(self.proof.popshop, self.proof.library, database, **self.settings)

    def end(self, life):
        life.finish()


class SellingOn(Upstream, Selling):
    """While both lanes send."""

    name = "… both lanes on"
    long = 10


class Once(Upstream, Series):
    name = "sync --once"
    long = 8

    def life(self):
        life = super().life()
        shutil.copytree(self.proof.waiting(), life.data)
        return life

    def whole_run(self, life):
        code, said = life.command("sync", "--once", killed=True)
        need(said, code == 0)
        return life.killer["calls"]

    def try_once(self, life):
        return self.killed(*life.command("sync", "--once", killed=True))


class UpstreamMigration(Series):
    name = "migrate --upstream"
    upstream = True

    def life(self):
        name, url = new_database(self.proof.postgres, f"kills_{next(self.proof.numbers)}")
        life = Life(self.proof.popshop, self.proof.library, SYNC_DATABASE_URL=url)
        os.mkdir(life.data)
        life.url = url
        return life

    def whole_run(self, life):
        code, said = life.command("migrate", "--upstream", killed=True)
        need(said, code == 0)
        return life.killer["calls"]

    def try_once(self, life):
        return self.killed(*life.command("migrate", "--upstream", killed=True))

    def after(self, life):
        code, said = life.command("migrate", "--upstream")
        need(f"the second exits {code}: {said}", code == 0)
        rows = sql(life.url, "SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM orders), "
                             "(SELECT count(*) FROM order_items)")
        need(f"products, orders and items: {rows}", rows == [["21", "10", "10"]])


# And how many of a thousand kills each makes.
SERIES = (
    (FirstStart, 130), (Migrate, 90), (SettingAside, 50), (Selling, 270), (Dropping, 150), (SellingOn, 100), (Once, 160),
    (UpstreamMigration, 50),
)


def kind(file):
    """A file without its folder and number."""
    name = os.path.basename(file)
    name = re.sub(r"^\d+\.sqlite", "slice", re.sub(r"corrupt-\d+", "corrupt", name))
    return name if not file.startswith("socket") else "socket"
