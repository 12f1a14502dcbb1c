"""Where a request's time goes: what each path costs the shop's process, and who spends it.

    swift build -c release --product popshop && apt-get install linux-perf wrk
    python3 Tests/Proof/profile.py [--popshop .build/release/popshop] [--before OTHER/popshop] [--seconds 4]

Loads each path of a shop of its own by 32 connections, once for its cost and once while perf takes stacks. A sample is
his whose frame is the innermost that has an owner: of a lock, a copy or a retain the caller, of the kernel what the system
call was for. Prints the process's time a request in µs of one core, and each owner's part of it; with `--before` another
popshop's beside it.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import tempfile

from proof import Shop, environment

CART, CATALOG, CHECKOUT = 8013, 8014, 8016
CONNECTIONS = 32
JSON = "{['Content-Type'] = 'application/json'}"

# Port, and a Lua expression of n, the request's number.
ADD = (CART, f"""'POST', '/cart/bench-' .. math.floor(n / 10) .. '/add', {JSON}, '{{"product_id":' .. n % 21 + 1 .. '}}'""")
PATHS = {
    "a product": (CATALOG, "'GET', '/products/' .. n % 21 + 1"),
    "an order": (CHECKOUT, f"""'POST', '/orders/create', {JSON},
        '{{"user_id":"bench","product_id":' .. n % 21 + 1 .. '}}'"""),
    "a cart add": ADD,
    "a checkout": (CHECKOUT, f"""'POST', '/checkout', {JSON}, '{{"cart_id":"bench-' .. n .. '","user_id":"bench"}}'"""),
}

OWNERS = ["sockets", "HTTP server", "HTTP client", "SQLite", "spans", "the shop", "Foundation", "scheduling"]
MODULES = {
    "HTTP server": ["Hummingbird", "HummingbirdCore", "HTTPServer", "HTTPTypes", "NIO", "CNIO", "Niop"],
    "HTTP client": ["HTTPClient"],
    "SQLite": ["GRDB", "SQLite"],
    "spans": ["ServiceTracing", "Telemetry", "OTLP", "Tracing", "Instrumentation", "ServiceContext"],
    "Foundation": ["Foundation"],
    # Whoever calls them.
    None: ["Swift", "Synchronization", "Dispatch", "Atomics", "Logging", "DequeModule", "OrderedCollections"],
}
FILES = re.compile(r"p(read|write)(v|64)?|f(data)?sync|ftruncate|fallocate|unlink|fcntl|mmap|munmap")
SOCKETS = re.compile(r"readv?|writev?|send(to|msg)?|recv(from|msg)?|epoll_\w+|accept4?|connect|close|poll|shutdown|"
                     r"socket|[gs]etsockopt|eventfd_\w+|getpeername|getsockname")


def main():
    options = arguments()
    figures = {}
    for binary in filter(None, [options.before, options.popshop]):
        figures[binary] = {name: profile(binary, path, options.seconds) for name, path in PATHS.items()}
    print(f"{'µs of one core':<16}{'':<8}{'all':>6}" + "".join(f"{owner:>13}" for owner in OWNERS))
    for name in PATHS:
        for when, binary in (("before", options.before), ("now", options.popshop)):
            if binary:
                cost, parts = figures[binary][name]
                print(f"{name:<16}{when if options.before else '':<8}{cost:6.0f}"
                      + "".join(f"{cost * parts[owner]:13.1f}" for owner in OWNERS))


def profile(binary, path, seconds):
    """µs of one core a request, and of it each owner's part."""
    with tempfile.TemporaryDirectory(prefix="popshop-profile-") as folder:
        shop = Shop(binary, folder + "/data", environment())
        try:
            shop.start()
            prepare(shop, path, seconds, folder)
            # Without perf, which costs more the more threads there are.
            before = cpu(shop)
            answered = load(shop, path, seconds, folder)
            cost = (cpu(shop) - before) / answered
            prepare(shop, path, seconds, folder)
            perf = subprocess.Popen(
                ["perf", "record", "-q", "-F", "1999", "-g", "-p", str(shop.process.pid), "-o", folder + "/perf"],
                stderr=subprocess.DEVNULL,
            )
            load(shop, path, seconds, folder)
            perf.terminate()
            perf.wait()
            shop.stop()
        finally:
            shop.kill()
        return cost * 1e6, parts(folder + "/perf")


def prepare(shop, path, seconds, folder):
    """Warms up; for checkouts by filling the carts that are bought, and some more."""
    if path == PATHS["a checkout"]:
        load(shop, (CART, ADD[1].replace("math.floor(n / 10)", "n")), 2 + seconds / 2, folder)
    else:
        load(shop, path, 1, folder)


def load(shop, path, seconds, folder):
    """How many requests were answered, each of them well."""
    port, request = path
    script = pathlib.Path(folder) / "load.lua"
    script.write_text(f"local n = 0\nrequest = function() n = n + 1\n return wrk.format({request})\nend\n")
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script), shop.url(port, "")],
        check=True, capture_output=True, text=True,
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"not every answer was good: {said}")
    return int(re.search(r"(\d+) requests in", said)[1])


def cpu(shop):
    """Seconds that the process has had, its own and the kernel's."""
    words = pathlib.Path(f"/proc/{shop.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / 100


def parts(file):
    said = subprocess.run(
        ["perf", "script", "-i", file, "--no-demangle", "-F", "comm,ip,sym,dso"], check=True, capture_output=True,
        text=True, errors="replace",
    ).stdout
    counts = collections.Counter(owner(sample.split("\n")[1:]) for sample in said.split("\n\n") if sample.strip())
    return {name: counts[name] / counts.total() for name in OWNERS}


def owner(frames):
    is_kernel = False
    for frame in frames:
        found = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", frame)
        if not found:
            continue
        symbol, library = found[1], found[2].rsplit("/", 1)[-1]
        if library.startswith("[kernel"):
            is_kernel = True
            continue
        call = re.sub(r"^(__)?(GI_|libc_)*_*", "", symbol).removesuffix("_nocancel").removesuffix("@plt")
        if is_kernel and FILES.fullmatch(call):
            return "SQLite"
        if is_kernel and SOCKETS.fullmatch(call):
            return "sockets"
        is_kernel = False
        name = of_library(symbol, library) or of_symbol(symbol)
        if name:
            return name
    return "scheduling"


def of_library(symbol, library):
    if symbol.startswith("sqlite3") or library.startswith("libsqlite3"):
        return "SQLite"
    if library.startswith("libcurl"):
        return "HTTP client"
    if symbol.startswith(("c_nio", "CNIO")):
        return "HTTP server"
    return "Foundation" if "Foundation" in library else None


def of_symbol(symbol):
    """Of Swift's mangled names the module (ABI, *Mangling*): `$s`, the length of its name, the name."""
    found = re.match(r"\$s(\d+)", symbol)
    if not found:
        return None
    module = symbol[found.end():found.end() + int(found[1])]
    for name, prefixes in MODULES.items():
        if module.startswith(tuple(prefixes)):
            return name
    return "the shop"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--popshop", default=".build/release/popshop")
    parser.add_argument("--before", help="a popshop to compare with")
    parser.add_argument("--seconds", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
