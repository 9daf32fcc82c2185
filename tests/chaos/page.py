"""The page of memory through which a program under test says what it is doing, and through which calls are made to fail.

tests/chaos/proof.hpp writes the phase and tests/support/fail_calls.c reads what is to fail; both map this file.
"""

import mmap
import os
import struct

PHASES = ["restore", "reading", "aligning", "pre-commit", "between manifest and commit", "commit"]
KINDS = {"write": 1, "fsync": 2, "rename": 3}

# The words of the page: phase, the phase in which the process kills itself, after how many entries; then of the calls
# that fail: kind, how many more succeed, how many fail, the error, how many have failed; then a part of their path.
PHASE, DIE_IN, ENTRIES, KIND, PASS, FAIL, ERROR, FAILED = range(8)
TEXT = 64


class Page:
    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(bytes(4096))
        self.file = os.open(path, os.O_RDWR)
        self.memory = mmap.mmap(self.file, 4096)

    def close(self):
        self.memory.close()
        os.close(self.file)

    def read(self, word):
        return struct.unpack_from("<i", self.memory, word * 4)[0]

    def write(self, word, value):
        struct.pack_into("<i", self.memory, word * 4, value)

    def phase(self):
        return PHASES[self.read(PHASE)]

    def begin(self):
        """A process starts anew: it restores until it says otherwise."""
        for word in (PHASE, DIE_IN, ENTRIES):
            self.write(word, 0)

    def die_in(self, phase, entries=1):
        """The process kills itself when it enters the phase for that many times."""
        self.write(ENTRIES, entries)
        self.write(DIE_IN, PHASES.index(phase))

    def fail(self, kind, path, number, after=0, times=1):
        """Calls on files whose path contains `path` fail with the error number, after so many that succeed."""
        text = path.encode()[:255]
        self.memory[TEXT:TEXT + 256] = text + bytes(256 - len(text))
        self.write(ERROR, number)
        self.write(PASS, after)
        self.write(FAIL, times)
        self.write(FAILED, 0)
        self.write(KIND, KINDS[kind])

    def heal(self):
        """No call fails any more; gives how many have failed."""
        self.write(KIND, 0)
        return self.read(FAILED)
