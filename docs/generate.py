#!/usr/bin/env python3
"""./dev docs: writes docs/components/*.md, docs/functions.md, docs/events.md, docs/openapi.json and the table of requests in docs/http-api.md from what
the program itself prints.

    generate.py SLUICE            writes the pages
    generate.py SLUICE --check    exits 1 if a page is missing, stale, or of no component
"""
import json
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
KINDS = {"source": "Sources", "transform": "Transforms", "sink": "Sinks", "subscriber": "Subscribers"}
TABLE_BEGIN = "<!-- Made by ./dev docs from the program's table of routes: change it there. -->"
TABLE_END = "<!-- End of the table. -->"
NOTE = "<!-- Made by ./dev docs from the component's spec: change it there. -->\n"


def answer(program, *arguments):
    return json.loads(subprocess.run([program, *arguments, "--json"], check=True, capture_output=True, text=True).stdout)


def cell(value):
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("|", "\\|").replace("\n", " ")


def option_rows(options):
    lines = ["| option | form | default | what it is |", "|---|---|---|---|"]
    for option in options:
        default = "**required**" if option.get("required") else f"`{cell(option['default'])}`" if "default" in option else ""
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if option.get("choices") else ""
        name = f"`{option.get('name')}`" if option.get("name") else ""
        lines.append(f"| {name} | {cell(option['form'])} | {default} | {cell(option['help'])}{choices} |")
    return "\n".join(lines)


def component_page(component):
    parts = [f"# {component['name']} ({component['kind']})\n", NOTE, component["summary"].rstrip(".") + ".\n"]
    if component.get("description"):
        parts.append(component["description"] + "\n")
    if component.get("options"):
        parts.append(option_rows(component["options"]) + "\n")
    facts = []
    if component.get("modes") and any(component["modes"]):
        facts.append("`mode`: " + ", ".join(f"`{mode}`" for mode in component["modes"] if mode)
                     + (" (no default)" if component["modes"][0] == "" else " (the first is the default)"))
    if component.get("law"):
        facts.append(f"Conservation: {component['law']}")
    if component.get("delivery") and component["delivery"] != "none":
        facts.append(f"Delivery: {component['delivery']}")
    parts += [f"- {fact}" for fact in facts]
    parts.append(f"\n```yaml\n{component['example'].rstrip()}\n```\n")
    return "\n".join(parts)


def index(components):
    parts = ["# Components\n", NOTE]
    for kind, title in KINDS.items():
        ours = [component for component in components if component["kind"] == kind]
        if ours:
            parts.append(f"## {title}\n\n| | |\n|---|---|")
            parts += [f"| [{c['name']}]({kind}-{c['name']}.md) | {cell(c['summary'])} |" for c in ours]
            parts.append("")
    return "\n".join(parts)


def functions_page(functions):
    parts = ["# Functions of expressions\n", NOTE]
    for kind in sorted({function["kind"] for function in functions}):
        rows = {f["over"] for f in functions if f["kind"] == kind and f.get("over")}
        over = "".join(f"The examples are computed over the rows {each}.\n\n" for each in sorted(rows))
        parts.append(f"## {kind}\n\n{over}| function | what it gives | example | = |\n|---|---|---|---|")
        parts += [f"| `{cell(f['signature'])}` | {cell(f['summary'])} | `{cell(f['example'])}` | `{cell(f['result'])}` |"
                  for f in functions if f["kind"] == kind]
        parts.append("")
    return "\n".join(parts)


def requests_table(document):
    """The table of docs/http-api.md: a row for each path and method, in the order of the program's own table."""
    rows = ["| request | answer |", "|---|---|"]
    for path, methods in document["paths"].items():
        for method, what in methods.items():
            queries = [each["name"] for each in what.get("parameters", []) if each["in"] == "query"]
            takes = f" ({', '.join(f'`{name}`' for name in queries)})" if queries else ""
            rows.append(f"| `{method.upper()} {path}`{takes} | {cell(what['summary'])} |")
    return "\n".join(rows)


def api_page(document):
    page = (FOLDER / "http-api.md").read_text()
    before, rest = page.split(TABLE_BEGIN)
    after = rest.split(TABLE_END)[1]
    return f"{before}{TABLE_BEGIN}\n{requests_table(document)}\n{TABLE_END}{after}"


def events_page(catalogue):
    parts = ["# Events\n", "<!-- Made by ./dev docs from the program's catalogue of events: change it there. -->\n",
             "Everything that happens to runs, pipelines, nodes and channels is an event. Events are [CloudEvents](https://cloudevents.io) 1.0. They are told by\n"
             "[notifications](notifications.md), and read by `sluice events` and the [HTTP API](http-api.md). `sluice help events --json` has the JSON schema of each\n"
             "type. An event may have more values than its type names, and need not have all.\n"]
    for event in catalogue["types"]:
        parts.append(f"## {event['type']}\n\n{event['summary']} Severity: {event['severity']}.\n")
        if event["data"]:
            parts.append("\n".join(["| data | type | what it is |", "|---|---|---|",
                                    *(f"| `{f['name']}` | {f['type']} | {cell(f['help'])} |" for f in event["data"])]) + "\n")
        parts.append(f"```json\n{json.dumps(event['example'], indent=1, ensure_ascii=False)}\n```\n")
    return "\n".join(parts)


def pages(program):
    components = answer(program, "components")
    made = {FOLDER / "components" / f"{c['kind']}-{c['name']}.md": component_page(c) for c in components}
    made[FOLDER / "components/README.md"] = index(components)
    made[FOLDER / "functions.md"] = functions_page(answer(program, "functions"))
    made[FOLDER / "events.md"] = events_page(answer(program, "help", "events"))
    document = answer(program, "openapi")
    made[FOLDER / "openapi.json"] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    made[FOLDER / "http-api.md"] = api_page(document)
    return made


def main():
    wanted = pages(sys.argv[1])
    present = set((FOLDER / "components").glob("*.md"))
    if "--check" in sys.argv:
        stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        stale += sorted(present - set(wanted))
        for path in stale:
            print(f"stale: {path.relative_to(FOLDER.parent)}: run ./dev docs")
        sys.exit(1 if stale else 0)
    for path in present - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    print(f"{len(wanted)} pages")


if __name__ == "__main__":
    main()
