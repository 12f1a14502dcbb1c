"""What the proofs share: how they ask, compare and end."""

import json
import os
import socket
import subprocess
import sys
import urllib.request

failures = []


def expect(what, found, wanted):
    """Prints a line of the account; what is not as wanted is held against the whole."""
    is_equal = found == wanted
    if not is_equal:
        failures.append(what)
    shown = found if not isinstance(found, set) else f"{len(found)} in a set"
    print(f"{'ok  ' if is_equal else 'FAIL'} {what}: {shown}" + ("" if is_equal else f", and not {wanted}"), flush=True)


def finish():
    """Ends the program: 0 only if everything was as wanted."""
    print("all equal" if not failures else f"NOT equal: {', '.join(failures)}")
    sys.exit(1 if failures else 0)


def environment(**more):
    """This process's environment with nothing of PopShop's in it but what is given."""
    prefixes = ("CX_", "OTEL_", "POPSHOP_", "SYNC_", "POSTGRES_", "REDIS_", "DATABASE_", "DB_", "TELEMETRY_")
    return dict({k: v for k, v in os.environ.items() if not k.startswith(prefixes)}, LOG_LEVEL="error", **more)


def ask(url, body=None, headers={}):
    """The answer's JSON. Raises `urllib.error.HTTPError` for a status of 400 and above."""
    request = urllib.request.Request(url, headers=headers)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def sql(url, query):
    """The rows, each a list of texts."""
    done = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", query],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"psql: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def free_offset():
    """Below the ports that Linux gives to outgoing connections, and with room for every service."""
    for offset in range(500 + os.getpid() % 400 * 20, 20_000, 20):
        taken = 0
        for port in (*range(8000, 8020), 4318):
            with socket.socket() as trial:
                taken += trial.connect_ex(("127.0.0.1", port + offset)) == 0
        if not taken:
            return offset
    sys.exit("no ports are free")
