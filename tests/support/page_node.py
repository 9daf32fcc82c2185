"""A `sluice node` for the tests of the web page, and what other clients do with it meanwhile."""

import json
import urllib.error
import urllib.request

from command_line import PATIENCE, eventually
from real_node import RealNode


class PageNode(RealNode):
    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode() if body else b""
        request = urllib.request.Request(self.url + path, data=data, method="POST" if body is not None else "GET",
                                         headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            raise AssertionError(f"{path}: {refused.read().decode()}") from None

    def submit(self, text, **params):
        return self.ask("/v1/runs", {"text": text, "file": "p.yaml", "base_folder": str(self.folder), "params": params})["run"]

    def cancel(self, run):
        return self.ask(f"/v1/runs/{run}/cancel", {})

    def ended(self, run):
        """Waits for the end of a run; gives its record."""

        def look():
            record = self.ask(f"/v1/runs/{run}")
            return record if record["ended"] else None

        return eventually(look, f"the end of {run}")
