"""What the kernel tells of a process. A process may end, and a file may be closed, while a test looks at it."""

import os
import pathlib
import signal


def children(pid):
    """Process ids of its children; none if it has ended."""
    try:
        return [int(each) for each in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    """The process, its children and theirs."""
    return [pid, *(one for child in children(pid) for one in descendants(child))]


def open_files(pid):
    """Path by link in /proc: what a process has open now, but for what it closes meanwhile; nothing if it has ended."""
    found = {}
    try:
        links = [*pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return found
    for link in links:
        try:
            found[str(link)] = os.readlink(link)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def has_ended(pid):
    """Also when nobody has asked for its exit code yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill(pid):
    """SIGKILL; one that has just ended is all right."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_with_children(pid):
    """A `sluice run` and its engine: the parent first, so that it can't report the end of its child."""
    for each in [pid, *children(pid)]:
        kill(each)
