"""Every parser under libFuzzer, which is guided by the branches that an input takes, and the address sanitizer.

    python3 Tests/Proof/fuzzing.py [--seconds 600] [--at-once 2] [--only NAME …] [--keep FOLDER]

Builds `fuzz` into `.build-fuzzer` (7 minutes, once). Each parser begins with its corpus and a dictionary of what its grammar
is made of; what ends it, or takes longer than ten seconds or more than 1 GiB for one input, is a finding, told with the input
as libFuzzer writes it, for `Tests/FuzzTests/Corpus/<parser>`. Prints a table: inputs, branches that the corpus took and those
that were taken at the end (edges of the control flow of the whole program, as libFuzzer's `cov` counts them). Inputs that took
a new branch are kept in FOLDER, where the next run goes on from. Exits 0 only if there is no finding.
"""

import argparse
import os
import pathlib
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from proof import environment, expect, finish

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = [
    "--package-path", str(ROOT), "--scratch-path", str(ROOT / ".build-fuzzer"), "-c", "release", "--product", "fuzz",
    # Of several to swiftc the last counts alone, so that both are said in one.
    "--sanitize", "fuzzer", "--sanitize", "address", "-Xswiftc", "-sanitize=fuzzer,address", "-Xswiftc", "-enable-testing",
]  # fmt: skip
# As long as the tests' own mutations are at most.
LONGEST = 4096
# Swift's runtime keeps metadata for as long as the process lives, and an input is told by our own words.
QUIET = environment(ASAN_OPTIONS="detect_leaks=0", SWIFT_BACKTRACE="enable=no")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each parser")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="parsers")
    parser.add_argument("--only", nargs="*", metavar="NAME")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER", help="of the inputs that took a new branch")
    options = parser.parse_args()
    fuzz = build()
    names = subprocess.run([fuzz, "--list"], env=QUIET, capture_output=True, text=True, check=True).stdout.split()
    unknown = set(options.only or []) - set(names)
    if unknown:
        parser.error(f"no parsers: {', '.join(sorted(unknown))}")
    print("| parser | inputs | a second | branches: corpus | at the end | inputs that took a new one |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="popshop-fuzzing-") as folder:
        kept = options.keep or pathlib.Path(folder)
        with ThreadPoolExecutor(options.at_once) as workers:
            runs = workers.map(lambda name: run(fuzz, name, kept / name, options.seconds), options.only or names)
            findings = [finding for run in runs for finding in run]
    expect("findings", findings, [])
    finish()


def build():
    """The program's path."""
    building = dict(os.environ, POPSHOP_FUZZER="1")
    subprocess.run(["swift", "build", *BUILD], env=building, check=True)
    shown = ["swift", "build", *BUILD, "--show-bin-path"]
    return subprocess.run(shown, env=building, capture_output=True, text=True, check=True).stdout.strip() + "/fuzz"


def run(fuzz, name, folder, seconds):
    """Fuzzes one parser, prints its line, and returns what was found, in libFuzzer's words."""
    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    dictionary = folder / "dictionary"
    subprocess.run([fuzz, "--write", name, inputs, dictionary], env=QUIET, check=True)
    done = subprocess.run(
        [
            fuzz, inputs, f"-dict={dictionary}", f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10",
            "-rss_limit_mb=1024", "-use_value_profile=1", "-print_final_stats=1", f"-artifact_prefix={folder}/",
        ],
        env=dict(QUIET, POPSHOP_FUZZ_ONLY=name), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    count = last(r"^stat::number_of_executed_units: (\d+)", done.stdout)
    rate = last(r"^stat::average_exec_per_sec: *(\d+)", done.stdout)
    begun = last(r"\bINITED +cov: (\d+)", done.stdout)
    ended = last(r"\bcov: (\d+)", done.stdout)
    new = last(r"^stat::new_units_added: *(\d+)", done.stdout)
    print(f"| {name} | {count:,} | {rate:,} | {begun:,} | {ended:,} | {new:,} |", flush=True)
    if done.returncode == 0:
        return []
    print(done.stdout[-6000:], flush=True)
    summary = re.findall(r"^SUMMARY: (.*)$", done.stdout, re.MULTILINE)
    return [f"{name}: {summary[-1] if summary else f'status {done.returncode}'}"]


def last(pattern, text):
    """The last number that the pattern finds; 0 where it finds none."""
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


main()
