"""Black Friday in 90 seconds, twice with one seed: what each phase and each minute has shown, and the same journeys.

    python3 Tests/Proof/black_friday.py [--popshop .build/debug/popshop] [--minutes 1.5] [--rpm 120] [--seed 7]

Starts a shop of its own on ports of its own, plays the scenario over HTTP as the console does, and prints the phases
with their times, requests, errors and checkout failures by minute of the scenario. Exits 0 only if both shows have
played the same journeys, the phases came in their order, checkouts failed when they should and not before, and every
fault is off afterwards.
"""

import argparse
import pathlib
import tempfile
import time
import urllib.error

from proof import Shop, environment, expect, finish

CONSOLE = 8000
PHASES = ["ramp", "peak", "degradation", "critical"]


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="popshop-black-friday-") as folder:
        shop = Shop(options.popshop, folder + "/data", environment())
        try:
            with open(folder + "/log", "w") as log:
                shop.start(traffic=30, log=log)
            shop.patience = 10
            print(f"-- warm: {options.warm} s of normal traffic before, so that there is something to compare with")
            time.sleep(options.warm)
            shows = [play(shop, options, number) for number in (1, 2)]
            refuse(shop, options)
            expect("exit code after SIGTERM", shop.stop(), 0)
        finally:
            shop.kill()
    expect("the same journeys twice", shows[0]["journey_hash"], shows[1]["journey_hash"])
    expect("as many of them", scheduled(shows[0]), scheduled(shows[1]))
    finish()


def play(shop, options, number):
    print(f"-- show {number}: blackfriday in {options.minutes} minutes at {options.rpm} rpm, seed {options.seed}")
    start = {"action": "start", "scenario": "blackfriday", "duration_minutes": options.minutes,
             "peak_rpm": options.rpm, "seed": options.seed}
    began = time.monotonic()
    shop.ask(CONSOLE, "/api/scenario", start)
    seen = []
    while True:
        now = scenario_status(shop)
        if now["running"] and (not seen or seen[-1]["phase"] != now["phase"]):
            seen.append(now)
            print(f"{now['elapsed_seconds']:7.1f} s  {now['phase']:<12} {now['current_rpm']:5.0f} rpm   "
                  f"{faults(shop)}")
        if not now["running"] and now["in_flight"] == 0:
            break
        time.sleep(0.25)
    print(f"{now['elapsed_seconds']:7.1f} s  over, and the last journey ended {time.monotonic() - began:.1f} s "
          f"after the start")
    table(now)
    print(f"{now['requests_sent']} journeys, {now['errors']} errors, {now['checkouts_failed']} of "
          f"{now['checkouts_attempted']} checkouts failed, {now['late']} late, {now['shed']} left out, "
          f"journeys {now['journey_hash']}")
    expect("phases in their order", [each["phase"] for each in seen], PHASES)
    early = sum(each["checkouts_failed"] for each in now["minutes"] if each["minute"] < 15)
    late = [each for each in now["minutes"] if each["minute"] >= 15]
    expect("checkouts that failed before minute 15", early, 0)
    if not any(each["checkouts_failed"] for each in late):
        expect("checkouts that failed from minute 15 on", "none", "some")
    wait_for("every fault is off again", lambda: not faults_on(shop))
    return now


def table(status):
    print("minute    " + "journeys  errors  checkouts  failed")
    by_minute = {each["minute"]: each for each in status["minutes"]}
    for begin, end in [(0, 10), (10, 15)] + [(minute, minute + 1) for minute in range(15, 30)]:
        rows = [by_minute[minute] for minute in range(begin, end) if minute in by_minute]
        total = {name: sum(row[name] for row in rows)
                 for name in ("requests", "errors", "checkouts_attempted", "checkouts_failed")}
        label = f"{begin}" if end == begin + 1 else f"{begin}-{end - 1}"
        print(f"{label:<9} {total['requests']:8} {total['errors']:7} {share(total)}")
    for begin, end, name in [(15, 20, "degradation"), (20, 30, "critical")]:
        rows = [by_minute[minute] for minute in range(begin, end) if minute in by_minute]
        total = {field: sum(row[field] for row in rows) for field in ("checkouts_attempted", "checkouts_failed")}
        print(f"{name:<26} {share(total)}")


def share(total):
    attempted, failed = total["checkouts_attempted"], total["checkouts_failed"]
    percent = f"  ({100 * failed / attempted:.0f} %)" if attempted else ""
    return f"{attempted:10} {failed:7}{percent}"


def faults(shop):
    on = faults_on(shop)
    return ", ".join(f"{each['name']} {each['current_strength']}" for each in on) or "no fault"


def refuse(shop, options):
    print("-- what is refused, and changes nothing")
    start = {"action": "start", "scenario": "blackfriday", "duration_minutes": options.minutes}
    shop.ask(CONSOLE, "/api/scenario", start)
    expect("two at once", answer(shop, start), 409)
    expect("unknown phase", answer(shop, {"action": "jump", "phase": "aftermath"}), 400)
    shop.ask(CONSOLE, "/api/scenario", {"action": "pause"})
    expect("a jump while paused", answer(shop, {"action": "jump", "phase": "peak"}), 409)
    expect("unknown scenario", answer(shop, {"action": "start", "scenario": "x"}), 400)
    status = scenario_status(shop)
    expect("still paused", (status["running"], status["paused"]), (True, True))
    shop.ask(CONSOLE, "/api/reset", {})
    status = scenario_status(shop)
    expect("after a reset", (status["running"], status["scenario"]), (False, None))
    wait_for("no fault after a reset", lambda: not faults_on(shop))


def scheduled(status):
    """Those that were left out belong to the sequence."""
    return status["requests_sent"] + status["shed"]


def wait_for(what, condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    expect(what, condition(), True)


def faults_on(shop):
    return [each for each in shop.ask(CONSOLE, "/api/faults")["faults"] if each["on"]]


def scenario_status(shop):
    return shop.ask(CONSOLE, "/api/scenarios")["status"]


def answer(shop, body):
    """The status code of what the console says to it."""
    try:
        shop.ask(CONSOLE, "/api/scenario", body)
        return 200
    except urllib.error.HTTPError as error:
        return error.code


def arguments():
    top = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--popshop", default=str(top / ".build/debug/popshop"))
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--rpm", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--warm", type=float, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
