"""Secrets at nodes: neither the API, nor events, logs, state folders or other nodes get to see one."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from command_line import BINARY, PATIENCE, eventually
from processes import open_files

VALUES = {"n1": "S3cr3t V4lue&77", "n2": "Oth3r V4lue&88"}
CORE = "V4lue"
REFERENCE = "${secret:X}"
ROWS = "id,name,amount\n" + "".join(f"{i},name{i % 97},{i * 7919 % 1000}.25\n" for i in range(1000))


def pipeline(source="path: in.csv", load="csv: { path: out.csv }", more=""):
    return (f"version: 1\npipeline: sec\nextract:\n  a:\n    csv: {{ {source} }}\n    types: {{ id: bigint, name: text }}\n"
            f"load:\n  o: {{ from: a, {load}{more} }}\nrejects: {{ allow: 1000000 }}\n")


class Node:
    def __init__(self, name, state, *flags, **environment):
        state.mkdir(exist_ok=True)
        self.state = state
        self.log = open(state / f"{name}.log", "w+")
        self.process = subprocess.Popen(
            [BINARY, "node", "--state", str(state), "--name", name, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", *flags],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, **environment})
        found = re.match(r"ready: node (\S+), cluster (\S+), http (\S+)\n", self.process.stdout.readline())
        if not found:
            raise AssertionError(f"{name} is not ready: {self.logged()}")
        self.cluster, self.http = found[2], found[3]
        self.token = environment["SLUICE_TOKEN"]

    def ask(self, path, data=None, **headers):
        """Gives the status and the whole answer."""
        request = urllib.request.Request(f"http://{self.http}{path}", data=data,
                                         headers={"Authorization": "Bearer " + self.token, **headers})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def submit(self, text, folder):
        body = {"text": text, "file": "p.yaml", "base_folder": str(folder), "params": {}}
        return self.ask("/v1/runs", json.dumps(body).encode())

    def logged(self):
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.log.close()


class SecretsOfNodes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "in.csv").write_text(ROWS)

    def node(self, name, *flags, token="t" * 40, secret=True):
        environment = {"SLUICE_TOKEN": token}
        if secret:
            environment["SLUICE_SECRET_X"] = VALUES[name]
        made = Node(name, self.path / name, *flags, **environment)
        self.addCleanup(made.stop)
        return made

    def clean(self, text, where):
        at = text.find(CORE)
        self.assertEqual(at, -1, f"{where}: ...{text[max(0, at - 200):at + 60]}")

    def everything_is_clean(self, *nodes):
        for node in nodes:
            self.clean(node.logged(), "the log of " + node.state.name)
            for path in node.state.rglob("*"):
                self.clean(str(path.relative_to(node.state)), "a name in the state folder")
                if path.is_file():
                    self.clean(path.read_bytes().decode("latin-1"), path)
            for file in ("cmdline", "comm", "maps"):
                self.clean(pathlib.Path(f"/proc/{node.process.pid}/{file}").read_text(errors="replace"), file)
            for link, target in open_files(node.process.pid).items():
                self.clean(target, link)

    def ask(self, node, path, **headers):
        status, answer = node.ask(path, **headers)
        self.clean(answer, path)
        return status, answer

    def run_to_end(self, node, text):
        status, answer = node.submit(text, self.path)
        self.clean(answer, "the answer to a submission")
        if status != 201:
            return status, json.loads(answer)
        run = json.loads(answer)["run"]

        def look():
            record = json.loads(self.ask(node, f"/v1/runs/{run}")[1])
            return record if record["state"] in ("succeeded", "partial", "failed", "cancelled") else None

        record = eventually(look, "the end of the run")
        for path, headers in ((f"/v1/runs/{run}/events", {}), (f"/v1/runs/{run}/events", {"Accept": "application/x-ndjson"}),
                              ("/v1/events?follow=false", {}), (f"/v1/runs/{run}/rejects", {}), ("/v1/runs", {}), ("/metrics", {}),
                              ("/v1/state?files=true", {}), ("/v1/nodes", {})):
            self.ask(node, path, **headers)
        return status, record

    def test_one_node(self):
        node = self.node("n1")
        (self.path / VALUES["n1"]).mkdir()
        (self.path / VALUES["n1"] / "in.csv").write_text(ROWS + "x,y,z\n1\n")
        status, answer = self.run_to_end(node, pipeline('path: "${secret:X}/nothere.csv"'))
        self.assertEqual((status, answer["error"]["code"]), (422, "file_not_found"))
        self.assertIn(f"{REFERENCE}/nothere.csv", answer["error"]["message"])
        status, record = self.run_to_end(node, pipeline(load='csv: { path: "/proc/${secret:X}/o.csv" }'))
        self.assertEqual((status, record["state"]), (201, "failed"))
        self.assertIn(REFERENCE, json.dumps(record["cause"]))
        for made in (pipeline('path: "${secret:X}/in.csv"'), pipeline(load='csv: { path: "${secret:X}/o.csv" }'),
                     pipeline('path: "${secret:X}/*.csv"', load="csv: { path: inc.csv }, mode: append").replace(
                         "    types:", "    incremental: { by: file }\n    types:")):
            status, record = self.run_to_end(node, made)
            self.assertEqual((status, record["state"]), (201, "succeeded"), record)
        # What a client itself sends comes back masked, too, in whatever way it is encoded.
        for path in (f"/v1/runs/{urllib.parse.quote(VALUES['n1'])}", f"/v1/runs?state={urllib.parse.quote_plus(VALUES['n1'])}",
                     f"/v1/runs?state={urllib.parse.quote(urllib.parse.quote(VALUES['n1']))}"):
            status, answer = self.ask(node, path)
            self.assertIn(REFERENCE, answer)
        self.everything_is_clean(node)

    def test_a_node_without_the_secret_names_it(self):
        node = self.node("n1", secret=False)
        status, answer = self.run_to_end(node, pipeline(load='csv: { path: "${secret:X}/o.csv" }'))
        self.assertEqual((status, answer["error"]["code"]), (422, "missing_secret"))
        self.assertIn("SLUICE_SECRET_X", answer["error"]["hint"])

    def test_the_other_nodes_secret_stays_there(self):
        """Each node has a value of its own, which the other one can't mask."""
        first = self.node("n1")
        (self.path / "n2").mkdir()
        second = self.node("n2", "--join", first.cluster)
        eventually(lambda: len(json.loads(self.ask(first, "/v1/nodes")[1])["nodes"]) == 2, "both nodes")
        there = ", place: { node: n2 }"
        status, record = self.run_to_end(first, pipeline(load='csv: { path: "/proc/${secret:X}/o.csv" }', more=there))
        self.assertEqual((status, record["state"]), (201, "failed"))
        self.assertIn(f"/proc/{REFERENCE}", json.dumps(record["cause"]))
        status, record = self.run_to_end(first, pipeline(load='csv: { path: "${secret:X}/o.csv" }', more=there))
        self.assertEqual((status, record["state"]), (201, "succeeded"), record)
        self.assertTrue((self.path / VALUES["n2"] / "o.csv").exists())
        self.assertIn(REFERENCE, json.dumps(record["summary"]))
        # A source over there reads the files that were planned here.
        for name in VALUES:
            (self.path / VALUES[name]).mkdir(exist_ok=True)
            (self.path / VALUES[name] / "in.csv").write_text(ROWS + "x,y,z\n1\n")
        source = pipeline('path: "${secret:X}/in.csv"').replace("    types:", "    place: { node: n2 }\n    types:")
        for made in (source, source.replace("    types:", "    incremental: { by: file }\n    types:").replace(
                "csv: { path: out.csv }", "csv: { path: inc.csv }, mode: append")):
            status, record = self.run_to_end(first, made)
            self.assertEqual((status, record["state"]), (201, "succeeded"), record)
        self.everything_is_clean(first, second)


if __name__ == "__main__":
    unittest.main()
