"""Tokens with roles: what each may do, that only hashes are kept, that a revoked one ends at once, and the audit log."""

import json
import os
import pathlib
import re
import stat
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from command_line import PATIENCE, eventually
from two_nodes_test import SLUICE, Node

PIPELINE = """version: 1
pipeline: small
extract: { numbers: { generate: { rows: 10, columns: { id: sequence } } } }
load: { out: { from: numbers, csv: { path: out.csv } } }
"""


class Tokens(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)
        (self.path / "p.yaml").write_text(PIPELINE)
        self.node = Node("n1", self.path)
        self.addCleanup(lambda: self.node.process.poll() is None and self.node.stop())

    def sluice(self, *words, code=0, token=None, state=None):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        ran = subprocess.run([SLUICE, *words, "--state", str(state or self.path)], capture_output=True, text=True, timeout=2 * PATIENCE,
                             cwd=self.path, env={**kept, **({"SLUICE_TOKEN": token} if token else {})})
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran

    def create(self, name, role, *more):
        return self.sluice("tokens", "create", name, "--role", role, *more).stdout.strip()

    def ask(self, token, path, method="GET", body=None):
        request = urllib.request.Request(f"http://{self.node.http}{path}", method=method, headers={"Authorization": "Bearer " + token},
                                         data=json.dumps(body).encode() if body is not None else None)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def audited(self, **wanted):
        def found():
            file = self.path / "audit.ndjson"
            lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
            return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

        return eventually(found, f"an audit line with {wanted}")[0]

    def test_roles_say_what_a_token_may_do(self):
        viewer, operator = self.create("eve", "viewer"), self.create("ci", "operator")
        submission = {"text": PIPELINE, "file": "p.yaml", "base_folder": str(self.path)}
        self.assertEqual(self.ask(viewer, "/v1/runs")[0], 200)
        self.assertEqual(self.ask(viewer, "/v1/nodes")[0], 200)
        for method, path in (("POST", "/v1/runs"), ("POST", "/v1/plan"), ("POST", "/v1/runs/last/cancel"), ("POST", "/v1/state/small/reset")):
            status, answer = self.ask(viewer, path, method, submission)
            self.assertEqual((status, answer["error"]["code"]), (403, "forbidden"), path)
            self.assertIn("the token eve has the role viewer; this needs the role operator", answer["error"]["message"])
        status, answer = self.ask(operator, "/v1/runs", "POST", submission)
        self.assertEqual(status, 201, answer)
        self.assertEqual(self.audited(who="eve", status=403, path="/v1/runs")["role"], "viewer")
        line = self.audited(who="ci", method="POST", path="/v1/runs", status=201)
        self.assertEqual(line["run"], answer["run"])
        self.assertRegex(line["from"], r"^127\.0\.0\.1:\d+$")

    def test_every_path_of_the_api_names_its_role(self):
        _, document = self.ask(self.node.token, "/v1/openapi.json")
        roles = {(method, path): what.get("x-role") for path, methods in document["paths"].items() for method, what in methods.items()}
        self.assertEqual(roles[("get", "/v1/runs")], "viewer")
        self.assertEqual(roles[("post", "/v1/runs")], "operator")
        without = [path for (_, path), role in roles.items() if role is None]
        self.assertEqual(sorted(without), ["/healthz", "/readyz", "/v1/hooks/{pipeline}"])

    def test_only_hashes_are_kept(self):
        token = self.create("ci", "operator")
        self.assertRegex(token, "^[0-9a-f]{64}$")
        file = self.path / "tokens.json"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        for kept in self.path.rglob("*"):
            if kept.is_file():
                self.assertNotIn(token.encode(), kept.read_bytes(), kept)
        listed = self.sluice("tokens", "list").stdout
        self.assertIn("ci", listed)
        self.assertNotIn(token, listed)

    def test_a_revoked_or_expired_token_is_refused_at_once(self):
        token, other = self.create("ci", "operator"), self.create("old", "viewer", "--days", "1")
        self.assertEqual(self.ask(token, "/v1/runs")[0], 200)
        self.assertEqual(self.ask(other, "/v1/runs")[0], 200)
        self.sluice("tokens", "revoke", "ci")
        status, answer = self.ask(token, "/v1/runs")
        self.assertEqual((status, answer["error"]["code"]), (401, "unauthorized"))
        file = self.path / "tokens.json"
        file.write_text(re.sub(r'"expires":\s*\d+', '"expires": 1000', file.read_text()))
        self.assertEqual(self.ask(other, "/v1/runs")[0], 401)
        self.assertIn("did you mean old?", self.sluice("tokens", "revoke", "odl", code=2).stderr)

    def test_the_command_line_tells_what_the_token_lacks(self):
        viewer = self.create("eve", "viewer")
        elsewhere = self.path / "elsewhere"
        self.sluice("nodes", "--to", self.node.http, token=viewer, state=elsewhere)
        refused = self.sluice("submit", "p.yaml", "--to", self.node.http, token=viewer, state=elsewhere, code=2)
        self.assertIn("error[forbidden]", refused.stderr)
        self.assertIn("--role operator", refused.stderr)

    def test_wrong_arguments_are_refused(self):
        self.create("ci", "viewer")
        self.assertIn("token_exists", self.sluice("tokens", "create", "ci", "--role", "admin", code=2).stderr)
        self.assertIn("--role", self.sluice("tokens", "create", "x", code=2).stderr)
        self.sluice("tokens", "create", "x", "--role", "root", code=2)
        self.assertIn("invalid_name", self.sluice("tokens", "create", "a b", "--role", "viewer", code=2).stderr)
        self.assertIn("--to", self.sluice("tokens", "list", "--to", self.node.http, code=2).stderr)

    def test_a_damaged_file_lets_nobody_in_but_the_owner(self):
        token = self.create("ci", "operator")
        (self.path / "tokens.json").write_text("{}")
        self.assertEqual(self.ask(token, "/v1/runs")[0], 401)
        self.assertEqual(self.ask(self.node.token, "/v1/runs")[0], 200)
        self.assertIn("is not a list of tokens", self.sluice("tokens", "list", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
