"""The OpenAPI document is valid, describes what a real node answers, and a public generator makes a working client from it."""

import copy
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import httpx
import jsonschema
import openapi_spec_validator

from command_line import BINARY, ENDLESS, ORDERS, ROOT, STARTER, eventually
from real_node import RealNode

PLAIN = STARTER.replace("rejects: { allow: 10 }\n", "rejects: { allow: 10 }\nowner: shop\ntags: [daily]\n")
WRONG = STARTER.replace("status = 'paid'", "statuss = 'paid'")


def strict(schema, names):
    """The same schema, but what it does not describe is refused: an answer has nothing that the document hides."""
    if isinstance(schema, list):
        return [strict(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value, names) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and "additionalProperties" not in schema:
        out["additionalProperties"] = False
    return out


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "orders.csv").write_text(ORDERS)
        cls.node = RealNode(cls.folder)
        cls.addClassCleanup(cls.node.stop)
        cls.http = httpx.Client(base_url=cls.node.url, headers={"Authorization": "Bearer " + cls.node.token})
        cls.addClassCleanup(cls.http.close)
        cls.document = cls.http.get("/v1/openapi.json").json()
        cls.covered = set()

    def submission(self, text=PLAIN, **more):
        return {"text": text, "file": "p.yaml", "base_folder": str(self.folder), **more}

    def schema_of(self, answer):
        """Finds what the document says about an answer."""
        path = answer.request.url.path
        for template, methods in self.document["paths"].items():
            wanted, got = template.split("/"), path.split("/")
            if len(wanted) == len(got) and all(w.startswith("{") or w == g for w, g in zip(wanted, got)):
                operation = methods.get(answer.request.method.lower())
                if operation:
                    return template, operation["responses"][str(answer.status_code)]["content"]
        raise AssertionError(f"undocumented: {answer.request.method} {path}")

    def ask(self, method, path, status, **more):
        """Sends a request; its answer must be as the document says, without anything undescribed."""
        answer = self.http.request(method, path, **more)
        self.assertEqual(answer.status_code, status, answer.text)
        template, content = self.schema_of(answer)
        kind = answer.headers["Content-Type"].split(";")[0]
        self.assertIn(kind, content)
        type(self).covered.add((method, template))
        if kind != "application/json":
            return answer
        whole = {**strict(content[kind]["schema"], None),
                 "components": {"schemas": strict(copy.deepcopy(self.document["components"]["schemas"]), None)}}
        jsonschema.Draft202012Validator(whole).validate(answer.json())
        return answer.json()

    def ended(self, run):
        return eventually(lambda: (got := self.ask("GET", f"/v1/runs/{run}", 200))["ended"] and got, "the end of a run")

    def test_the_document_is_valid_and_the_same_everywhere(self):
        openapi_spec_validator.validate(self.document)
        self.assertEqual(self.document["openapi"], "3.1.0")
        printed = json.loads(subprocess.run([BINARY, "openapi"], check=True, capture_output=True).stdout)
        self.assertEqual(printed, self.document)
        self.assertEqual(json.loads((ROOT / "docs/openapi.json").read_text()), self.document)
        ids = [each["operationId"] for methods in self.document["paths"].values() for each in methods.values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_answer_is_as_described(self):
        done = self.ask("POST", "/v1/runs", 201, json=self.submission())["run"]
        self.assertEqual(self.ended(done)["state"], "succeeded")
        endless = self.ask("POST", "/v1/runs", 201, json=self.submission(ENDLESS))["run"]
        eventually(lambda: self.ask("GET", f"/v1/runs/{endless}", 200).get("progress"), "progress")
        self.ask("POST", f"/v1/runs/{endless}/cancel", 202)
        self.assertEqual(self.ended(endless)["state"], "cancelled")
        self.ask("POST", f"/v1/runs/{endless}/cancel", 200)
        page = self.ask("GET", "/v1/runs?limit=1", 200)
        self.assertEqual(self.ask("GET", f"/v1/runs?after={page['next']}", 200)["runs"][0]["id"], done)
        self.assertEqual({e["from"] for e in self.ask("GET", f"/v1/runs/{done}/plan", 200)["edges"]}, {"orders", "paid"})
        self.assertEqual(self.ask("GET", f"/v1/runs/{done}/rejects", 200).text.count("\n"), 1)
        events = self.ask("GET", f"/v1/runs/{done}/events?wait=0s", 200)
        self.assertTrue(events["ended"])
        self.assertEqual([e["data"]["sequence"] for e in events["events"]], list(range(1, len(events["events"]) + 1)))
        self.ask("GET", "/v1/events?wait=0s&limit=1000", 200)
        self.ask("GET", "/v1/events?follow=false", 200)
        self.ask("GET", f"/v1/runs/{done}/events", 200, headers={"Accept": "application/x-ndjson"})
        for path in ("/v1/nodes", "/v1/components", "/v1/functions", "/v1/openapi.json", "/metrics", "/healthz", "/readyz", "/v1/state"):
            self.ask("GET", path, 200)
        plan = self.ask("POST", "/v1/plan", 200, json=self.submission())
        self.assertEqual([unit["unit"] for unit in plan["units"]], ["orders", "paid", "out"])
        self.ask("POST", "/v1/state/orders/reset", 200)
        # Where there are checkpoints: an ended run has nothing to steer.
        for method, end, status in (("GET", "checkpoints", 200), ("POST", "drain", 409), ("POST", "savepoint", 409),
                                    ("POST", "pause", 409), ("POST", "resume", 409), ("POST", "scale?unit=paid&instances=2", 409)):
            self.ask(method, f"/v1/runs/{done}/{end}", status)
        for end in ("drain", "undrain"):  # tests/cluster/three_nodes_test.py drains one
            self.ask("POST", f"/v1/nodes/nobody/{end}", 404)
        self.deployed_pipelines()
        refused = {(method, path) for path, methods in self.document["paths"].items() for method in methods}
        self.assertEqual({(m.lower(), p) for m, p in self.covered} ^ refused, set())

    def deployed_pipelines(self):
        """Schedules, what they start, and whom rules tell."""
        rule = "channels: { log: { file: { path: told.ndjson } } }\nnotify: [{ name: all, to: [log] }]\n"
        text = PLAIN.replace("pipeline: orders", "pipeline: nightly\nschedule: { cron: \"0 5 * * *\", deadline: 1h }\n" + rule)
        self.assertFalse(self.ask("POST", "/v1/pipelines", 201, json=self.submission(text))["replaced"])
        self.assertTrue(self.ask("POST", "/v1/pipelines", 200, json=self.submission(text))["replaced"])
        self.assertEqual(self.ask("GET", "/v1/pipelines/nightly", 200)["text"], text)
        self.ask("POST", "/v1/pipelines/nightly/pause", 200)
        self.ask("POST", "/v1/pipelines/nightly/resume", 200)
        run = self.ask("POST", "/v1/pipelines/nightly/trigger", 202, json={"params": {}}, headers={"Idempotency-Key": "k"})["run"]
        again = self.ask("POST", "/v1/pipelines/nightly/trigger", 202, headers={"Idempotency-Key": "k"})["run"]
        self.assertEqual(run, again)
        eventually(lambda: self.ask("GET", "/v1/starts?pipeline=nightly", 200)["starts"][0]["state"] == "started", "the run")
        shown = self.ended(run)
        self.assertEqual((shown["state"], shown["origin"]["reason"]), ("succeeded", "trigger"))
        days = {"from": "2024-05-01", "to": "2024-05-02", "concurrency": 2}
        made = self.ask("POST", "/v1/pipelines/nightly/backfill", 202, json=days)
        self.assertEqual(made["runs"], 1)
        eventually(lambda: self.ask("GET", f"/v1/starts?backfill={made['backfill']}", 200)["starts"][0]["state"] == "started",
                   "the run of the backfill")
        self.assertIsNotNone(self.ask("GET", "/v1/pipelines", 200)["pipelines"][0]["next"])
        self.ask("POST", "/v1/hooks/nightly", 401, content=b"{}")
        self.ask("POST", "/v1/pipelines/nothing/trigger", 404)
        self.assertEqual(self.ask("GET", "/v1/subscriptions?pipeline=nightly", 200)["subscriptions"][0]["rule"], "all")
        eventually(lambda: self.ask("GET", f"/v1/deliveries?run={run}", 200)["deliveries"], "deliveries")
        self.notifications(run)
        self.ask("DELETE", "/v1/pipelines/nightly", 200)
        self.ask("GET", "/v1/pipelines/nightly", 404)

    def notifications(self, run):
        """What is done with rules, channels and alerts."""
        made = self.ask("POST", "/v1/subscriptions/nightly/all/replay", 202, json={"run": run, "limit": 100})
        self.assertGreater(made["events"], 3)
        eventually(lambda: [one for one in self.ask("GET", f"/v1/deliveries?run={run}", 200)["deliveries"]
                            if one.get("replay") == made["replay"]], "replayed deliveries")
        self.ask("POST", "/v1/subscriptions/nightly/none/replay", 404, json={"run": run})
        self.ask("POST", "/v1/subscriptions/nightly/all/replay", 400, json={})
        self.ask("POST", "/v1/subscriptions/nightly/all/replay", 422, json={"after": 0, "limit": 1})
        self.assertTrue(self.ask("POST", "/v1/channels/nightly/log/test", 200)["delivered"])
        self.ask("POST", "/v1/channels/nightly/none/test", 404)
        self.ask("POST", "/v1/alerts/12345678/ack", 404)
        self.ask("POST", "/v1/deliveries/flush", 202)
        silence = self.ask("POST", "/v1/silences", 201, json={"when": "pipeline = 'x'", "for": "1h", "reason": "work"})["silence"]
        self.ask("POST", "/v1/silences", 422, json={"when": "piipeline = 'x'", "for": "1h"})
        self.assertEqual([one["silence"] for one in self.ask("GET", "/v1/silences", 200)["silences"]], [silence])
        self.ask("DELETE", f"/v1/silences/{silence}", 200)
        rules = json.dumps({"channels": {"log": {"file": {"path": "all.ndjson"}}}, "notify": [{"name": "every", "to": ["log"]}]})
        file = {"text": rules, "base_folder": str(self.folder)}
        self.assertEqual(self.ask("POST", "/v1/subscriptions", 200, json=file)["rules"], ["every"])
        self.ask("POST", "/v1/subscriptions", 422, json={"text": "notify: [{ name: a, to: [b] }]"})
        self.ask("DELETE", "/v1/subscriptions/every", 200)
        self.ask("DELETE", "/v1/subscriptions/every", 404)
        self.assertEqual(self.ask("GET", "/v1/identity", 200), {"name": "owner", "role": "admin"})

    def test_refusals_are_as_described(self):
        fault = self.ask("POST", "/v1/runs", 422, json=self.submission(WRONG))["faults"][0]
        self.assertEqual((fault["code"], fault["file"], fault["line"]), ("unknown_column", "p.yaml", 11))
        self.assertEqual(self.ask("POST", "/v1/plan", 422, json=self.submission(WRONG))["error"]["code"], "unknown_column")
        self.ask("POST", "/v1/runs", 400, json={"text": "version: 1"})
        self.ask("GET", "/v1/runs/nothing", 404)
        self.ask("GET", "/v1/runs?limit=no", 400)
        self.ask("GET", "/v1/runs?colour=red", 400)
        self.ask("GET", "/v1/runs", 401, headers={"Authorization": "Bearer wrong"})

    def test_a_submission_that_is_sent_again_gives_the_same_run(self):
        key = {"Idempotency-Key": "load-2024-05-01"}
        first = self.ask("POST", "/v1/runs", 201, json=self.submission(), headers=key)
        again = self.ask("POST", "/v1/runs", 200, json=self.submission(), headers=key)
        self.assertEqual((again["run"], again["repeated"]), (first["run"], True))
        self.ended(first["run"])
        self.node.kill()
        self.node.start()
        again = self.ask("POST", "/v1/runs", 200, json=self.submission(), headers=key)
        self.assertEqual(again["run"], first["run"])
        refused = self.ask("POST", "/v1/runs", 422, json=self.submission(params={"a": "b"}), headers=key)
        self.assertEqual(refused["error"]["code"], "idempotency_key_reused")
        key["Idempotency-Key"] += "-wrong"
        self.ask("POST", "/v1/runs", 422, json=self.submission(WRONG), headers=key)
        self.ended(self.ask("POST", "/v1/runs", 201, json=self.submission(), headers=key)["run"])  # what was refused is not a run

    def test_a_generated_client_runs_a_pipeline(self):
        document = self.folder / "openapi.json"
        document.write_text(json.dumps(self.document))
        config = self.folder / "generator.yaml"
        config.write_text("post_hooks: []\npackage_name_override: generated_sluice\n"
                          "content_type_overrides: { application/x-ndjson: text/plain }\n")
        made = subprocess.run([sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--meta", "none",
                               "--output-path", self.folder / "generated/generated_sluice", "--config", config,
                               "--fail-on-warning"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
        sys.path.insert(0, str(self.folder / "generated"))
        self.addCleanup(sys.path.remove, str(self.folder / "generated"))

        def operation(group, name):
            return importlib.import_module(f"generated_sluice.api.{group}.{name}").sync

        models = importlib.import_module("generated_sluice.models")
        client = importlib.import_module("generated_sluice").AuthenticatedClient(base_url=self.node.url, token=self.node.token)
        self.addCleanup(lambda: client.get_httpx_client().close())
        accepted = operation("submissions", "submit_run")(
            client=client, body=models.Submission(text=PLAIN, base_folder=str(self.folder)), idempotency_key="from-generated")
        after, types = 0, []
        while True:
            answer = operation("events", "get_run_events")(accepted.run, client=client, after=after, wait="20s")
            types += [event.type_ for event in answer.events]
            after = answer.cursor
            if answer.ended:
                break
        self.assertEqual((types[0], types[-1]), ("run.queued", "run.succeeded"))
        run = operation("runs", "get_run")(accepted.run, client=client)
        self.assertEqual((run.state, run.owner, run.summary.rejected), (models.RunState.SUCCEEDED, "shop", 1))
        missing = operation("runs", "get_run")("nothing", client=client)
        self.assertEqual(missing.error.code, "run_not_found")


if __name__ == "__main__":
    unittest.main()
