"""What the proofs share: how they ask, compare and end."""

import json
import os
import pathlib
import re
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


class Wrong(Exception):
    """What is not as promised."""


def need(what, is_so):
    """Ends a case that has failed."""
    if not is_so:
        raise Wrong(what)


def finish():
    """Ends the program: 0 only if everything was as wanted."""
    print("all equal" if not failures else f"NOT equal: {', '.join(failures)}")
    sys.exit(1 if failures else 0)


def environment(**more):
    """This process's environment with nothing of PopShop's in it but what is given."""
    prefixes = ("CX_", "OTEL_", "POPSHOP_", "SYNC_", "POSTGRES_", "REDIS_", "DATABASE_", "DB_", "TELEMETRY_")
    return dict({k: v for k, v in os.environ.items() if not k.startswith(prefixes)}, **{"LOG_LEVEL": "error", **more})


def ask(url, body=None, headers={}, timeout=None):
    """The answer's JSON. Raises `urllib.error.HTTPError` for a status of 400 and above."""
    request = urllib.request.Request(url, headers=headers)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=timeout) as answer:
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


def new_database(server, purpose):
    """The name and the URL of a database that is made on the server."""
    name = f"{purpose}_{os.getpid()}"
    sql(server, f"CREATE DATABASE {name}")
    return name, re.sub(r"^(\w+://[^/]*/)[^?]*", rf"\g<1>{name}", server)


def storage_environment(storage, server, purpose, **more):
    """A shop's on `sqlite` or `postgres`, and what takes away again what was made for it."""
    if storage == "sqlite":
        return environment(POPSHOP_STORAGE=storage, **more), lambda: None
    name, url = new_database(server, purpose)
    drop = lambda: sql(server, f"DROP DATABASE {name} WITH (FORCE)")  # noqa: E731
    return environment(POPSHOP_STORAGE=storage, DATABASE_URL=url, **more), drop


class Shop:
    """The real binary on a data directory and ports of its own."""

    # Seconds that an answer may take; None for as long as it takes.
    patience = None

    def __init__(self, binary, data, settings):
        self.binary, self.data, self.environment = str(pathlib.Path(binary).resolve()), data, settings
        self.offset, self.process = free_offset(), None

    def start(self, *more, traffic=0, log=None):
        """Returns when it is open. What it says on stderr goes to the file `log`, or where this program's does."""
        self.process = subprocess.Popen(
            [self.binary, "demo", "--data-dir", self.data, "--port-offset", str(self.offset), "--traffic", str(traffic),
             *more],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        for line in self.process.stdout:
            if "PopShop is open" in line:
                return
        sys.exit("the shop did not open")

    def kill(self):
        """With SIGKILL, if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """With SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait()

    def command(self, *words):
        """What `popshop WORDS…` prints; ends the program if it fails."""
        done = subprocess.run(
            [self.binary, *words, "--data-dir", self.data], env=self.environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"popshop {words[0]}: {done.stderr}")
        return done.stdout

    def url(self, port, path):
        return f"http://127.0.0.1:{port + self.offset}{path}"

    def ask(self, port, path, body=None):
        return ask(self.url(port, path), body, timeout=self.patience)

    def resident(self):
        """In MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) // 1024

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def leases(self, port):
        """How many connections of a service's pool are lent."""
        return self.ask(port, "/admin/pool-stats")["pool_stats"]["active_connections"]


def free_offset():
    return next(free_offsets())


def free_offsets():
    """One after the other, below the ports that Linux gives to outgoing connections, and with room for every service."""
    number, in_vain = os.getpid(), 0
    while in_vain < 975:
        offset, taken = 500 + number % 975 * 20, 0
        for port in (*range(8000, 8020), 4318):
            with socket.socket() as trial:
                taken += trial.connect_ex(("127.0.0.1", port + offset)) == 0
        number, in_vain = number + 1, in_vain + 1
        if not taken:
            in_vain = 0
            yield offset
    sys.exit("no ports are free")
