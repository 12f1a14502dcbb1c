#!/usr/bin/env python3
"""Plants bugs in a copy of this clone, one at a time, and looks whether the simulation finds them.

    swift build --product simulate && python3 Tests/Proof/mutants.py [--seeds N] [--check] [NAME ...]

Each bug is a replacement of text in the product's sources that must be found exactly once. The copy is built by itself,
never this clone; where mount namespaces are to be had it is built at this clone's own path, so that what is built
already need not be built again. Prints a table: the bug, the seed that found it, and what the oracle said. With `--check` it is
only seen whether each bug still has its place in the sources.
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import mutant_list

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds: a bug may make a world go on for ever.
PATIENCE = 240


class Copy:
    """The tracked files and what is built of them, elsewhere."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in files.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        for name in (".build", "Package.resolved"):
            if (ROOT / name).exists():
                subprocess.run(["cp", "-a", ROOT / name, self.folder / name], check=True)
        mount = f"mount --make-rprivate / && mount --bind '{self.folder}' '{ROOT}' && cd '{ROOT}' && "
        has_namespaces = subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
        self.prefix = mount if has_namespaces else ""

    def run(self, command):
        """The exit status and what was printed."""
        if self.prefix:
            command = ["unshare", "-m", "sh", "-c", self.prefix + command]
        else:
            command = ["sh", "-c", command]
        try:
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE)
            return done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            return None, ""

    def simulate(self, seeds):
        """None when no world breaks a promise; else the seed and the sentence."""
        status, text = self.run("swift build --product simulate")
        if status != 0:
            sys.exit(f"The mutated sources do not build:\n{text[-4000:]}")
        status, text = self.run(f"exec .build/debug/simulate {seeds} 1 1")
        if status is None:
            return "?", f"a world went on for more than {PATIENCE} s"
        found = re.search(r"^seed (\d+): (.*)$", text, re.M)
        if found:
            return found.group(1), found.group(2).split("; ")[0]
        return None if status == 0 else ("?", text.strip().splitlines()[-1] if text.strip() else f"exit status {status}")


def planted(text, old, new, where):
    if text.count(old) != 1:
        sys.exit(f"{where}: the text to be replaced is there {text.count(old)} times, and not once:\n{old}")
    return text.replace(old, new)


def plant(copy, changes):
    """Makes the changes and returns what undoes them."""
    before = {}
    for name, old, new in changes:
        path = copy.folder / name
        text = path.read_text()
        before.setdefault(path, text)
        path.write_text(planted(text, old, new, name))
    return before


def main():
    arguments = argparse.ArgumentParser(description="Plants bugs in a copy and looks whether the simulation finds them.")
    arguments.add_argument("--seeds", type=int, default=1_000)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("names", nargs="*")
    arguments = arguments.parse_args()
    mutants = {m.name: m for m in mutant_list.MUTANTS}
    wanted = [mutants[name] for name in arguments.names] or mutant_list.MUTANTS
    for mutant in wanted:
        # All are looked at before any is built.
        texts = collections.defaultdict(str)
        for name, old, new in mutant.changes:
            texts[name] = planted(texts[name] or (ROOT / name).read_text(), old, new, name)
    if arguments.check:
        return print(f"{len(wanted)} bugs have their places in the sources")
    survivors = []
    with tempfile.TemporaryDirectory(prefix="popshop-mutants-") as folder:
        copy = Copy(folder)
        sound = copy.simulate(min(arguments.seeds, 100))
        if sound:
            sys.exit(f"Without any bug planted, seed {sound[0]} says: {sound[1]}")
        print("| planted bug | found by seed | what the oracle said |\n|---|---:|---|", flush=True)
        for mutant in wanted:
            before = plant(copy, mutant.changes)
            found = copy.simulate(arguments.seeds)
            for path, text in before.items():
                path.write_text(text)
            if not found:
                survivors.append(mutant.name)
            seed, sentence = found or ("none", "")
            print(f"| {mutant.name} | {seed} | {sentence} |", flush=True)
    print(f"{len(wanted) - len(survivors)} of {len(wanted)} found")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
