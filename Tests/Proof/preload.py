"""Libraries of ours that stand between a process and its C library (LD_PRELOAD), and what the proofs tell them meanwhile."""

import mmap
import pathlib
import shutil
import struct
import subprocess

SOURCES = pathlib.Path(__file__).parent


def compiled(name, folder):
    """The library of `name`.c, made in the folder."""
    library = f"{folder}/{name}.so"
    subprocess.run(
        [shutil.which("cc") or "clang", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", library, f"{SOURCES}/{name}.c", "-ldl"],
        check=True,
    )
    return library


class Killer:
    """What killer.c does in the processes that get `environment`: the layout is its `struct control`."""

    FIELDS = ("calls", "at", "way", "sockets", "error", "from", "until", "failed", "reads")
    WAYS = ("before", "half", "after")
    SIZE = 8 * len(FIELDS) + 16 + 232

    def __init__(self, library, data, control):
        pathlib.Path(control).write_bytes(bytes(self.SIZE))
        with open(control, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), self.SIZE)
        self.environment = {"LD_PRELOAD": library, "KILLER_FOLDER": data, "KILLER_CONTROL": str(control)}

    def reset(self, **fields):
        """Counts from 0 again, and does what the fields say."""
        self.memory[:] = bytes(self.SIZE)
        for name, value in fields.items():
            self[name] = value

    def __getitem__(self, name):
        return struct.unpack_from("Q", self.memory, 8 * self.FIELDS.index(name))[0]

    def __setitem__(self, name, value):
        struct.pack_into("Q", self.memory, 8 * self.FIELDS.index(name), value)

    @property
    def call(self):
        """The call at which the process was killed, and its file."""
        texts = struct.unpack_from("16s232s", self.memory, 8 * len(self.FIELDS))
        return tuple(text.split(b"\0")[0].decode() for text in texts)
