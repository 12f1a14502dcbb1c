"""Every service against its own description: schemathesis (PyPI) asks what `/openapi.json` allows, and what it does not.

    swift build && pip install schemathesis && python3 Tests/Proof/openapi.py

Three rounds: what shoppers may ask, with every check; text of any characters, which must be answered as described,
whatever the answer is; and what switches faults, after which everything is reset.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from proof import Shop, environment, expect, finish

HERE = pathlib.Path(__file__).resolve().parent
SERVICES = {
    "product-catalog": 8014, "checkout": 8016, "cart": 8013, "recommendation": 8011, "currency": 8018, "shipping": 8019,
    "ad": 8017, "load-generator": 8010, "console": 8000,
}
# What changes the demo's state: what it is after that, other answers depend on.
CHANGES = {
    "product-catalog": r"^/(admin/(?!pool-stats)|demo/)", "checkout": r"^/demo/",
    "load-generator": r"^/(demo/|admin/(generate|start|pause|resume|stop|jump))",
    "console": r"^/api/(faults|network|sync|mode|scenario|traffic|reset)",
}
# An answer without an end is no answer to be looked at whole.
ENDLESS = "^/api/live$"
# What holds whatever was asked.
ANY_TEXT = [
    "--generation-codec", "utf-8", "--generation-allow-x00", "true", "--phases", "fuzzing",
    "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
                "response_schema_conformance",
]


def run(arguments, shop, service, what, *options):
    """One run of schemathesis; how many cases it made, and how many of them failed."""
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"),
        "run", shop.url(SERVICES[service], "/openapi.json"), "--no-color",
        "--max-examples", str(arguments.max_examples), "--seed", str(arguments.seed), *options,
    ]
    # What it remembers from one run to the next is not wanted here, where each is the same.
    with tempfile.TemporaryDirectory() as folder:
        settings = dict(os.environ, COLUMNS="120", PYTHONPATH=str(HERE), SCHEMATHESIS_HOOKS="schemathesis_hooks")
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=settings)
    cases = re.search(r"(\d+) generated", done.stdout)
    if done.returncode != 0:
        print(done.stdout[-arguments.show:] + done.stderr[-2000:])
    expect(f"{service}, {what}: {cases[1] if cases else 0} cases, exit code", done.returncode, 0)
    return int(cases[1]) if cases else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/popshop")
    parser.add_argument("--max-examples", type=int, default=20, help="of each operation and round")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=SERVICES, help="this service alone")
    parser.add_argument("--show", type=int, default=6000, help="characters of a failed run's report")
    arguments = parser.parse_args()
    services = [arguments.only] if arguments.only else list(SERVICES)
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(arguments.binary, folder, environment())
        shop.start()
        try:
            for service in services:
                spared = ["--exclude-path-regex", f"{ENDLESS}|{CHANGES.get(service, ENDLESS)}"]
                total += run(arguments, shop, service, "as described", *spared)
                total += run(arguments, shop, service, "any text", *spared, *ANY_TEXT)
            for service in services:
                if service in CHANGES:
                    total += run(arguments, shop, service, "changes", "--include-path-regex", CHANGES[service])
                    shop.ask(8000, "/api/reset", {})
            status = shop.ask(8000, "/api/status")
            orders = status["orders"]
            expect("the books balance", orders["enqueued"],
                   sum(orders[name] for name in ("pending", "accepted", "backordered", "rejected", "quarantined")))
            expect("spans that were dropped", status["spans"]["dropped"], 0)
            expect("the shop closes", shop.stop(), 0)
        finally:
            shop.kill()
    print(f"{total} cases")
    finish()


if __name__ == "__main__":
    main()
