"""Files that rot while a shop is closed, and what it makes of them."""

import os
import pathlib
import shutil
from collections import Counter

from life import CATALOG, CHECKOUT, CONSOLE, SPAN_STATES, one_sentence
from proof import Wrong, need

PAGE = 4096


def rot(file, damage):
    """What a shop makes of a file in which something was changed while it was closed."""
    def case(proof):
        outcomes = Counter()
        rounds = proof.flips if damage is flip else 1
        for n in range(rounds):
            outcomes[rotten(proof, file, damage)] += 1
        return "; ".join(f"{count} × {what}" if rounds > 1 else what for what, count in outcomes.most_common())

    return case


def rotten(proof, name, damage):
    life = proof.life(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    try:
        shutil.copytree(proof.sold(), life.data)
        path = pathlib.Path(life.data, name)
        where = damage(path, proof.random)
        bad = path.read_bytes()
        told = by_commands(life)
        shop, is_open = life.demo(False)
        if not is_open:
            code, told = shop.wait(), life.told()
            need(f"{where}: exit {code}, {told}", code == 65 and one_sentence(told))
            need(f"{where}: exit 65 for a file of the buffer", name == "shop.sqlite")
            need(f"{where}: the file is not as it was", path.read_bytes() == bad)
            return "exit 65, one sentence, the file left as it is"
        status, code = by_requests(life, name == "shop.sqlite")
        life.stop(shop)
        return outcome(life, name, told, f"an order is answered {status} {code or ''}".strip())
    except Wrong as wrong:
        raise Wrong(f"{where}: {wrong}") from None
    finally:
        life.close()


def by_commands(life):
    """What they have said."""
    everything = ""
    for words in (["status"], ["traces", "list"], ["traces", "export", life.place + "/export.json"], ["sync", "--once"]):
        code, told = life.command(*words)
        need(f"{words} exits {code}: {told}", code in (0, 65, 73, 75))
        need(f"{words} says {told}", code in (0, 75) or one_sentence(told))
        everything += told
    return everything


def by_requests(life, is_shop):
    """What an order is answered."""
    listed = life.status_of(CHECKOUT, "/orders?limit=100")
    need(f"orders answer {listed}", listed[0] in ((200, 500, 503) if is_shop else (200,)))
    for path in ("/api/traces", "/api/service-map", "/api/traces?error=true"):
        answered = life.status_of(CONSOLE, path)
        need(f"{path} answers {answered}", answered == (200, None))
    before = life.ask(CONSOLE, "/api/status")["spans"]["enqueued"]
    answered = life.status_of(CHECKOUT, "/orders/create", {"user_id": "rot", "product_id": 3})
    need(f"an order is answered {answered}", answered[0] in ((201, 409, 500, 503) if is_shop else (201,)))
    for product in range(1, 10):
        life.status_of(CATALOG, f"/products/{product}")
    life.wait_for("new spans are on disk", lambda: life.ask(CONSOLE, "/api/status")["spans"]["enqueued"] > before)
    books = life.ask(CONSOLE, "/api/status")["spans"]
    need(f"the books do not balance: {books}", sum(books[state] for state in SPAN_STATES) == books["enqueued"])
    return answered


def outcome(life, name, told, answered):
    """What became of the file."""
    aside = {each.name for each in pathlib.Path(life.data).rglob("*corrupt*") if not each.name.endswith(("-wal", "-shm"))}
    need("the shop's database was set aside", not any("shop.sqlite" in each for each in aside))
    if name == "shop.sqlite":
        return f"it opens: nothing that is looked at was hit; {answered}"
    if not aside:
        return "it opens, the file is used: what was hit is passed over"
    told += life.told()
    need(f"{aside} is not named in the log: {told}", all(each in told for each in aside))
    return "it opens; the file is set aside and named"


def header(path, random):
    with open(path, "r+b") as file:
        file.write(random.randbytes(100))
    return "header"


def middle(path, random):
    """Every page of the middle third."""
    pages = max(1, os.path.getsize(path) // PAGE)
    with open(path, "r+b") as file:
        for page in range(pages // 3, max(pages // 3 + 1, 2 * pages // 3)):
            file.seek(page * PAGE)
            file.write(random.randbytes(PAGE))
    return f"pages from {pages // 3}"


def truncate(path, random):
    size = os.path.getsize(path) // 2
    os.truncate(path, size)
    return f"{size} bytes"


def flip(path, random):
    at = random.randrange(os.path.getsize(path))
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << random.randrange(8)]))
    return f"a bit of byte {at}"


FILES = {
    "shop.sqlite": "the shop's database",
    "telemetry/ledger.sqlite": "the buffer's ledger",
    "telemetry/slices/00000001.sqlite": "a slice",
}
CASES = {
    f"{what}: {damage.__name__}": rot(name, damage)
    for name, what in FILES.items() for damage in (header, middle, truncate, flip)
}
