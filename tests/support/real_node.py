"""A `sluice node` for the tests of clients: killed and started again on the same port and state folder."""

import json
import pathlib
import signal
import subprocess

from command_line import BINARY, PATIENCE


class RealNode:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.state = folder / "state"
        self.address = "127.0.0.1:0"
        self.process = None
        self.start()

    def start(self):
        with open(self.folder / "node.log", "a") as log:
            self.process = subprocess.Popen(
                [BINARY, "node", "--json", "--state", str(self.state), "--listen", "127.0.0.1:0", "--http", self.address],
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=self.folder)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the node is not ready: " + (self.folder / "node.log").read_text())
        self.address = json.loads(line)["http"]

    @property
    def url(self):
        return f"http://{self.address}"

    @property
    def token(self):
        return (self.state / "token").read_text().strip()

    def kill(self):
        """As the kernel does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        self.process.stdout.close()
        return self.process.returncode
