"""Runs from the command line: streams, exit codes, events, rejects, a second terminal, signals and sudden deaths."""

import base64
import csv
import io
import json
import os
import pathlib
import signal
import unittest

from command_line import ENDLESS, ORDERS, ROOT, SIGINT, SIGKILL, SIGTERM, STARTER, CommandLine, events, eventually


class Runs(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("orders.yaml", STARTER)

    def test_a_run_that_succeeds_reports_on_stderr(self):
        done = self.sluice("run", "orders.yaml")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn("succeeded", done.stderr)
        self.assertIn("4 read = 2 loaded + 1 filtered + 1 rejected  ok", done.stderr)
        self.assertIn("out/paid.ndjson", done.stderr)
        self.assertIn("sluice rejects orders", done.stderr)
        rows = [json.loads(line) for line in (self.folder / "out/paid.ndjson").read_text().splitlines()]
        self.assertEqual([row["order_id"] for row in rows], [1, 4])

    def test_quiet_says_nothing(self):
        done = self.sluice("run", "orders.yaml", "-q")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_verbose_tells_what_happens(self):
        for done in (self.sluice("run", "orders.yaml", "-v"), self.sluice("run", "orders.yaml", env={"SLUICE_LOG": "info"})):
            self.assertRegex(done.stderr, r"unit orders finished: .*in 4, out 3, rejected 1")

    def test_json_is_one_cloud_event_a_line(self):
        done = self.sluice("run", "orders.yaml", "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        got = events(done.stdout)
        self.assertEqual([each["data"]["sequence"] for each in got], list(range(1, len(got) + 1)))
        self.assertEqual({each["specversion"] for each in got}, {"1.0"})
        self.assertEqual(got[0]["type"], "run.queued")
        self.assertEqual(got[-1]["type"], "run.succeeded")
        self.assertTrue(got[-1]["data"]["balanced"])
        self.assertEqual(len({each["id"] for each in got}), len(got))
        again = events(self.sluice("events", "last", "--json").stdout)
        self.assertEqual(again, got)

    def test_a_reader_that_goes_does_not_stop_the_run(self):
        run = self.start("run", "orders.yaml", "--json")
        run.stdout.readline()
        run.stdout.close()
        self.assertEqual((run.wait(), run.stderr.read()), (0, ""))
        self.assertTrue((self.folder / "out/paid.ndjson").exists())

    def test_more_rejects_than_allowed_make_it_partial(self):
        self.write("orders.yaml", STARTER.replace("allow: 10", "allow: 0"))
        done = self.sluice("run", "orders.yaml")
        self.assertEqual(done.returncode, 3)
        self.assertIn("partial", done.stderr)
        self.assertEqual(events(self.sluice("run", "orders.yaml", "--json").stdout)[-1]["type"], "run.partial")

    def test_a_failure_shows_its_place(self):
        self.write("orders.yaml", STARTER.replace("filter: \"status = 'paid'\"", "filter: \"1 / (order_id - 4) > -9\""))
        done = self.sluice("run", "orders.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("failed", done.stderr)
        self.assertIn("error[division_by_zero]", done.stderr)
        self.assertIn("unit paid", done.stderr)
        self.assertFalse((self.folder / "out/paid.ndjson").exists())
        record = self.run_record()
        self.assertEqual((record["state"], record["cause"]["code"]), ("failed", "division_by_zero"))

    def test_what_can_not_run_is_rejected_with_an_event(self):
        self.write("orders.yaml", STARTER.replace("status =", "statuss ="))
        done = self.sluice("run", "orders.yaml", "--json")
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        (event,) = events(done.stdout)
        self.assertEqual(event["type"], "pipeline.rejected")
        self.assertEqual(event["data"]["errors"][0]["code"], "unknown_column")
        self.assertEqual(event["data"]["errors"][0]["line"], 11)
        error = self.assert_error(self.sluice("run", "orders.yaml"), "unknown_column")
        self.assertIn("orders.yaml:11:", error)
        self.assertIn("status", error)
        self.assertEqual(self.sluice("runs", "--json").stdout.strip(), "[]")

    def test_params_come_from_set(self):
        self.write("orders.yaml", STARTER.replace("extract:", "params: { which: { type: text } }\nextract:").replace("'paid'", "$which"))
        self.assert_error(self.sluice("run", "orders.yaml"), "missing_param")
        self.assertEqual(self.sluice("run", "orders.yaml", "--set", "which=open").returncode, 0)
        self.assertEqual(len((self.folder / "out/paid.ndjson").read_text().splitlines()), 1)
        self.assertEqual(self.run_record()["params"], {"which": "open"})
        self.assert_error(self.sluice("run", "orders.yaml", "--set", "which"), "bad_arguments")

    def test_rejects_are_listed_and_exported(self):
        self.sluice("run", "orders.yaml")
        listed = self.sluice("rejects", "last").stdout
        self.assertIn("orders.csv:4", listed)
        self.assertIn("3,NL,paid,twelve", listed)
        (reject,) = events(self.sluice("rejects", "orders", "--json").stdout)
        self.assertEqual((reject["unit"], reject["column"], reject["line"]), ("orders", "amount", 4))
        (exported,) = csv.DictReader(io.StringIO(self.sluice("rejects", "export", "last", "--format", "csv").stdout))
        self.assertEqual((exported["line"], exported["record"]), ("4", "3,NL,paid,twelve"))
        done = self.sluice("rejects", "export", "last", "rejects.csv")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("3,NL,paid,twelve", (self.folder / "rejects.csv").read_text())
        self.assertEqual(self.sluice("rejects", "last", "--unit", "paid").stdout, "")
        self.assert_error(self.sluice("rejects", "nothing"), "run_not_found")
        self.assert_error(self.sluice("rejects", "export", "last", "no/such/folder.csv"), "file_not_found", 1)

    def test_rejects_that_are_not_utf_8_are_exported_in_base64(self):
        self.write("orders.csv", b"order_id,country,status,amount\n1,\xff\xfe,paid,1\n2,DE,paid,x\n")
        self.sluice("run", "orders.yaml")
        first, second = csv.DictReader(io.StringIO(self.sluice("rejects", "export", "last", "--format", "csv").stdout))
        self.assertEqual((first["record"], base64.b64decode(first["record_base64"])), ("", b"1,\xff\xfe,paid,1"))
        self.assertEqual((second["record"], second["record_base64"]), ("2,DE,paid,x", ""))
        first, second = events(self.sluice("rejects", "export", "last").stdout)
        self.assertEqual(base64.b64decode(first["record_base64"]), b"1,\xff\xfe,paid,1")

    def test_runs_and_status_know_what_happened(self):
        self.sluice("run", "orders.yaml")
        self.assertIn("orders", self.sluice("runs").stdout)
        (record,) = json.loads(self.sluice("runs", "--json").stdout)
        self.assertEqual((record["pipeline"], record["state"]), ("orders", "succeeded"))
        self.assertRegex(record["id"], r"^[0-9a-f]{8}-[0-9a-f]{4}-7")
        self.assertIn("balance", self.sluice("status", record["id"][:18]).stdout)
        self.assertIn("run succeeded", self.sluice("logs").stdout)
        self.assertEqual(self.sluice("watch", "last").returncode, 0)
        self.assert_error(self.sluice("cancel", "last"), "run_is_final")

    def test_rows_may_go_to_stdout(self):
        self.write("orders.yaml", STARTER.replace("ndjson: { path: out/paid.ndjson }", "ndjson: { path: \"-\" }"))
        done = self.sluice("run", "orders.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["order_id"] for line in done.stdout.splitlines()], [1, 4])
        self.assert_error_event(self.sluice("run", "orders.yaml", "--json"), "bad_arguments")

    def assert_error_event(self, done, code):
        self.assertEqual(done.returncode, 2)
        self.assertEqual(events(done.stdout)[-1]["data"]["errors"][0]["code"], code)

    def test_init_writes_what_runs(self):
        self.assertEqual(self.sluice("init", "new").returncode, 0)
        done = self.sluice("init", "new")
        self.assert_error(done, "file_exists")
        for verb in ("validate", "explain", "preview", "run"):
            done = self.in_folder("new", verb, "starter.yaml")
            self.assertEqual(done.returncode, 0, (verb, done.stderr))
        self.assertTrue((self.folder / "new/out/revenue.csv").exists())

    def in_folder(self, name, *words):
        folder, self.folder = self.folder, self.folder / name
        try:
            return self.sluice(*words)
        finally:
            self.folder = folder

    def test_preview_shows_units_and_data_files(self):
        done = self.sluice("preview", "orders.yaml", "--unit", "orders", "--rows", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"order_id +country +status +amount\n +bigint +text +text +double")
        self.assertEqual(len(json.loads(self.sluice("preview", "orders.yaml", "--json").stdout)["rows"]), 2)
        done = self.sluice("preview", "orders.csv", "--json")
        self.assertEqual([column["type"] for column in json.loads(done.stdout)["columns"]], ["bigint", "text", "text", "text"])
        self.assertFalse((self.folder / "out").exists())
        self.assertEqual(self.sluice("runs").stdout, "")
        self.assert_error(self.sluice("preview", "orders.yaml", "--unit", "payd"), "unknown_unit")
        skeleton = self.sluice("preview", "orders.csv", "--yaml").stdout
        self.write("made.yaml", skeleton)
        self.assertEqual(self.sluice("run", "made.yaml").returncode, 0)

    def test_preview_of_a_data_file_shows_as_text_what_contradicts_the_sample(self):
        flights = str(ROOT / "examples/data/flights_2013_01.csv")
        done = self.sluice("preview", flights, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual(len(shown["rows"]), 10)
        self.assertEqual({c["name"]: c["type"] for c in shown["columns"]}["time_hour"], "text")
        self.assertEqual(shown["rows"][0]["time_hour"], "2013-01-01T10:00:00Z")
        told = [json.loads(line)["warning"] for line in done.stderr.splitlines()]
        # NA stands in some columns, one in another; all with one remedy are told in one line.
        self.assertEqual([each["code"] for each in told], ["text_column"] * 3 + ["contradicts_type"], told)
        told = told[-1]
        self.assertRegex(told["message"], r"types: \{ time_hour: text \}; shown as text$")
        # Several columns, with names that a path or YAML would take for something else.
        lines = ["".join(f"{i},{'x' if i == 9_000 else i},{'1.5' if i == 9_500 else i}\n") for i in range(30_000)]
        self.write("a.csv", "id,a/~1b,${c}\n" + "".join(lines))
        self.write("a.ndjson", "".join(json.dumps({"id": i, "a/~1b": "x" if i == 12_000 else i, "c": {"d": [] if i == 13_000 else i}}) + "\n"
                                       for i in range(200_000)))
        for file, types, row in (("a.csv", ["bigint", "text", "text"], [0, "0", "0"]),
                                 ("a.ndjson", ["bigint", "text", "text"], [0, "0", '{"d": 0}'])):
            done = self.sluice("preview", file, "--json", "--rows", "3")
            self.assertEqual(done.returncode, 0, done.stderr)
            shown = json.loads(done.stdout)
            self.assertEqual([c["type"] for c in shown["columns"]], types, file)
            self.assertEqual(list(shown["rows"][0].values()), row)
            self.assertEqual(len(done.stderr.splitlines()), 2)
        # A pipeline says itself what its columns are.
        self.write("p.yaml", f"version: 1\npipeline: p\nextract:\n  in:\n    csv: {{ path: {flights} }}\nload:\n  out: {{ from: in, blackhole: {{}} }}\n")
        self.assertIn("p.yaml:4:3", self.assert_error(self.sluice("preview", "p.yaml"), "contradicts_type", 1))


class SecondTerminal(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("endless.yaml", ENDLESS)

    def test_status_watch_and_cancel_work_on_a_live_run(self):
        run = self.start("run", "endless.yaml")
        record = self.running()
        self.assertEqual(record["state"], "running")
        self.assertIn("numbers", self.sluice("status", "last").stdout)
        watcher = self.start("watch", "last", "--json")
        self.assertEqual(json.loads(watcher.stdout.readline())["type"], "run.queued")
        done = self.sluice("cancel", "endless")
        self.assertEqual(done.returncode, 0, done.stderr)
        code, out, err = self.end_of(run)
        self.assertEqual((code, out), (1, ""), err)
        self.assertIn("cancelled", err)
        code, out, _ = self.end_of(watcher)
        self.assertEqual((code, events(out)[-1]["type"]), (1, "run.cancelled"))
        self.assertEqual(self.run_record()["state"], "cancelled")
        self.assertNotIn("out/numbers.ndjson", self.names())

    def test_a_token_for_a_cluster_does_not_lock_out_local_runs(self):
        self.start("run", "endless.yaml")
        self.running()
        done = self.sluice("cancel", "last", env={"SLUICE_TOKEN": "of another place"})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_ctrl_c_in_watch_detaches(self):
        run = self.start("run", "endless.yaml")
        self.running()
        watcher = self.start("watch", "last", "--json")
        watcher.stdout.readline()
        watcher.send_signal(SIGINT)
        code, _, err = self.end_of(watcher)
        self.assertEqual(code, 130)
        self.assertIn("the run continues", err)
        self.assertIsNone(run.poll())

    def test_a_second_run_of_the_same_is_refused(self):
        self.start("run", "endless.yaml")
        record = self.running()
        error = self.assert_error(self.sluice("run", "endless.yaml"), "already_running")
        self.assertIn(f"pid {record['pid']}", error)
        self.assertEqual(len(json.loads(self.sluice("runs", "--json").stdout)), 1)


class Signals(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("endless.yaml", ENDLESS)

    def stopped_by(self, number):
        run = self.start("run", "endless.yaml")
        self.running()
        run.send_signal(number)
        return self.end_of(run)

    def test_ctrl_c_publishes_nothing_and_says_how_to_go_on(self):
        code, out, err = self.stopped_by(SIGINT)
        self.assertEqual((code, out), (130, ""), err)
        self.assertIn("to run it again: sluice run endless.yaml", err)
        self.assertEqual(self.names(), ["endless.yaml"])
        self.assertEqual(self.run_record()["state"], "cancelled")

    def test_term_ends_in_order(self):
        code, _, err = self.stopped_by(SIGTERM)
        self.assertEqual(code, 143, err)
        self.assertEqual(self.names(), ["endless.yaml"])

    def test_ctrl_c_twice_kills_an_engine_that_hangs(self):
        run = self.start("run", "endless.yaml")
        record = self.running()
        os.kill(record["pid"], signal.SIGSTOP)
        run.send_signal(SIGINT)
        # Not just any signal: SIGSTOP itself may still be pending, and two SIGINTs at once would count as one.
        passed_on = 1 << (signal.SIGUSR1 - 1)
        eventually(lambda: int(self.proc_status(record["pid"])["ShdPnd"], 16) & passed_on, "the first Ctrl-C")
        # One that comes right behind the first is the same Ctrl-C.
        eventually(lambda: run.poll() is not None or run.send_signal(SIGINT), "the end")
        code, _, err = self.end_of(run)
        self.assertIn("killed by a second Ctrl-C", err)
        self.assertEqual(code, 130, err)
        self.assertEqual(self.run_record()["state"], "cancelled")
        self.assertNotIn("out/numbers.ndjson", self.names())

    def test_a_signal_that_comes_twice_at_once_counts_once(self):
        run = self.start("run", "endless.yaml")
        record = self.running()
        os.kill(record["pid"], signal.SIGSTOP)
        run.send_signal(SIGINT)
        run.send_signal(SIGINT)
        passed_on = 1 << (signal.SIGUSR1 - 1)
        eventually(lambda: int(self.proc_status(record["pid"])["ShdPnd"], 16) & passed_on, "the Ctrl-C")
        os.kill(record["pid"], signal.SIGCONT)
        code, _, err = self.end_of(run)
        self.assertEqual(code, 130, err)
        self.assertNotIn("killed", err)
        self.assertIn("to run it again", err)

    def test_a_run_that_is_cancelled_from_elsewhere_ends_with_1(self):
        run = self.start("run", "endless.yaml")
        self.running()
        watcher = self.start("watch", "last")
        self.assertEqual(self.sluice("cancel", "last").returncode, 0)
        code, _, err = self.end_of(run)
        self.assertEqual(code, 1, err)
        self.assertIn("cancelled", err)
        self.assertEqual(self.end_of(watcher)[0], 1)

    @staticmethod
    def proc_status(pid):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def test_an_engine_that_is_killed_is_reported_and_leaves_nothing(self):
        before = self.names()
        self.write("endless.yaml", ENDLESS + "  table: { from: numbers, sqlite: { path: out.db, table: numbers }, mode: append }\n")
        run = self.start("run", "endless.yaml", "--json")
        record = self.running()
        eventually(lambda: len([name for name in self.names() if ".part" in name]) > 1, "both hidden files")
        os.kill(record["pid"], SIGKILL)
        code, out, err = self.end_of(run)
        self.assertEqual((code, err), (1, ""))
        last = events(out)[-1]
        self.assertEqual((last["type"], last["data"]["cause"]["code"]), ("run.failed", "engine_killed"))
        self.assertIn("signal 9", last["data"]["cause"]["message"])
        record = self.run_record()
        self.assertEqual((record["state"], record["cause"]["code"]), ("failed", "engine_killed"))
        self.assertEqual(self.names(), before)

    def test_a_run_whose_processes_are_all_gone_is_found_dead(self):
        run = self.start("run", "endless.yaml")
        record = self.running()
        os.kill(record["pid"], signal.SIGSTOP)  # so that it does not end by itself when its parent is gone
        run.kill()
        os.kill(record["pid"], SIGKILL)
        self.end_of(run)
        record = eventually(lambda: (r := self.run_record()) and r["state"] == "failed" and r, "a failed run")
        self.assertEqual(record["cause"]["code"], "engine_died")
        self.assertEqual(events(self.sluice("events", "last", "--json").stdout)[-1]["type"], "run.failed")

    def test_the_engine_follows_its_parent(self):
        run = self.start("run", "endless.yaml")
        record = self.running()
        run.kill()
        self.end_of(run)
        eventually(lambda: not pathlib.Path(f"/proc/{record['pid']}/cmdline").read_bytes()
                        if pathlib.Path(f"/proc/{record['pid']}").exists() else True, "the engine's end")
        self.assertIn(self.run_record()["state"], ("cancelled", "failed"))


if __name__ == "__main__":
    unittest.main()
