"""Machines of a test: network namespaces with a cable (a veth pair) each to a bridge. The test itself runs where the bridge is.

    if __name__ == "__main__":
        machines.main()          # runs the tests in a namespace of their own, or skips them with the kernel's reason
"""

import os
import subprocess
import sys
import unittest

NETWORK = "10.77.0"
INSIDE = "SLUICE_TEST_INSIDE_NAMESPACE"


def run(*words):
    subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)


def main():
    if os.environ.get(INSIDE):
        unittest.main()
    flags = ["--net"] if os.geteuid() == 0 else ["--net", "--user", "--map-root-user"]
    tried = subprocess.run(["unshare", *flags, "sh", "-c", "ip link add name bridge0 type bridge && ip link add name cable0 type veth peer name eth0"],
                           capture_output=True, text=True, timeout=60)
    if tried.returncode != 0:
        print("skipped: no network namespaces here: " + tried.stderr.strip())
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


class Switch:
    """The bridge. Call it once for each test."""

    def __init__(self):
        run("ip", "link", "add", "name", "bridge0", "type", "bridge")
        run("ip", "address", "add", f"{NETWORK}.254/24", "dev", "bridge0")
        run("ip", "link", "set", "bridge0", "up")
        run("ip", "link", "set", "lo", "up")

    def remove(self):
        run("ip", "link", "delete", "bridge0")


class Machine:
    """Number 1 has the address 10.77.0.1, and so on. It lasts as long as the program that is started on it."""

    def __init__(self, number):
        self.number = number
        self.address = f"{NETWORK}.{number}"
        self.cable = f"cable{number}"

    def start(self, words, **how):
        """Starts a program once the machine is connected."""
        # The shell waits until the cable is plugged in, then becomes the program: signals go to it.
        process = subprocess.Popen(["unshare", "--net", "sh", "-c", 'read -r go && exec "$@"', "sh", *words], stdin=subprocess.PIPE, **how)
        own = f"/proc/{process.pid}/ns/net"
        while os.readlink(own) == os.readlink("/proc/self/ns/net"):
            if process.poll() is not None:
                raise AssertionError("unshare has ended")
        subprocess.run(["ip", "link", "delete", self.cable], capture_output=True, timeout=60)  # of a program before
        run("ip", "link", "add", "name", self.cable, "type", "veth", "peer", "name", "eth0", "netns", str(process.pid))
        run("ip", "link", "set", self.cable, "master", "bridge0", "up")
        for words in (("address", "add", f"{self.address}/24", "dev", "eth0"), ("link", "set", "eth0", "up"), ("link", "set", "lo", "up")):
            run("nsenter", "--target", str(process.pid), "--net", "ip", *words)
        process.stdin.write("go\n")
        process.stdin.close()
        return process

    def cut(self):
        run("ip", "link", "set", self.cable, "down")

    def mend(self):
        run("ip", "link", "set", self.cable, "up")
