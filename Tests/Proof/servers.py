"""A Postgres and a Redis that a proof starts, stops and ends itself."""

import glob
import os
import pwd
import socket
import subprocess
import sys
import time


class Postgres:
    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            sys.exit("there is no Postgres here")
        self.bin, self.folder, self.port = found[-1], folder, free_port()
        os.mkdir(folder)
        # It refuses to run as root.
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", folder + "/data", "-U", "popshop", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.url = f"postgresql://popshop@127.0.0.1:{self.port}/postgres"
        self.start()

    def start(self):
        settings = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        self.run("pg_ctl", "-D", self.folder + "/data", "-w", "-l", self.folder + "/log", "start", "-o", settings)

    def stop(self, mode):
        self.run("pg_ctl", "-D", self.folder + "/data", "-w", "stop", "-m", mode)

    def run(self, program, *words):
        who = dict(user=self.user.pw_uid, group=self.user.pw_gid, extra_groups=[]) if self.user else {}
        subprocess.run(
            [f"{self.bin}/{program}", *words], check=True, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **who
        )

    def close(self):
        self.stop("immediate")


class Redis:
    """What it has answered is on disk."""

    def __init__(self, folder):
        os.mkdir(folder)
        self.folder, self.port, self.process = folder, free_port(), None
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        words = ["--port", str(self.port), "--dir", self.folder, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        until(lambda: self.say("ping") == "PONG")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def quantity(self, cart):
        """Of product 1, whose field says `place quantity price currency name`."""
        words = self.say("hget", f"popshop:cart:{cart}", "1").split()
        return int(words[1]) if words else 0

    def say(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True)
        return done.stdout.strip()

    def close(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def until(condition):
    """For as long as it takes: whoever runs this has the last word."""
    while not condition():
        time.sleep(0.01)
