"""Nodes with certificates: the same output as one process, refusals of all sides, renewal without a restart, and strangers at
the encrypted ports while a run is under way."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from command_line import PATIENCE, ROOT, eventually
from two_nodes_test import PIPELINE, SLUICE, Node, listening, peak_kilobytes

MEMORY = 256 * 1024  # kilobytes, the most that the node may ever have; a connection takes about 100
HELD = 400  # more connections than a port keeps of those who have proven nothing


class TlsNode(Node):
    scheme = "https"

    def __init__(self, name, state, ca, *flags):
        self.trust = ssl.create_default_context(cafile=str(ca))
        super().__init__(name, state, *flags)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def port_of(where):
    return int(where.rsplit(":", 1)[1])


class Tls(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-tls-"))
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
        self.nodes = []
        self.addCleanup(lambda: [node.stop() for node in reversed(self.nodes) if node.process.poll() is None])
        with open(self.path / "orders.csv", "w") as file:
            file.write("id,name,amount\n")
            file.writelines(f"{i},name{i % 17},{i * 7919 % 1000}.25\n" for i in range(20000))
        (self.path / "p.yaml").write_text(PIPELINE)
        self.ca = self.path / "tls/ca.crt"

    def sluice(self, *words, code=0, state=None):
        ran = subprocess.run([SLUICE, *words, "--state", str(state or self.path)], capture_output=True, text=True, timeout=2 * PATIENCE,
                             cwd=self.path)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        return ran

    def start(self, name, *flags, state=None):
        state = state or self.path / name
        state.mkdir(exist_ok=True)
        self.nodes.append(TlsNode(name, state, self.ca, "--tls", str(self.path / "tls" / name), *flags))
        return self.nodes[-1]

    def two(self):
        self.sluice("tls", "init", "n1", "n2")
        first = self.start("n1")
        return first, self.start("n2", "--join", first.cluster)

    def test_a_run_over_two_nodes_with_certificates_gives_the_output_of_one_process(self):
        first, _ = self.two()  # each has a state folder and a token of its own
        self.sluice("run", "p.yaml", "--set", "out=one")
        there = ("--to", first.http, "--ca", str(self.ca))
        self.sluice("submit", "p.yaml", "--set", "out=two", "--wait", *there, state=self.path / "n1")
        for name in ("detail.csv", "report.parquet"):
            one, two = ((self.path / run / name).read_bytes() for run in ("one", "two"))
            self.assertGreater(len(one), 500)
            self.assertTrue(one == two, name)
        units = {e["subject"]: e["data"]["node"] for e in first.events("last") if e["type"] == "unit.started"}
        self.assertEqual((units["orders"], units["paid"]), ("n1", "n2"))
        self.assertIn("n2", self.sluice("nodes", *there, state=self.path / "n1").stdout)

    def test_the_ten_lines_of_the_readme_make_a_cluster(self):
        page = (ROOT / "README.md").read_text()
        block = re.search(r"^## A cluster\n.*?^```console\n(.*?)^```", page, re.S | re.M)[1]
        lines = [re.fullmatch(r"etl-(\d)\$ (.*)", line).groups() for line in block.splitlines()]
        self.assertEqual(len(lines), 10)
        ports = {f"10.0.0.{number}:{port}": f"127.0.0.1:{free_port()}" for number in (1, 2, 3) for port in (7070, 7071)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        for number in (1, 2, 3):
            (self.path / f"etl-{number}").mkdir()
        (self.path / "bin").mkdir()
        (self.path / "bin/sluice").symlink_to(SLUICE)
        (self.path / "etl-1/examples").symlink_to(ROOT / "examples")
        (self.path / "etl-1/flights.yaml").symlink_to(ROOT / "examples/flights.yaml")
        said, exported = "", ""
        for host, command in lines:
            for there, here in ports.items():
                command = command.replace(there, here)
            # What goes to another machine goes to its folder.
            command = re.sub(r"10\.0\.0\.(\d):", rf"{self.path}/etl-\1/", command).replace("scp ", "cp ")
            command = re.sub(r"10\.0\.0\.\d", "127.0.0.1", command)
            folder = self.path / f"etl-{host}"
            environment = {**kept, "HOME": str(folder), "XDG_STATE_HOME": str(folder), "PATH": f"{self.path / 'bin'}:{kept['PATH']}"}
            if command.startswith("sluice node "):
                log = open(folder / "log", "w")
                process = subprocess.Popen(command.split(), cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
                self.addCleanup(lambda process=process, log=log: (process.terminate(), process.wait(PATIENCE), process.stdout.close(), log.close()))
                self.assertTrue(process.stdout.readline().startswith("ready: "), (folder / "log").read_text())
                continue
            if command.startswith("export "):
                exported = command + "; "
            done = subprocess.run(["bash", "-c", exported + command], cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
            said += done.stdout
            if command == "sluice nodes":
                self.assertEqual(re.findall(r"^(n\d) .*(?:ready|joining)", done.stdout, re.M), ["n1", "n2", "n3"])
        self.assertTrue((self.path / "etl-1/out/flights/report.csv").exists())
        self.assertIn("n3", said)

    def test_clients_are_told_what_is_wrong(self):
        first, _ = self.two()
        state = self.path / "n1"
        plain = self.sluice("nodes", "--to", first.http, code=4, state=state)
        self.assertIn("node_unreachable", plain.stderr)
        self.sluice("tls", "init", "--dir", str(self.path / "other"))
        foreign = self.sluice("nodes", "--to", first.http, "--ca", str(self.path / "other/ca.crt"), code=2, state=state)
        self.assertIn("its certificate was not signed by the authority in ca.crt", foreign.stderr)
        missing = self.sluice("nodes", "--to", first.http, "--ca", "no.crt", code=2, state=state)
        self.assertIn("no.crt", missing.stderr)

    def test_off_loopback_a_node_wants_certificates(self):
        for flag in ("--listen", "--http"):
            refused = self.sluice("node", flag, "192.0.2.1:7070", code=2)
            self.assertIn("tls_required", refused.stderr)
            self.assertIn("sluice tls init", refused.stderr)
        self.sluice("tls", "init", "n1")
        wrong = self.sluice("node", "--name", "n2", "--tls", "tls/n1", code=2)
        self.assertIn("is for n1, but --name is n2", wrong.stderr)

    def test_foreign_expired_and_missing_certificates_are_refused_and_logged(self):
        first, _ = self.two()
        self.sluice("tls", "init", "n3", "--dir", str(self.path / "other"))
        foreign = subprocess.run([SLUICE, "node", "--name", "n3", "--tls", str(self.path / "other/n3"), "--listen", "127.0.0.1:0", "--http",
                                  "127.0.0.1:0", "--join", first.cluster, "--state", str(self.path / "n3")],
                                 capture_output=True, text=True, timeout=2 * PATIENCE)
        self.assertEqual(foreign.returncode, 2, foreign.stderr)
        self.assertIn("its certificate was not signed by the authority in ca.crt", foreign.stderr)
        for folder, said in ((self.expired(), "its certificate has expired"), (None, "it showed no certificate")):
            self.shake_hands(port_of(first.cluster), folder)
            eventually(lambda: said in first.logged(), said)
        self.assertIn("it refused this node: it does not know the authority", first.logged())

    def expired(self):
        """A certificate of the cluster's authority that has run out."""
        folder = self.path / "expired"
        shutil.copytree(self.path / "tls/n2", folder)
        request = folder / "request"
        for words in (["-in", folder / "tls.crt", "-x509toreq", "-signkey", folder / "tls.key", "-out", request],
                      ["-req", "-in", request, "-CA", self.ca, "-CAkey", self.path / "tls/ca.key", "-days", "-1", "-set_serial", "7", "-out",
                       folder / "tls.crt"]):
            subprocess.run(["openssl", "x509", *map(str, words)], check=True, capture_output=True, timeout=PATIENCE)
        return folder

    def shake_hands(self, port, folder):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if folder:
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            try:
                with context.wrap_socket(connection) as secured:
                    return secured.recv(100)
            except OSError:
                return b""

    def test_a_renewed_certificate_is_shown_without_a_restart(self):
        first, worker = self.two()

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", port_of(first.http)), timeout=PATIENCE)

        before = shown()
        self.assertEqual(shown(), before)
        self.sluice("tls", "issue", "n1")
        self.assertNotEqual(shown(), before)
        self.assertIn("read the certificate in", first.logged())
        # A worker that comes later meets the new one; the cluster is still one.
        self.sluice("tls", "issue", "n3")
        self.start("n3", "--join", first.cluster)
        self.assertEqual([n["name"] for n in first.json("/v1/nodes")["nodes"]], ["n1", "n2", "n3"])
        self.assertIsNone(worker.process.poll())

    def test_strangers_at_the_encrypted_ports_do_not_stop_a_run(self):
        first, worker = self.two()
        ports = [port_of(first.cluster), port_of(first.http), *(listening(first.process.pid) - {port_of(first.cluster), port_of(first.http)})]
        self.assertEqual(len(ports), 3)
        held = []
        self.addCleanup(lambda: [one.close() for one in held])
        hello = self.client_hello()
        for number in range(HELD):
            for port in ports:
                one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
                held.append(one)
                try:  # half a handshake, a whole first message and then silence, records that claim too much, no TLS at all
                    one.sendall((hello[:number % len(hello)], hello, b"\x16\x03\x01\xff\xff" + bytes(number), b"GET / HTTP/1.1\r\n\r\n")[number % 4])
                except OSError:
                    pass
        over = threading.Event()
        slow = threading.Thread(target=self.drip, args=(ports, hello, over))
        slow.start()
        try:
            run = first.submit(PIPELINE, self.path, out="busy")
            self.assertEqual(list(first.events(run))[-1]["type"], "run.succeeded")
        finally:
            over.set()
            slow.join()
        self.assertIsNone(first.process.poll())
        self.assertIsNone(worker.process.poll())
        self.assertLess(peak_kilobytes(first.process.pid), MEMORY)
        self.assertLess(len(first.logged()), 100_000)

    def test_connections_that_say_nothing_are_closed_and_the_node_goes_on(self):
        first, worker = self.two()
        ports = sorted(listening(first.process.pid) - {port_of(first.http)})
        self.assertEqual(len(ports), 2)
        hello = self.client_hello()
        held = []
        for begun in (b"", hello[:20], hello):
            for port in ports:
                held.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
                self.addCleanup(held[-1].close)
                held[-1].sendall(begun)
        for silent in held:
            while silent.recv(4096):
                pass
        eventually(lambda: "it did not prove within 5 s" in first.logged(), "the reason")
        self.assertEqual([n["name"] for n in first.json("/v1/nodes")["nodes"]], ["n1", "n2"])
        self.assertIsNone(first.process.poll())
        self.assertIsNone(worker.process.poll())

    @staticmethod
    def client_hello():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        shaking = context.wrap_bio(incoming, outgoing, server_hostname="n1")
        try:
            shaking.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    @staticmethod
    def drip(ports, hello, over):
        """Handshakes that come byte by byte, again and again."""
        slow = {port: [None, 0] for port in ports}
        while not over.wait(0.01):
            for port, state in slow.items():
                try:
                    if state[0] is None:
                        state[:] = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE), 0]
                    state[0].sendall(hello[state[1]:state[1] + 1])
                    state[1] = (state[1] + 1) % len(hello)
                except OSError:
                    state[0] = None
        for one, _ in slow.values():
            if one is not None:
                one.close()


if __name__ == "__main__":
    unittest.main()
