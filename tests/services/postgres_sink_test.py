"""The postgres sink against a server of its own: modes, types, refused rows, and what survives which failure."""

import os
import signal
import subprocess
import unittest

from command_line import BINARY, CommandLine, eventually
from cutting_proxy import CuttingProxy, nth
from postgres_server import SCRIPT, Server

PIPELINE = """\
version: 1
pipeline: load
connections:
  mart: {{ postgres: {{ url: "{url}" }} }}
extract:
  rows:
    csv: {{ path: rows.csv }}
    types: {{ {types} }}
load:
  table:
    from: rows
    postgres: {{ connection: mart, table: {table}{more} }}
    mode: {mode}
{beside}
"""

REPLACING = """\
version: 1
pipeline: live
run: {{ checkpoint: 200ms }}
extract:
  numbers:
    generate: {{ rate: 20000, columns: {{ id: sequence }} }}
load:
  table:
    from: numbers
    postgres: {{ url: "{url}", table: orders }}
    mode: replace
"""


def rows(first, last):
    return "id,name\n" + "".join(f"{number},name {number}\n" for number in range(first, last))


class PostgresSink(CommandLine):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server())

    def setUp(self):
        super().setUp()
        self.database = self.server.connect()
        self.addCleanup(lambda: self.database.close())
        self.database.run("drop schema public cascade; create schema public; grant all on schema public to public")

    def url(self, port=None, user="postgres"):
        return f"postgresql://{user}@127.0.0.1:{port or self.server.port}/postgres"

    def pipeline(self, mode="append", table="orders", types="id: bigint, name: text", url=None, more="", beside=""):
        self.write("p.yaml", PIPELINE.format(url=url or self.url(), types=types, table=table, mode=mode, beside=beside,
                                             more=", " + more if more else ""))

    def load(self, *arguments, code=0, env=None):
        done = self.sluice("run", "p.yaml", "-q", *arguments, env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def ask(self, sql):
        return self.database.run(sql)

    def assert_orders(self, first, last, table="orders"):
        """Every row of `rows(first, last)` is there once, and nothing is left beside the table."""
        self.assertEqual(self.ask(f"select count(*), count(distinct id), min(id), max(id) from {table}"),
                         [(str(last - first), str(last - first), str(first), str(last - 1))])
        self.assert_clean()

    def assert_clean(self):
        left = eventually_empty(lambda: self.ask("select relname from pg_class where relname like '\\_sluice\\_stage%' and relkind = 'r'"))
        self.assertEqual(left, [])

    # Modes

    def test_a_new_table_is_created_with_the_types_of_the_columns(self):
        self.write("rows.csv", "id,name\n1,Ann\n2,\n")
        self.pipeline("error")
        self.load()
        self.assertEqual(self.ask("select * from orders order by id"), [("1", "Ann"), ("2", None)])
        self.assert_clean()
        refused = self.load(code=1)
        self.assertIn("target_exists", refused.stderr)

    def test_append_adds_and_replace_keeps_identity_grants_and_indexes(self):
        self.write("rows.csv", rows(0, 10))
        self.pipeline("append")
        self.load()
        self.write("rows.csv", rows(10, 30))
        self.load()
        self.assert_orders(0, 30)
        self.ask("create index by_name on orders (name); do $$ begin if not exists (select from pg_roles where rolname = 'reader') "
                 "then create role reader; end if; end $$; grant select on orders to reader")
        before = self.ask("select oid, relacl from pg_class where relname in ('orders', 'by_name') order by 1")
        self.write("rows.csv", rows(100, 105))
        self.pipeline("replace")
        self.load()
        self.assert_orders(100, 105)
        self.assertEqual(self.ask("select oid, relacl from pg_class where relname in ('orders', 'by_name') order by 1"), before)

    def test_replace_of_a_table_that_others_refer_to_deletes_rows(self):
        self.ask("create table orders (id bigint primary key, name text); insert into orders values (1, 'old'), (3, 'x'); "
                 "create table lines (of bigint references orders)")
        self.write("rows.csv", rows(0, 5))
        self.pipeline("replace")
        self.load()
        self.assert_orders(0, 5)

    def test_replace_by_no_rows_empties_the_table(self):
        self.ask("create table orders (id bigint, name text); insert into orders values (1, 'old')")
        self.write("rows.csv", "id,name\n")
        self.pipeline("replace")
        self.load()
        self.assertEqual(self.ask("select * from orders"), [])

    def test_upsert_creates_the_key_and_the_last_row_of_a_key_wins(self):
        self.write("rows.csv", "id,name\n1,a\n2,b\n1,c\n")
        self.pipeline("upsert", beside="    key: [id]")
        done = self.load("--json")
        self.assertEqual(self.ask("select * from orders order by id"), [("1", "c"), ("2", "b")])
        self.assertEqual(self.ask("select conname, contype from pg_constraint where conrelid = 'orders'::regclass"),
                         [("orders_pkey", "p")])
        self.write("rows.csv", "id,name\n2,B\n3,d\n3,D\n")
        self.load()
        self.assertEqual(self.ask("select * from orders order by id"), [("1", "c"), ("2", "B"), ("3", "D")])
        self.assert_clean()
        del done

    def test_upsert_without_a_unique_index_is_refused_at_the_start(self):
        self.ask("create table orders (id bigint, name text)")
        self.write("rows.csv", rows(0, 3))
        self.pipeline("upsert", beside="    key: [id]")
        refused = self.load(code=1)
        self.assertIn("no_unique_key", refused.stderr)
        self.assertIn('create unique index on "public"."orders" ("id")', refused.stderr)

    def test_evolve_adds_columns_and_never_creates_nothing(self):
        self.write("rows.csv", rows(0, 2))
        self.pipeline(more="create: never")
        self.assertIn("unknown_table", self.load(code=1).stderr)
        self.ask("create table orders (id bigint)")
        self.pipeline()
        self.assertIn("has no column name", self.load(code=1).stderr)
        self.pipeline(more="create: evolve")
        self.load()
        self.assertEqual(self.ask("select * from orders order by id"), [("0", "name 0"), ("1", "name 1")])

    def test_statements_before_and_after_belong_to_the_commit(self):
        self.write("rows.csv", rows(0, 2))
        self.ask("create table log (what text)")
        self.pipeline(more="before: [\"insert into log values ('before')\"], after: [\"insert into log select 'rows ' || count(*) from orders\"]")
        self.load()
        self.assertEqual(self.ask("select * from log"), [("before",), ("rows 2",)])
        self.pipeline(more="after: [\"insert into nowhere values (1)\"]")
        failed = self.load(code=1)
        self.assertIn("nowhere", failed.stderr)
        self.assertEqual(self.ask("select count(*) from orders"), [("2",)])

    # Values

    def test_every_type_arrives_as_the_server_would_have_read_its_text(self):
        columns = {
            "b": ("boolean", ["true", "false", ""]), "i2": ("smallint", ["-32768", "32767", ""]),
            "i4": ("integer", ["-2147483648", "2147483647", ""]),
            "i8": ("bigint", ["-9223372036854775808", "9223372036854775807", ""]),
            "u8": ("ubigint", ["0", "18446744073709551615", ""]), "f4": ("real", ["0.1", "-3.4e38", "NaN"]),
            "f8": ("double", ["0.1", "1e-300", "Infinity"]), "d": ("decimal(12,2)", ["-0.01", "9999999999.99", "0.00"]),
            "big": ("decimal(38,10)", ["-1234567890123456789012345678.0123456789", "0.0000000001", "10000.0000000000"]),
            "wide": ("decimal(60,20)", ["1" * 40 + ".00000000000000000001", "-0.5", "123456"]),
            "t": ("text", ["Grüße €", "''", "a\\b"]), "bin": ("bytea", ["\\x00ff10", "\\x", ""]),
            "day": ("date", ["0001-01-01", "9999-12-31", "2024-02-29"]), "tm": ("time", ["00:00:00", "23:59:59.999999", "12:30:00"]),
            "ts": ("timestamp", ["1969-12-31 23:59:59.999999", "2024-05-01 12:00:00", "0001-01-01 00:00:00"]),
            "tz": ("timestamptz", ["2024-05-01 12:00:00+02", "1900-01-01 00:00:00+00", "2024-05-01 12:00:00.5+00"]),
            "iv": ("interval", ["1 year 2 mons 3 days 04:05:06.7", "-1 days", "00:00:00.000001"])}
        quoted = lambda text: '"' + text.replace('"', '""') + '"' if text else ""
        lines = [",".join(columns)] + [",".join(quoted(values[at]) for _, values in columns.values()) for at in range(3)]
        self.write("rows.csv", "\n".join(lines) + "\n")
        self.pipeline("error", types=", ".join(f'{name}: "{kind}"' for name, (kind, _) in columns.items()))
        self.load()
        theirs = {"ubigint": "numeric(20,0)", "double": "double precision"}
        for name, (kind, values) in columns.items():
            kind = theirs.get(kind, kind)
            server = kind.replace("decimal", "numeric")
            missing = self.ask("select count(*) from orders o where not exists (select from (values "
                               + ",".join(f"(nullif('{value.replace(chr(39), chr(39) * 2)}', '')::{server})" for value in values)
                               + f") v(x) where v.x is not distinct from o.{name})")
            with self.subTest(name):
                self.assertEqual(missing, [("0",)])
                self.assertEqual(self.ask(f"select format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
                                          f"'orders'::regclass and attname = '{name}'"),
                                 self.ask(f"select format_type(o, m) from (select '{server.split('(')[0]}'::regtype::oid o, "
                                          f"{modifier(server)} m) x"))

    def test_existing_types_take_what_they_can_hold_exactly(self):
        self.ask("create type mood as enum ('ok', 'sad'); create domain positive as integer check (value > 0); "
                 "create table orders (id positive, m mood, u uuid, j jsonb, v varchar(3), c char(4), n numeric(4,1))")
        self.write("rows.csv", "id,m,u,j,v,c,n\n"
                   '1,ok,0190163d-8694-739b-aea5-966c26f8ad91,"{""a"": 1}",äöü,ab,12.50\n')
        types = 'id: bigint, m: text, u: text, j: text, v: text, c: text, n: "decimal(6,2)"'
        self.pipeline(types=types)
        self.load()
        self.assertEqual(self.ask("select id, m, u, j ->> 'a', v, c, n from orders"),
                         [("1", "ok", "0190163d-8694-739b-aea5-966c26f8ad91", "1", "äöü", "ab  ", "12.5")])
        good = ["2", "ok", "0190163d-8694-739b-aea5-966c26f8ad91", '"{}"', "abc", "ab", "1.00"]
        bad = {"id": "-5", "m": "angry", "u": "no-uuid", "j": '"{x"', "v": "abcd", "c": "abcde", "n": "1.25"}
        names = list(bad)
        lines = ["id,m,u,j,v,c,n", ",".join(good)]
        lines += [",".join(bad[name] if name == column else value for column, value in zip(names, good)) for name in names]
        lines += [",".join(["99999999999"] + good[1:]), ",".join(good[:6] + ["1000.00"]), ",".join(good)]
        self.write("rows.csv", "\n".join(lines) + "\n")
        self.pipeline(types=types, beside="    on_error: reject\nrejects: { allow: 100 }")
        self.load()
        self.assertEqual(self.ask("select count(*) from orders"), [("3",)])
        self.assertEqual(len(self.rejects()), 9)
        self.assert_clean()

    def rejects(self):
        done = self.sluice("rejects", "export", "last", "--json")
        if done.returncode != 0:
            done = self.sluice("rejects", "last", "--json")
        return [line for line in done.stdout.splitlines() if line.strip().startswith("{")]

    # Rows that the table refuses

    def test_rows_that_break_a_rule_are_rejected_and_all_others_loaded(self):
        self.ask("create table country (code text primary key); insert into country values ('DE'), ('FR'); "
                 "create table orders (id bigint primary key, name text not null unique, "
                 "code text references country, size integer check (size > 0)); insert into orders values (7, 'seven', 'DE', 1)")
        self.write("rows.csv", "id,name,code,size\n1,a,DE,1\n2,,DE,1\n3,c,XX,1\n4,d,FR,0\n5,a,FR,5\n1,f,FR,5\n7,g,FR,5\n8,seven,FR,5\n9,i,,9\n")
        types = "id: bigint, name: text, code: text, size: integer"
        self.pipeline(types=types)
        failed = self.load(code=1)
        self.assertIn("constraint_violated", failed.stderr)
        self.assertEqual(self.ask("select count(*) from orders"), [("1",)])
        self.assert_clean()
        self.pipeline(types=types, beside="    on_error: reject\nrejects: { allow: 100 }")
        self.load()
        self.assertEqual(self.ask("select id from orders order by id"), [("1",), ("7",), ("9",)])
        self.assertEqual(len(self.rejects()), 7)
        self.assert_clean()

    def test_many_refused_rows_among_many(self):
        self.ask("create table orders (id bigint check (id % 1000 <> 0), name text)")
        self.write("rows.csv", rows(0, 70000))
        self.pipeline(beside="    on_error: reject\nrejects: { allow: 100 }")
        self.load()
        self.assertEqual(self.ask("select count(*), count(distinct id), count(*) filter (where id % 1000 = 0) from orders"),
                         [("69930", "69930", "0")])

    # Refusals at the start

    def test_what_a_user_may_not_do_is_named_before_a_row_is_read(self):
        self.ask("do $$ begin if not exists (select from pg_roles where rolname = 'weak') then create role weak login; end if; end $$; "
                 "create schema mart; create table mart.orders (id bigint, name text)")
        self.write("rows.csv", rows(0, 3))
        self.pipeline(table="mart.orders", url=self.url(user="weak"))
        self.assertIn("permission", self.load(code=1).stderr)
        self.ask("grant usage, create on schema mart to weak")
        self.assertIn("grant insert on", self.load(code=1).stderr)
        self.ask("grant insert on mart.orders to weak")
        self.load()
        self.assertEqual(self.ask("select count(*) from mart.orders"), [("3",)])

    def test_a_password_is_never_shown(self):
        self.ask("do $$ begin if not exists (select from pg_roles where rolname = 'known') then create role known login; end if; end $$; "
                 "alter role known password 'right-password'")
        hba = self.server.folder / "pg/pg_hba.conf"
        before = hba.read_text()
        self.addCleanup(lambda: (hba.write_text(before), self.ask("select pg_reload_conf()")))
        hba.write_text("host all known 127.0.0.1/32 scram-sha-256\n" + before)
        self.ask("select pg_reload_conf()")
        self.write("rows.csv", rows(0, 3))
        self.pipeline(url="${secret:mart}")
        secret = f"postgresql://known:wrong-password@127.0.0.1:{self.server.port}/postgres"
        failed = self.load(code=1, env={"SLUICE_SECRET_MART": secret})
        self.assertIn("authentication_failed", failed.stderr)
        self.assertNotIn("wrong-password", failed.stderr)
        self.assertEqual([path for path in self.state.rglob("*") if path.is_file() and b"wrong-password" in path.read_bytes()], [])

    def test_two_sinks_of_one_table_are_refused(self):
        self.write("rows.csv", rows(0, 3))
        self.pipeline()
        text = (self.folder / "p.yaml").read_text()
        self.write("p.yaml", text.replace("load:\n", "load:\n  other:\n    from: rows\n    postgres: { url: \"postgresql://x@localhost:"
                                          + str(self.server.port) + "/postgres\", table: public.orders }\n    mode: append\n"))
        self.assertIn("target_used_twice", self.sluice("validate", "p.yaml").stderr)

    def test_a_server_that_is_not_there_is_named_after_the_tries(self):
        self.write("rows.csv", rows(0, 3))
        self.pipeline(url="postgresql://postgres@127.0.0.1:1/postgres", beside="    retry: { attempts: 2, backoff: 1ms }")
        failed = self.load(code=1)
        self.assertIn("cannot_connect", failed.stderr)
        self.assertIn("3 tries", failed.stderr)

    # Failures

    def through(self, when):
        proxy = CuttingProxy(self.server.port, when)
        self.addCleanup(proxy.close)
        return proxy

    RETRY = "    retry: { attempts: 8, backoff: 50ms, max_backoff: 500ms }"

    def test_a_connection_that_is_cut_at_each_step_loses_and_repeats_nothing(self):
        self.write("rows.csv", rows(0, 5000))
        steps = [b"CREATE TABLE", b"COPY ", b"COMMENT ON", b"INSERT INTO \"public\".\"_sluice_commits\"", b"COMMIT",
                 b"INSERT INTO \"public\".\"orders\""]
        for policy in ("fail", "reject"):
            for step in steps:
                for verdict in ("before", "after"):
                    for number in (1, 2) if step == b"COMMIT" else (1,):
                        with self.subTest(step=step, verdict=verdict, number=number, policy=policy):
                            self.ask("drop table if exists orders; create table orders (id bigint primary key, name text)")
                            proxy = self.through(nth(step, number, verdict))
                            self.pipeline(url=self.url(proxy.port), beside=self.RETRY + f"\n    on_error: {policy}")
                            self.load()
                            self.assertEqual(proxy.cuts, 1)
                            self.assert_orders(0, 5000)

    def test_a_new_table_whose_commit_answer_is_lost(self):
        self.write("rows.csv", rows(0, 5000))
        for number in (1, 2, 3):
            with self.subTest(number):
                self.ask("drop table if exists orders")
                proxy = self.through(nth(b"COMMIT", number, "after"))
                self.pipeline("error", url=self.url(proxy.port), beside=self.RETRY)
                self.load()
                self.assert_orders(0, 5000)

    def test_a_server_that_restarts_at_each_step_loses_and_repeats_nothing(self):
        self.write("rows.csv", rows(0, 5000))

        def restart():
            for action in ("stop", "start"):
                done = subprocess.run([SCRIPT, action, self.server.folder, str(self.server.port)], text=True,
                                      stdin=subprocess.DEVNULL, capture_output=True)
                self.assertEqual(done.returncode, 0, done.stderr)
            return "before"

        for step in (b"CREATE TABLE", b"COPY ", b"COMMENT ON", b"_sluice_commits\" AS n", b"COMMIT", b"INSERT INTO \"public\".\"orders\""):
            with self.subTest(step=step):
                self.database.close()
                self.database = self.server.connect()
                self.ask("drop table if exists orders; create table orders (id bigint primary key, name text)")
                proxy = self.through(nth(step, 1, restart))
                self.pipeline(url=self.url(proxy.port), beside=self.RETRY)
                self.load()
                self.database.close()
                self.database = self.server.connect()
                self.assert_orders(0, 5000)

    def test_killed_between_prepare_and_commit_it_is_committed_by_the_next_process(self):
        self.write("rows.csv", rows(0, 5000))
        self.ask("create table orders (id bigint, name text)")
        for crash in (False, True):
            with self.subTest(server_crashes=crash):
                self.ask("truncate orders")
                held = []

                def kill():
                    for each in self.started:
                        os.killpg(each.pid, signal.SIGKILL)
                    held.append(True)
                    return "before"

                proxy = self.through(nth(b"_sluice_commits\" AS n", 1, kill))
                self.pipeline(url=self.url(proxy.port))
                run = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(), text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
                self.started.append(run)
                run.wait(timeout=60)
                self.started.remove(run)
                run.communicate()
                self.assertTrue(held)
                self.assertEqual(self.ask("select count(*) from orders"), [("0",)])
                if crash:
                    os.kill(int((self.server.folder / "pid").read_text()), signal.SIGQUIT)
                    eventually(lambda: not (self.server.folder / "pg/postmaster.pid").exists(), "the end of the server")
                    subprocess.run([SCRIPT, "start", self.server.folder, str(self.server.port)], check=True, capture_output=True)
                    self.database.close()
                    self.database = self.server.connect()
                proxy.when = lambda piece: None
                done = self.sluice("run", "p.yaml")
                self.assertEqual(done.returncode, 0, done.stderr)
                # The next run first makes the rows of the killed one visible, then loads its own.
                self.assertEqual(self.ask("select count(*), count(distinct id) from orders"), [("10000", "5000")])
                self.assert_clean()

    def test_a_cancelled_run_leaves_nothing_in_the_database(self):
        self.write("p.yaml", ENDLESS.replace("URL", self.url()))
        run = self.start("run", "p.yaml", "-q")
        eventually(lambda: self.ask("select 1 from pg_class where relname like '\\_sluice\\_stage%'"), "a staging table")
        run.send_signal(signal.SIGINT)
        run.wait(timeout=60)
        self.assert_clean()
        self.assertEqual(self.ask("select 1 from pg_class where relname = 'numbers'"), [])

    def test_a_killed_run_without_end_that_goes_on_adds_to_the_table_that_it_replaced(self):
        self.write("p.yaml", REPLACING.format(url=self.url()))

        def loaded():
            there = self.ask("select to_regclass('public.orders') is not null") == [("t",)]
            return int(self.ask("select count(*) from orders")[0][0]) if there else 0

        for round_ in range(3):
            before = loaded()
            process = subprocess.Popen([BINARY, "run", "p.yaml", "-q"], cwd=self.folder, env=self.environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       start_new_session=True)
            self.addCleanup(lambda process=process: process.poll() is None and process.kill())
            eventually(lambda: loaded() > before, "a checkpoint")
            os.killpg(process.pid, signal.SIGTERM if round_ == 2 else signal.SIGKILL)
            out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out)
        self.assert_orders(1, loaded() + 1)


ENDLESS = """\
version: 1
pipeline: endless
extract:
  numbers: { generate: { rows: 1000000000, rate: 2000, columns: { id: sequence } } }
load:
  table: { from: numbers, postgres: { url: "URL", table: numbers }, mode: append }
"""


def modifier(server_type):
    if "(" not in server_type:
        return -1
    precision, scale = server_type.split("(")[1].rstrip(")").split(",")
    return (int(precision) << 16 | int(scale)) + 4


def eventually_empty(look):
    """What `look` gives once that is nothing, or after a while."""
    try:
        eventually(lambda: not look(), "nothing")
    except AssertionError:
        pass
    return look()


if __name__ == "__main__":
    unittest.main()
