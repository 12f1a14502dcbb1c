"""The tests under the thread and the address sanitizer.

    . .ci/postgres && . .ci/redis && python3 Tests/Proof/sanitizers.py [thread] [address] [--filter REGEX]

Builds into `.build-thread` and `.build-address` (5 minutes each, once), and runs the tests a few at a time, so that their own
time-outs hold under an order of magnitude less speed; the simulation's many worlds are left out unless `--filter` names them.
What a sanitizer reports of any process, also of those that tests start, is printed, once a place. Exits 0 only if there is
no report and no test fails.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from proof import expect, finish

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTH = "4"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sanitizers", nargs="*", default=["thread", "address"], metavar="thread|address")
    parser.add_argument("--filter")
    options = parser.parse_args()
    for sanitizer in options.sanitizers:
        with tempfile.TemporaryDirectory(prefix="popshop-sanitizer-") as folder:
            run(sanitizer, options.filter, pathlib.Path(folder))
    finish()


def run(sanitizer, chosen, folder):
    package = ["--package-path", str(ROOT), "--scratch-path", str(ROOT / f".build-{sanitizer}"), f"--sanitize={sanitizer}"]
    subprocess.run(["swift", "build", "--build-tests", *package], check=True)
    environment = dict(os.environ, SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=WIDTH)
    if sanitizer == "thread":
        environment["TSAN_OPTIONS"] = f"log_path={folder}/report halt_on_error=0"
        environment["LD_PRELOAD"] = swift_tsan(folder)
    else:
        # Swift's runtime keeps metadata for as long as the process lives; what a shop keeps is the soak's to tell.
        environment["ASAN_OPTIONS"] = f"log_path={folder}/report halt_on_error=0 detect_leaks=0"
    tests = ["--filter", chosen] if chosen else ["--skip", "SimulationTests"]
    done = subprocess.run(
        ["swift", "test", "--skip-build", *package, *tests], env=environment, cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )
    for line in done.stdout.splitlines():
        if " recorded an issue " in line or "Test run with" in line:
            print(line)
    reports = "".join(path.read_text(errors="replace") for path in sorted(folder.glob("report.*")))
    places = collections.Counter(re.findall(r"^SUMMARY: (.*)$", reports, re.MULTILINE))
    for place, count in places.most_common():
        print(f"{count:6}  {place}")
    if reports:
        print(reports[:8000])
    expect(f"places that the {sanitizer} sanitizer reports", len(places), 0)
    expect(f"exit code of the tests under the {sanitizer} sanitizer", done.returncode, 0)


def swift_tsan(folder):
    """The library of swift_tsan.c, by the compiler that knows Swift's calling conventions: the toolchain's own."""
    clang = pathlib.Path(shutil.which("swift")).resolve().parent / "clang"
    library = folder / "libswift_tsan.so"
    source = pathlib.Path(__file__).with_name("swift_tsan.c")
    subprocess.run([clang, "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source], check=True)
    return str(library)


if __name__ == "__main__":
    main()
