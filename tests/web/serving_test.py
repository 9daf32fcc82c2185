"""How a node serves the page: no token for the page and a token for everything else, headers that lock out other sites, and
names by which it is not to be reached."""

import http.client
import json
import pathlib
import re
import tempfile
import unittest

from page_node import PageNode

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = sorted(path.name for path in (ROOT / "web").iterdir())


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.node = PageNode(pathlib.Path(cls.folder.name))

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.folder.cleanup()

    def ask(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection(self.node.address)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def test_all_files_are_served_as_they_are_and_need_no_token(self):
        types = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
                 ".svg": "image/svg+xml"}
        for name in FILES:
            with self.subTest(name):
                answer, body = self.ask(f"/{name}")
                self.assertEqual(answer.status, 200)
                self.assertEqual(body, (ROOT / "web" / name).read_bytes())
                self.assertEqual(answer.headers["Content-Type"], types[pathlib.Path(name).suffix])
        self.assertEqual(self.ask("/")[1], (ROOT / "web/index.html").read_bytes())

    def test_everything_else_needs_the_token(self):
        for path in ("/v1/runs", "/v1/nodes", "/v1/events", "/metrics", "/nothing.js", "/web/index.html", "/index.html/x"):
            with self.subTest(path):
                self.assertEqual(self.ask(path)[0].status, 401)

    def test_the_browser_is_told_of_all_modules_at_once(self):
        text = (ROOT / "web/index.html").read_text()
        self.assertEqual({name for name in FILES if name.endswith(".js")}, set(re.findall(r'(?:src|modulepreload" href)="/([\w.]+js)"', text)))

    def test_head_has_no_body(self):
        answer, body = self.ask("/", "HEAD")
        self.assertEqual((answer.status, body), (200, b""))
        self.assertEqual(int(answer.headers["Content-Length"]), (ROOT / "web/index.html").stat().st_size)

    def test_a_browser_gets_a_file_again_only_when_it_has_changed(self):
        tag = self.ask("/main.js")[0].headers["ETag"]
        self.assertNotEqual(tag, self.ask("/api.js")[0].headers["ETag"])
        answer, body = self.ask("/main.js", If_None_Match=tag)
        self.assertEqual((answer.status, body), (304, b""))
        self.assertEqual(answer.headers["ETag"], tag)
        self.assertEqual(self.ask("/main.js", If_None_Match='"other"')[0].status, 200)
        self.assertEqual(self.ask("/main.js", If_None_Match=f'"other", W/{tag}')[0].status, 304)

    def test_the_policy_allows_nothing_from_elsewhere(self):
        headers = self.ask("/")[0].headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual({policy[name] for name in ("script-src", "style-src", "img-src", "connect-src")}, {"'self'"})
        self.assertEqual({policy[name] for name in ("base-uri", "form-action", "frame-ancestors")}, {"'none'"})
        self.assertEqual(policy["require-trusted-types-for"], "'script'")
        self.assertEqual(headers["X-Frame-Options"], "DENY")
        self.assertEqual(headers["Referrer-Policy"], "no-referrer")

    def test_answers_of_the_api_are_no_page(self):
        for path, token in (("/v1/runs", self.node.token), ("/v1/runs", "wrong"), ("/", "")):
            headers = self.ask(path, Authorization=f"Bearer {token}")[0].headers
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "same-origin")
            self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_a_name_of_another_site_is_refused(self):
        port = self.node.address.rsplit(":", 1)[1]
        good = (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}", "127.0.0.1", "sluice.localhost:1")
        bad = (f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "10.0.0.1", f"localhost.evil.example:{port}", "[", ":", "[fe80::1]:80")
        token = f"Bearer {self.node.token}"
        for path in ("/", "/v1/runs"):
            for name in good:
                with self.subTest(path=path, name=name):
                    self.assertEqual(self.ask(path, Host=name, Authorization=token)[0].status, 200)
            for name in bad:
                with self.subTest(path=path, name=name):
                    answer, body = self.ask(path, Host=name, Authorization=token)
                    self.assertEqual(answer.status, 421)
                    self.assertEqual(json.loads(body)["error"]["code"], "wrong_host")
        # What looks after a process may use any name.
        self.assertEqual(self.ask("/healthz", Host="node1.internal")[0].status, 200)

    def test_no_file_names_another_host_or_has_markup_for_texts(self):
        for name in FILES:
            text = (ROOT / "web" / name).read_text()
            hosts = set(re.findall(r"https?://[\w.]+", text)) - {"http://www.w3.org", "http://127.0.0.1"}
            self.assertEqual(hosts, set(), name)
            for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "new Function"):
                if not (name == "dom.js" and forbidden == "innerHTML"):  # it says why there is none
                    self.assertNotIn(forbidden, text, name)


if __name__ == "__main__":
    unittest.main()
