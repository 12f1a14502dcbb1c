"""Clients that mean harm, against the real binary: others are served meanwhile, and memory stays bounded.

    swift build && python3 Tests/Proof/hostile.py

Connections that trickle heads or bodies or read no answer, ten thousand idle ones, floods of headers, huge URLs,
pipelined garbage, bodies that lie about their length. A table says for each what it did to somebody who asks for a
product.
"""

import argparse
import contextlib
import http.client
import os
import pathlib
import random
import resource
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from proof import Shop, environment, expect, finish

CATALOG, CURRENCY = 8014, 8018
rows = []


def measure(port, count):
    """Asks for a product so often, each time on a new connection; prints median and longest in ms, and what failed."""
    times, failed = [], 0
    for _ in range(count):
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/products/1")
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
        except OSError:
            failed += 1
        connection.close()
        times.append((time.monotonic() - began) * 1000)
        select.select([], [], [], 0.02)
    print(statistics.median(times), max(times), failed)


def sockets(shop):
    """How many the shop has."""
    folder, count = pathlib.Path(f"/proc/{shop.process.pid}/fd"), 0
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            count += os.readlink(file).startswith("socket:")
    return count


class Bystander:
    """Somebody who shops meanwhile, in a process of its own: so often, every 20 ms."""

    def __init__(self, shop, count):
        command = [sys.executable, __file__, "--measure", str(CATALOG + shop.offset), "--count", str(count)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def result(self):
        median, longest, failed = self.process.communicate()[0].split()
        return float(median), float(longest), int(failed)


def connect(shop, port, receive=None):
    """A connection, with a receive buffer of so many bytes."""
    client = socket.socket()
    if receive:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    client.connect(("127.0.0.1", port + shop.offset))
    client.setblocking(False)
    return client


def is_closed(client):
    """Whether the other end has closed it; what it has sent is thrown away."""
    try:
        while True:
            if not client.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def send(client, data):
    with contextlib.suppress(OSError):
        client.send(data)


class Attack:
    """Runs while the block runs; then a row of the table."""

    def __init__(self, shop, name, before, count=200):
        self.shop, self.name, self.before, self.count = shop, name, before, count

    def __enter__(self):
        self.start = self.shop.resident()
        self.peak = self.start
        self.bystander = Bystander(self.shop, self.count)
        return self

    def look(self):
        self.peak = max(self.peak, self.shop.resident())

    def __exit__(self, *failure):
        if failure[0]:
            self.bystander.process.kill()
            return
        self.look()
        median, longest, failed = self.bystander.result()
        self.look()
        rows.append((self.name, median, median / self.before, longest, self.start, self.peak))
        expect(f"{self.name}: requests of others that failed", failed, 0)


def trickle(attack, clients, piece, seconds):
    """Sends each client's next piece once a second until all are closed, or the time is over; how many are open."""
    ends, number = time.monotonic() + seconds, 0
    while clients and time.monotonic() < ends:
        for client in clients:
            send(client, piece(number))
        attack.look()
        number += 1
        pause = time.monotonic() + 1
        while clients and time.monotonic() < pause:
            select.select([], [], [], 0.1)
            clients[:] = [client for client in clients if not gone(client)]
    return len(clients)


def gone(client):
    if not is_closed(client):
        return False
    client.close()
    return True


def slow_heads(shop, before):
    with Attack(shop, "500 heads, a byte a second", before) as attack:
        clients = [connect(shop, CATALOG) for _ in range(500)]
        for client in clients:
            send(client, b"GET /products/1 HTTP/1.1\r\nHost: localhost\r\nX: ")
        expect("heads that trickle, open after 25 s", trickle(attack, clients, lambda n: b"x", 25), 0)


def slow_bodies(shop, before):
    with Attack(shop, "300 bodies, a byte a second", before) as attack:
        clients = [connect(shop, CURRENCY) for _ in range(300)]
        for client in clients:
            send(client, b"POST /convert HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n ")
        expect("bodies that trickle, open after 40 s", trickle(attack, clients, lambda n: b" ", 40), 0)


def no_readers(shop, before):
    """A closed window says nothing when the server gives up: how many connections it still has is asked for. It gives up
    30 s after the last byte that the kernel takes, which a slow machine has not made so soon."""
    usual = sockets(shop)
    with Attack(shop, "100 that read no answer", before) as attack:
        clients = [connect(shop, CATALOG, receive=4096) for _ in range(100)]
        for client in clients:
            send(client, b"GET /products HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        ends = time.monotonic() + 120
        while time.monotonic() < ends and sockets(shop) > usual + 10:
            select.select([], [], [], 0.5)
            attack.look()
        expect("answers that nobody reads, connections more than 10 after two minutes", max(0, sockets(shop) - usual - 10), 0)
        for client in clients:
            client.close()


def idle(shop, before, count):
    """How many are open at once is the machine's to say: a slow one closes the first ones before the last are in."""
    with Attack(shop, f"{count:,} idle connections", before, 400) as attack:
        clients, most, ends = [connect(shop, CATALOG) for _ in range(count)], 0, time.monotonic() + 120
        while clients and time.monotonic() < ends:
            most = max(most, sockets(shop))
            attack.look()
            select.select([], [], [], 0.2)
            clients[:] = [client for client in clients if not gone(client)]
        print(f"     {most:,} sockets at once, at most {attack.peak} MiB")
        expect("idle connections, open after two minutes", len(clients), 0)


def whole(shop, port, data, seconds=20):
    """Sends all of it, as far as it is taken, and what is answered until the other end closes; None if it does not."""
    client, answer, sent = connect(shop, port), b"", 0
    ends = time.monotonic() + seconds
    with client:
        while time.monotonic() < ends:
            readable, writable, _ = select.select([client], [client] if sent < len(data) else [], [], 1)
            try:
                if readable:
                    piece = client.recv(65536)
                    if not piece:
                        return answer
                    answer += piece
                if writable:
                    sent += client.send(data[sent:sent + 65536])
                    if sent == len(data):
                        client.shutdown(socket.SHUT_WR)
            except OSError:
                return answer
    return None


def floods(shop, before):
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"v" * 90) for number in range(100_000))
    head = b"GET /products/1 HTTP/1.1\r\nHost: localhost\r\n"
    for name, data in (
        ("header floods of 10 MB", head + lines + b"\r\n"), ("one header of 10 MB", head + b"X: " + b"v" * 10_000_000),
        ("URLs of 10 MB", b"GET /" + b"a" * 10_000_000 + b" HTTP/1.1\r\n\r\n"),
        ("methods of 10 MB", b"A" * 10_000_000 + b" / HTTP/1.1\r\n\r\n"),
    ):
        wrong = 0
        with Attack(shop, f"20 {name}", before) as attack:
            for _ in range(20):
                answer = whole(shop, CATALOG, data)
                attack.look()
                if answer is None or answer and not answer.startswith(b"HTTP/1.1 4"):
                    wrong += 1
        expect(f"{name}: not closed, or not refused", wrong, 0)


def garbage(shop, before, seed):
    """Seeded: random bytes, and requests with bytes of them changed, many on a connection."""
    dice = random.Random(seed)
    request = b"POST /convert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request += b'Content-Length: 12\r\n\r\n{"amount":1}'
    hanging = 0
    with Attack(shop, "1,000 pipelines of garbage", before) as attack:
        for number in range(1000):
            data = bytearray(request * dice.randint(1, 20))
            for _ in range(dice.randint(1, 40)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            if number % 4 == 0:
                data = bytearray(dice.randbytes(dice.randint(1, 20_000)))
            hanging += whole(shop, CURRENCY, bytes(data)) is None
            attack.look()
    expect("pipelines of garbage that were left hanging", hanging, 0)


def lies(shop, before):
    """What a length says and what comes are two things: none may be answered twice, or by another's request."""
    head = b"POST /convert HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = b'{"amount":1}'
    smuggled = b"GET /products/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    cases = {
        "more than comes": head + b"Content-Length: 1000\r\n\r\n" + body,
        "less than comes": head + b"Content-Length: 5\r\n\r\n" + body,
        "negative": head + b"Content-Length: -1\r\n\r\n" + body,
        "no number": head + b"Content-Length: 12a\r\n\r\n" + body,
        "more than an Int": head + b"Content-Length: 99999999999999999999999\r\n\r\n" + body,
        "an exabyte": head + b"Content-Length: 1000000000000000000\r\n\r\n" + body,
        "two lengths": head + b"Content-Length: 12\r\nContent-Length: 3\r\n\r\n" + body,
        "length and chunks": head + b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
        "a coding nobody knows": head + b"Transfer-Encoding: cow\r\n\r\n" + body,
        "a chunk larger than an Int": head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + body,
        "a chunk that is no number": head + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + body,
        "a chunk less than comes": head + b"Transfer-Encoding: chunked\r\n\r\n3\r\n" + body + b"\r\n0\r\n\r\n",
        "chunks without an end": head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 20_000,
    }
    with Attack(shop, f"{len(cases)} lengths that lie, 20 times", before) as attack:
        for name, data in cases.items():
            kinds = set()
            for _ in range(20):
                answer = whole(shop, CURRENCY, data)
                attack.look()
                statuses = [] if answer is None else [
                    int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()
                ]
                kinds.add("left hanging" if answer is None else
                          "accepted" if any(status < 400 or status >= 500 for status in statuses) else "refused")
            expect(f"a length that lies, {name}", sorted(kinds), ["refused"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=".build/debug/popshop")
    parser.add_argument("--connections", type=int, default=10_000, help="idle ones")
    parser.add_argument("--most", type=int, default=256, help="MiB resident that it may take at most")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=["heads", "bodies", "readers", "idle", "floods", "garbage", "lies"])
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        return measure(arguments.measure, arguments.count)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, arguments.connections + 2000), hard))
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(arguments.binary, folder, environment())
        shop.start()
        try:
            Bystander(shop, 300).result()  # Warm.
            before, *_ = Bystander(shop, 500).result()
            start, usual = shop.resident(), sockets(shop)
            attacks = {
                "heads": lambda: slow_heads(shop, before), "bodies": lambda: slow_bodies(shop, before),
                "readers": lambda: no_readers(shop, before), "idle": lambda: idle(shop, before, arguments.connections),
                "floods": lambda: floods(shop, before), "garbage": lambda: garbage(shop, before, arguments.seed),
                "lies": lambda: lies(shop, before),
            }
            for name, attack in attacks.items():
                if arguments.only in (None, name):
                    attack()
            after, longest, failed = Bystander(shop, 500).result()
            rows.append(("afterwards", after, after / before, longest, start, shop.resident()))
            expect("requests that failed afterwards", failed, 0)
            most = max(row[-1] for row in rows)
            expect(f"{most} MiB resident at most, {arguments.most} are allowed", most <= arguments.most, True)
            expect("sockets more than 20 afterwards", max(0, sockets(shop) - usual - 20), 0)
            expect("the shop closes", shop.stop(), 0)
        finally:
            shop.kill()
    print(f"\nGET /products/1 takes {before:.2f} ms undisturbed; the shop has {start} MiB.\n")
    print(f"{'':34} {'p50 ms':>8} {'ratio':>6} {'longest ms':>11} {'MiB before':>11} {'at most':>8}")
    for name, median, ratio, longest, first, peak in rows:
        print(f"{name:34} {median:8.2f} {ratio:6.2f} {longest:11.0f} {first:11} {peak:8}")
    finish()


if __name__ == "__main__":
    main()
