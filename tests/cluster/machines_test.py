"""Nodes on machines of their own, which are network namespaces: certificates, a cut cable, a stopped and a killed worker, and
nodes that come back by themselves."""

import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest

import machines
from command_line import PATIENCE, eventually
from two_nodes_test import ENDLESS, PIPELINE, SLUICE, Node

SWITCH = []


class FarNode(Node):
    """A node on a machine; its name is that of its certificate."""

    scheme = "https"

    def __init__(self, name, number, folder, *flags):
        self.name, self.machine = name, machines.Machine(number)
        self.trust = ssl.create_default_context(cafile=str(folder / "tls/ca.crt"))
        self.state = folder / name
        self.words = [SLUICE, "node", "--state", str(self.state), "--tls", str(folder / "tls" / name), "--listen", f"{self.machine.address}:7070",
                      "--http", f"{self.machine.address}:7071", *flags]
        self.start()

    def start(self):
        self.state.mkdir(exist_ok=True)
        self.log = open(f"{self.state}.log", "a+")
        self.process = self.machine.start(self.words, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"ready: node (\S+), cluster (\S+), https (\S+)\n", line)
        if not found:
            self.stop()
            raise AssertionError(f"{self.name} is not ready: {line!r} {pathlib.Path(f'{self.state}.log').read_text()}")
        self.cluster, self.http = found[2], found[3]
        self.token = (self.state / "token").read_text()


class Machines(unittest.TestCase):
    def setUp(self):
        if not SWITCH:
            SWITCH.append(machines.Switch())
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-machines-"))
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
        self.nodes = []
        self.addCleanup(self.stop_all)
        with open(self.path / "orders.csv", "w") as file:
            file.write("id,name,amount\n")
            file.writelines(f"{i},name{i % 17},{i * 7919 % 1000}.25\n" for i in range(20000))
        (self.path / "p.yaml").write_text(PIPELINE)

    def stop_all(self):
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                node.stop()
            else:
                node.process.stdout.close()
                node.log.close()

    def sluice(self, *words, state="n1", code=0):
        ran = subprocess.run([SLUICE, *words, "--state", str(self.path / state)], capture_output=True, text=True, timeout=2 * PATIENCE, cwd=self.path)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran

    def cluster(self, count):
        names = [f"n{number}" for number in range(1, count + 1)]
        self.sluice("tls", "init", *(f"{name}={machines.NETWORK}.{number}" for number, name in enumerate(names, 1)), "--dir", "tls")
        for number, name in enumerate(names, 1):
            join = ("--join", self.nodes[0].cluster) if self.nodes else ()
            self.nodes.append(FarNode(name, number, self.path, *join))
        return self.nodes

    def members(self):
        return {node["name"]: node for node in self.nodes[0].json("/v1/nodes")["nodes"] if node["state"] != "lost"}

    def endless_run(self):
        first = self.nodes[0]
        run = first.submit(ENDLESS, self.path)
        eventually(lambda: first.json(f"/v1/runs/{run}")["state"] == "running", "a run that runs")
        return run

    def assert_lost(self, run, worker, since):
        seen = list(self.nodes[0].events(run))
        took = time.monotonic() - since
        last = seen[-1]
        self.assertEqual((last["type"], last["data"].get("cause", {}).get("code")), ("run.failed", "node_lost"),
                         f"after {took:.2f} s: {[each['type'] for each in seen]}\n{self.nodes[0].logged()}")
        self.assertIn(f"node {worker.name}", last["data"]["cause"]["message"])
        eventually(lambda: worker.name not in self.members(), f"a cluster without {worker.name}")
        print(f"{self.id()}: the run ended {took:.2f} s after the fault")

    def test_three_machines_give_the_output_of_one_process(self):
        first, *_ = self.cluster(3)
        self.sluice("run", "p.yaml", "--set", "out=one", state="alone")
        there = ("--to", first.http, "--ca", "tls/ca.crt")
        self.sluice("submit", "p.yaml", "--set", "out=two", "--wait", *there)
        for name in ("detail.csv", "report.parquet"):
            one, two = ((self.path / run / name).read_bytes() for run in ("one", "two"))
            self.assertTrue(one == two, name)
        shown = self.sluice("nodes", *there).stdout
        for name in ("n1", "n2", "n3"):
            self.assertIn(name, shown)
        plain = self.sluice("nodes", "--to", first.http, code=4)
        self.assertIn("node_unreachable", plain.stderr)

    def test_a_cut_cable_ends_the_run_and_a_mended_one_brings_the_node_back(self):
        _, worker = self.cluster(2)
        run = self.endless_run()
        worker.machine.cut()
        self.assert_lost(run, worker, time.monotonic())
        worker.machine.mend()
        eventually(lambda: "n2" in self.members(), "n2 again")
        self.sluice("submit", "p.yaml", "--set", "out=after", "--wait", "--to", self.nodes[0].http, "--ca", "tls/ca.crt")

    def test_a_stopped_worker_is_lost_and_comes_back(self):
        _, worker = self.cluster(2)
        run = self.endless_run()
        worker.process.send_signal(signal.SIGSTOP)
        self.assert_lost(run, worker, time.monotonic())
        worker.process.send_signal(signal.SIGCONT)
        eventually(lambda: "n2" in self.members(), "n2 again")

    def test_a_killed_worker_is_lost_and_one_that_is_started_again_comes_back(self):
        _, worker = self.cluster(2)
        run = self.endless_run()
        worker.process.kill()
        self.assert_lost(run, worker, time.monotonic())
        worker.process.wait(PATIENCE)
        worker.process.stdout.close()
        worker.log.close()
        worker.start()
        self.assertIn("n2", self.members())


if __name__ == "__main__":
    machines.main()
