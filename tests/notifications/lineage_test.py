"""OpenLineage run events, built again with the public Python classes of OpenLineage: what those do not know, or find wrong,
fails here."""

import importlib
import json
import pathlib
import pkgutil
import typing
import unittest

import attr
from openlineage.client import facet_v2, generated
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState

from command_line import ENDLESS, CommandLine
from receiver import Receiver

PIPELINE = """\
version: 1
pipeline: revenue
description: Revenue by country
owner: data@shop.example
tags: [finance]
rejects: {{ allow: 10 }}
extract:
  orders:
    csv: {{ path: orders.csv }}
    types: {{ id: bigint, customer: bigint, status: text, amount: double }}
  customers:
    csv: {{ path: customers.csv }}
transform:
  paid:
    from: orders
    steps:
      - filter: "status = 'paid'"
      - derive: {{ net: "round(amount / 1.19)" }}
  checked:
    from: paid
    validate:
      positive: {{ check: "net > 0", severity: reject }}
      known: {{ not_null: [customer], severity: reject }}
  named: {{ from: [checked, customers], join: {{ how: left, on: "checked.customer = customers.number" }} }}
  hidden: {{ from: named, mask: {{ name: hash }} }}
  by_country:
    from: hidden
    aggregate: {{ by: [country], compute: {{ revenue: "sum(net)", orders: "count(*)", who: "min(name)" }} }}
load:
  out: {{ from: by_country, ndjson: {{ path: out/revenue.ndjson }} }}
  all: {{ from: hidden, csv: {{ path: out/all.csv }} }}
channels:
  lineage: {{ {channel} }}
notify:
  - {{ name: lineage, to: [lineage] }}
"""
FILE = "file: { path: lineage.ndjson, format: openlineage, namespace: shop }"
ORDERS = "id,customer,status,amount\n1,7,paid,119\n2,8,open,50\n3,7,paid,-1\n4,9,paid,238\n"
CUSTOMERS = "number,name,country\n7,Ann,DE\n9,Bob,FR\n"


def facet_classes():
    """All facets that the package has, by the address of their schema."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for value in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, generated.base.BaseFacet):
                found[value._get_schema()] = value
    return found


FACETS = facet_classes()


def built(kind, value):
    """An object of the public class: unknown members, missing ones and wrong ones are refused by it."""
    if isinstance(value, list):
        item = (typing.get_args(kind) or (None,))[0]
        return [built(item, one) for one in value]
    if typing.get_origin(kind) is dict:
        return {key: built(typing.get_args(kind)[1], one) for key, one in value.items()}
    if not (isinstance(kind, type) and attr.has(kind)):
        return value
    hints = typing.get_type_hints(kind)
    given = {}
    for name, one in value.items():
        if name in ("_producer", "_schemaURL"):
            continue
        assert name in hints, f"{kind.__name__} has no {name}"
        wanted = hints[name]
        options = [each for each in typing.get_args(wanted) if each is not type(None)]
        given[name] = built(options[0] if type(None) in typing.get_args(wanted) else wanted, one)
    made = kind(**given)
    if "_schemaURL" in value:
        assert made._schemaURL == value["_schemaURL"]
    return made


def facets_of(value):
    return {name: built(FACETS[one["_schemaURL"]], one) for name, one in value.items()}


def run_event(line):
    """The whole event as the client of OpenLineage would have made it."""
    value = json.loads(line)
    assert value.pop("schemaURL") == RunEvent._get_schema()
    run, job = value.pop("run"), value.pop("job")
    datasets = {}
    for what, kind, more in (("inputs", InputDataset, "inputFacets"), ("outputs", OutputDataset, "outputFacets")):
        datasets[what] = [kind(one["namespace"], one["name"], facets=facets_of(one["facets"]),
                               **{more: facets_of(one.get(more, {}))}) for one in value.pop(what)]
    return RunEvent(run=Run(run["runId"], facets_of(run["facets"])), job=Job(job["namespace"], job["name"], facets_of(job["facets"])),
                    eventType=RunState(value.pop("eventType")), **datasets, **value)


def origins(facet, column):
    return sorted((pathlib.Path(one.name).name, one.field, one.transformations[0].subtype, one.transformations[0].masking)
                  for one in facet.fields[column].inputFields)


class Lineage(CommandLine):
    def setUp(self):
        super().setUp()
        self.write("orders.csv", ORDERS)
        self.write("customers.csv", CUSTOMERS)

    def told(self):
        return [run_event(line) for line in (self.folder / "lineage.ndjson").read_text().splitlines()]

    def test_a_run_from_its_start_to_its_end(self):
        self.write("p.yaml", PIPELINE.format(channel=FILE))
        done = self.sluice("run", "p.yaml", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        events = self.told()
        self.assertEqual([one.eventType for one in events], [RunState.START, RunState.RUNNING, RunState.COMPLETE])
        last = events[-1]
        self.assertEqual((last.job.namespace, last.job.name), ("shop", "revenue"))
        self.assertEqual(last.run.runId, json.loads(done.stdout.splitlines()[-1])["data"]["run"])
        self.assertEqual(last.job.facets["ownership"].owners[0].name, "data@shop.example")
        self.assertEqual(last.job.facets["jobType"].processingType, "BATCH")
        orders, customers = last.inputs
        self.assertEqual((orders.namespace, orders.name), ("file", str(self.folder / "orders.csv")))
        self.assertEqual([(one.name, one.type) for one in orders.facets["schema"].fields],
                         [("id", "bigint"), ("customer", "bigint"), ("status", "text"), ("amount", "double")])
        self.assertEqual((orders.inputFacets["inputStatistics"].rowCount, customers.inputFacets["inputStatistics"].rowCount), (4, 2))
        rules = {one.name: (one.assertion, one.success, one.column) for one in orders.inputFacets["dataQualityAssertions"].assertions}
        self.assertEqual(rules, {"checked/positive": ("custom_sql", False, None), "checked/known": ("not_null", True, "customer")})
        out, everything = last.outputs
        self.assertEqual(out.name, str(self.folder / "out/revenue.ndjson"))
        self.assertEqual(out.outputFacets["outputStatistics"].rowCount, 2)
        self.assertEqual(out.outputFacets["outputStatistics"].size, (self.folder / "out/revenue.ndjson").stat().st_size)
        columns = out.facets["columnLineage"]
        self.assertEqual(origins(columns, "revenue"), [("orders.csv", "amount", "AGGREGATION", False)])
        self.assertEqual(origins(columns, "country"), [("customers.csv", "country", "IDENTITY", False)])
        self.assertEqual(origins(columns, "who"), [("customers.csv", "name", "AGGREGATION", True)])
        self.assertEqual(origins(columns, "orders"), [])
        rows = {(pathlib.Path(one.name).name, one.field, one.transformations[0].subtype) for one in columns.dataset}
        self.assertEqual(rows, {("orders.csv", "status", "FILTER"), ("orders.csv", "amount", "FILTER"),
                                ("orders.csv", "customer", "JOIN"), ("customers.csv", "number", "JOIN"),
                                ("customers.csv", "country", "GROUP_BY")})
        columns = everything.facets["columnLineage"]
        self.assertEqual(origins(columns, "net"), [("orders.csv", "amount", "TRANSFORMATION", False)])
        self.assertEqual(origins(columns, "amount"), [("orders.csv", "amount", "IDENTITY", False)])
        self.assertEqual(origins(columns, "name"), [("customers.csv", "name", "TRANSFORMATION", True)])

    def test_columns_are_traced_through_a_statement_and_by_what_expressions_read(self):
        statement = ("select c.country as land, sum(case when o.status = 'paid' then o.amount end) as total, count(*) as year "
                     "from orders o join customers c on o.customer = c.number where o.id > 0 group by c.country")
        self.write("p.yaml", f"""\
version: 1
pipeline: asked
extract:
  orders: {{ csv: {{ path: orders.csv }}, types: {{ id: bigint, customer: bigint, status: text, amount: double }} }}
  customers: {{ csv: {{ path: customers.csv }} }}
transform:
  asked: {{ from: [orders, customers], sql: "{statement}" }}
load:
  out: {{ from: asked, ndjson: {{ path: out/asked.ndjson }} }}
channels: {{ lineage: {{ {FILE} }} }}
notify: [{{ name: lineage, to: [lineage] }}]
""")
        done = self.sluice("run", "p.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)
        columns = self.told()[-1].outputs[0].facets["columnLineage"]
        self.assertEqual(origins(columns, "land"), [("customers.csv", "country", "IDENTITY", False)])
        self.assertEqual(origins(columns, "total"), [("orders.csv", "amount", "AGGREGATION", False),
                                                     ("orders.csv", "status", "AGGREGATION", False)])
        self.assertEqual(origins(columns, "year"), [])
        rows = {(pathlib.Path(one.name).name, one.field, one.transformations[0].subtype) for one in columns.dataset}
        self.assertEqual(rows, {("orders.csv", "id", "FILTER"), ("orders.csv", "customer", "JOIN"), ("customers.csv", "number", "JOIN"),
                                ("customers.csv", "country", "GROUP_BY")})

    def test_a_failure_and_a_cancelled_run_over_http(self):
        with Receiver() as receiver:
            url = receiver.url("/api/v1/lineage")
            hook = f'webhook: {{ url: "{url}", allow_private: true, format: openlineage, bearer: "${{secret:marquez}}" }}'
            text = PIPELINE.format(channel=hook).replace("severity: reject }\n      known", "severity: fail }\n      known")
            self.write("p.yaml", text)
            environment = {"SLUICE_SECRET_MARQUEZ": "token-of-marquez"}
            self.assertEqual(self.sluice("run", "p.yaml", env=environment).returncode, 1)
            sent = receiver.taken_of("/api/v1/lineage")
            self.assertEqual({one.headers["authorization"] for one in sent}, {"Bearer token-of-marquez"})
            self.assertEqual({one.headers["content-type"] for one in sent}, {"application/json"})
            failed = [run_event(one.body) for one in sent]
            # It may fail before all its units are there.
            self.assertEqual([one.eventType for one in failed if one.eventType != RunState.RUNNING],
                             [RunState.START, RunState.FAIL])
            self.assertIn("rule_broken: orders.csv line 4: column positive", failed[-1].run.facets["errorMessage"].message)
            rules = {one.name: one.success for one in failed[-1].inputs[0].inputFacets["dataQualityAssertions"].assertions}
            self.assertFalse(rules["checked/positive"])
            self.assertNotIn("outputStatistics", failed[-1].outputs[0].outputFacets)
            tested = self.sluice("notify", "test", "lineage", env=environment)
            self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
            self.assertEqual(run_event(receiver.taken_of("/api/v1/lineage")[-1].body).eventType, RunState.OTHER)
        self.write("endless.yaml", ENDLESS + f"channels: {{ lineage: {{ {FILE} }} }}\nnotify: [{{ name: l, to: [lineage] }}]\n")
        running = self.start("run", "endless.yaml")
        self.running()
        self.assertEqual(self.sluice("cancel", "last").returncode, 0)
        self.end_of(running)
        events = self.told()
        self.assertEqual((events[0].eventType, events[-1].eventType), (RunState.START, RunState.ABORT))
        self.assertEqual(events[-1].inputs, [])  # a generator is no place

    def test_what_openlineage_can_not_say_is_refused(self):
        text = PIPELINE.format(channel=FILE).replace("to: [lineage] }", "to: [lineage], resolved: true }")
        self.write("p.yaml", text)
        self.assertIn("can't have resolved", self.assert_error(self.sluice("run", "p.yaml"), "invalid_value"))
        self.write("p.yaml", PIPELINE.format(channel='webhook: { url: "https://a.example", format: openlineage, template: slack }'))
        self.assert_error(self.sluice("validate", "p.yaml"), "invalid_option")


if __name__ == "__main__":
    unittest.main()
