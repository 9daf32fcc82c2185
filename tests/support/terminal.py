"""A command in a terminal of so many columns: what it prints there."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from command_line import BINARY, PATIENCE

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(words, folder, environment, columns=80, stdin=subprocess.DEVNULL):
    """Runs `sluice` with both its outputs on a terminal; gives the exit code and all that was written to it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([BINARY, *words], cwd=folder, env=environment, stdin=stdin, stdout=slave, stderr=slave,
                               start_new_session=True)
    os.close(slave)
    written = b""
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:  # nobody has the other end open any more
            break
        if not block:
            break
        written += block
    os.close(master)
    return process.wait(timeout=PATIENCE), written.decode().replace("\r\n", "\n")


def plain(text):
    """Without colours."""
    return COLOUR.sub("", text)


def words_of(text):
    """Blanks and line ends count as one blank: lines that were broken between words read the same."""
    return re.sub(r"\s+", " ", plain(text)).strip()
