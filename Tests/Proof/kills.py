"""The real binary, killed with SIGKILL at a thousand of its writes, syncs, renames and unlinks, one after the other.

    . .ci/postgres && pip install opentelemetry-proto
    python3 Tests/Proof/kills.py [--popshop .build/debug/popshop] [--kills 1100] [--only SERIES ...] [--seed N]

killer.c counts what the process does to the files of its data directory (and, where it syncs, what it sends) and kills it
before the n-th call, after it, or when half of a write is done; n is spread over the whole of a run. After each kill every
database must pass `integrity_check`, every order that was answered 201 be there once and whole, `popshop status --json`
balance, and the shop open again. What is on disk as sent must not be sent again; where it syncs, in the end every order
is upstream with its effect once, and every span has arrived. Prints a table; exits 0 only if all of it is so.
"""

import argparse
import itertools
import os
import re
import shutil
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

from killing import SERIES
from life import Life
from preload import compiled
from proof import Wrong, expect, finish, need, new_database, sql

ORDERS, SPANS = 100, 1500  # that wait in a directory from which there is something to sync


class Proof:
    """What the series share."""

    def __init__(self, options, folder):
        self.popshop, self.postgres, self.folder = options.popshop, options.postgres, folder
        self.seed, self.keep = options.seed, options.keep
        self.library = compiled("killer", folder)
        self.numbers, self.lock, self.problems = itertools.count(1), threading.Lock(), 0
        self.template, self.data = None, None

    def new_upstream(self):
        with self.lock:
            if not self.template:
                self.template, url = new_database(self.postgres, "kills_template")
                life = Life(self.popshop, self.library, SYNC_DATABASE_URL=url)
                code, said = life.command("migrate", "--upstream")
                life.close()
                need(said, code == 0)
            name = f"kills_{next(self.numbers)}_{os.getpid()}"
            sql(self.postgres, f"CREATE DATABASE {name} TEMPLATE {self.template}")
        return re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{name}", self.postgres)

    def waiting(self):
        """A data directory in which orders and spans wait."""
        with self.lock:
            if not self.data:
                life = Life(self.popshop, self.library, TELEMETRY_BUFFER_MAX_BYTES=str(2 << 20))
                shop, _ = life.demo(False)
                while not self.data:
                    life.sell(enough=len(life.orders) + ORDERS, browse=2)
                    life.check_books()
                    if life.status["spans"]["enqueued"] >= SPANS:
                        life.stop(shop)
                        self.data = shutil.copytree(life.data, self.folder + "/waiting")
                life.close()
            return self.data

    def wrong(self, series, life, number, way, error):
        call, file = life.killer.call
        with self.lock:
            self.problems += 1
            print(f"FAIL {series.name}, {way} call {number}, {call} {file}: {error}", flush=True)
            if not isinstance(error, Wrong):
                traceback.print_exception(error)
            if self.keep:
                shutil.copytree(life.place, tempfile.mkdtemp(dir=self.keep), dirs_exist_ok=True)

    def clear(self):
        for name, in sql(self.postgres, f"SELECT datname FROM pg_database WHERE datname ~ '^kills_.*_{os.getpid()}$'"):
            sql(self.postgres, f"DROP DATABASE {name} WITH (FORCE)")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-kills-") as folder:
        proof = Proof(options, folder)
        chosen = [
            series(proof, max(1, round(share * options.kills / 1000)))
            for series, share in SERIES if not options.only or series.name in options.only
        ]
        print("| series | kills, data directories | n | calls | when | files | orders answered | spans arrived / again | each |")
        print("|---|---|---|---|---|---|---|---|---|")
        try:
            with ThreadPoolExecutor(options.at_once) as workers:
                for done in [workers.submit(each.run) for each in chosen]:
                    done.result()
        finally:
            proof.clear()
        expect("kills", sum(each.made for each in chosen), sum(each.kills for each in chosen))
        expect("not as promised", proof.problems, 0)
    finish()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--popshop", default=".build/debug/popshop")
    parser.add_argument("--postgres", default=os.environ.get("POPSHOP_TEST_POSTGRES"))
    parser.add_argument("--kills", type=int, default=1100)
    parser.add_argument("--only", nargs="*", help="names of series")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--keep", help="a folder for the data directories with which something is wrong")
    options = parser.parse_args()
    if not options.postgres:
        parser.error("POPSHOP_TEST_POSTGRES names no server; `. .ci/postgres` starts one")
    return options


main()
