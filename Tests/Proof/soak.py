"""A shop left in trouble for an hour: what it holds at the start, each minute, and when all is off again.

    python3 Tests/Proof/soak.py [--popshop .build/debug/popshop] [--minutes 60] [--rpm 120]
    python3 Tests/Proof/soak.py --scenario blackfriday --minutes 30
    . .ci/postgres && POPSHOP_STORAGE=postgres python3 Tests/Proof/soak.py

Without a scenario the mode is `blackfriday` and every other fault is on besides; those that nobody gets past (the cart,
the payment provider, the network) in every other slot of five minutes, so that the rest is reached too. Prints resident
memory, open files, threads and the leases of both pools every minute, and what the log has said, counted. Exits 0 only
if every lease is back, memory is within 32 MiB of the start, the open files do not grow on and on, no
span was dropped and nothing critical was logged.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import tempfile
import time

from proof import Shop, expect, finish, storage_environment

CONSOLE, CATALOG, CHECKOUT = 8000, 8014, 8016
OUTAGES = {"cart-outage", "payment-unreachable", "network-loss"}
SLOT = 5 * 60  # seconds


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-soak-") as folder:
        settings, drop = storage_environment(options.storage, options.postgres, "soak", LOG_LEVEL="warning")
        shop, log = Shop(options.popshop, folder + "/data", settings), pathlib.Path(folder) / "log"
        try:
            if options.storage == "postgres":
                shop.command("migrate")
            with open(log, "w") as file:
                shop.start(traffic=0 if options.scenario else options.rpm, log=file)
            soak(shop, options)
            tell(log)
        finally:
            shop.kill()
            drop()
    finish()


def soak(shop, options):
    print(f"-- {options.storage}, {options.minutes:g} minutes at {options.rpm} rpm, "
          f"{options.scenario or 'mode blackfriday and every fault'}")
    print("minute  resident MiB  files  threads  catalog leases  checkout leases  spans")
    # Everything that is made once is made: pools, prepared statements, caches.
    time.sleep(options.warm)
    start = show(shop, "start")
    if options.scenario:
        shop.ask(CONSOLE, "/api/scenario", {"action": "start", "scenario": options.scenario, "seed": options.seed,
                                   "duration_minutes": options.minutes, "peak_rpm": options.rpm})
    else:
        shop.ask(CONSOLE, "/api/mode", {"mode": "blackfriday"})
        others = [each["name"] for each in shop.ask(CONSOLE, "/api/faults")["faults"] if not each["on"]]
        for name in set(others) - OUTAGES:
            switch(shop, name, True)
    minutes, began = [], time.monotonic()
    while (elapsed := time.monotonic() - began) < options.minutes * 60:
        if not options.scenario and elapsed // SLOT != (elapsed - 60) // SLOT:
            for name in OUTAGES:
                switch(shop, name, elapsed // SLOT % 2 == 1)
        time.sleep(min(60, options.minutes * 60 - elapsed))
        minutes.append(show(shop, f"{(time.monotonic() - began) / 60:.0f}"))
    if options.scenario:
        status = shop.ask(CONSOLE, "/api/scenarios")["status"]
        table(status)
    shop.ask(CONSOLE, "/api/reset", {})
    time.sleep(options.settle)
    end = show(shop, "reset")
    spans = shop.ask(CONSOLE, "/api/status")["spans"]
    print(f"spans: {json.dumps(spans)}")
    expect("exit code after SIGTERM", shop.stop(), 0)
    expect("leases that are out", (end["catalog"], end["checkout"]), (0, 0))
    expect("memory within 32 MiB of the start", end["resident"] <= start["resident"] + 32, True)
    third = max(1, len(minutes) // 3)
    middle, last = (max(each["files"] for each in part) for part in (minutes[third:-third] or minutes, minutes[-third:]))
    expect("the last third has 24 more open files than the middle one, at most", last - middle <= 24, True)
    expect("spans that were dropped", spans["dropped"], 0)


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
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--warm", type=float, default=30, help="seconds of traffic before the first figure")
    parser.add_argument("--settle", type=float, default=20, help="seconds after the reset before the last one")
    options = parser.parse_args()
    options.storage = os.environ.get("POPSHOP_STORAGE", "sqlite")
    return options


if __name__ == "__main__":
    main()
