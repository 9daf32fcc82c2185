"""E-mail through a real SMTP server: text and HTML, TLS that is required, a stable Message-ID, one bad address."""

import email
import email.policy
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

from command_line import CommandLine
from webhook_test import pipeline

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "services/mail.sh"
FAILURES = "  - { name: oncall, when: \"type = 'run.failed'\", to: [mail] }\n"
BROKEN = "csv: { path: /dev/full }"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MailServer:
    def __init__(self, tls=True):
        self.tls = tls

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-mail-"))
        self.port = free_port()
        subprocess.run([SCRIPT, "start", self.folder, str(self.port)], check=True, capture_output=True,
                       env={"PATH": "/usr/bin:/bin", **({"MAIL_TLS": "1"} if self.tls else {})})
        return self

    def __exit__(self, *_):
        subprocess.run([SCRIPT, "stop", self.folder, str(self.port)], check=True, capture_output=True)

    def mails(self):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                for path in sorted((self.folder / "maildir/new").glob("*"))]


class PickyServer:
    """Refuses what `refuses` names, by the code there; takes the rest."""

    def __init__(self, refuses):
        from aiosmtpd.controller import Controller

        taken = self.taken = []

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if answer := refuses.get(address):
                    return answer
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                taken.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)["Message-ID"]))
                return "250 taken"

        self.refuses = refuses
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=free_port())

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()

    @property
    def port(self):
        return self.controller.port


class Mail(CommandLine):
    def channel(self, port, to="[oncall@shop.example, boss@shop.example]", more=""):
        return f'  mail: {{ email: {{ to: {to}, server: "smtp://localhost:{port}"{more} }} }}\n'

    def test_a_failure_is_mailed_over_tls_as_text_and_html(self):
        with MailServer() as server:
            self.write("p.yaml", pipeline(self.channel(server.port, more=f", ca: {server.folder}/cert.pem"), FAILURES,
                                          load=BROKEN))
            self.assertEqual(self.sluice("run", "p.yaml").returncode, 1)
            mails = server.mails()
            self.assertEqual(len(mails), 2)  # one to each
            mail = mails[0]
            self.assertIn("daily failed", mail["Subject"])
            self.assertEqual(mail["To"], "oncall@shop.example, boss@shop.example")
            self.assertEqual(mail["From"], "Sluice <sluice@shop.example>")
            self.assertEqual(mail["Message-ID"], mails[1]["Message-ID"])
            text = mail.get_body(("plain",)).get_content()
            html = mail.get_body(("html",)).get_content()
            run = self.run_record()["id"]
            for part in ("Pipeline: daily", "Where: unit out", f"sluice status {run}", "Cause: "):
                self.assertIn(part, text)
            self.assertIn(f"sluice status {run}", html)
            self.assertIn("<b>Cause</b>", html)

    def test_without_tls_nothing_is_sent_unless_that_is_wanted(self):
        with MailServer(tls=False) as server:
            self.write("p.yaml", pipeline(self.channel(server.port), FAILURES, load=BROKEN))
            done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
            self.assertIn("pending", done.stderr)
            self.assertEqual(server.mails(), [])
            self.write("p.yaml", pipeline(self.channel(server.port, more=", tls: none"), FAILURES, load=BROKEN))
            self.assertEqual(self.sluice("notify", "flush").returncode, 1)
            self.sluice("run", "p.yaml")
            self.assertGreaterEqual(len(server.mails()), 2)

    def test_an_unknown_certificate_is_refused(self):
        with MailServer() as server:
            self.write("p.yaml", pipeline(self.channel(server.port), FAILURES, load=BROKEN))
            done = self.sluice("run", "p.yaml", "--notify-wait", "1s")
            self.assertIn("certificate", done.stderr)
            self.assertEqual(server.mails(), [])

    def test_one_bad_address_keeps_nobody_else_from_being_told(self):
        with PickyServer({"no@shop.example": "550 no such user"}) as server:
            self.write("p.yaml", pipeline(self.channel(server.port, "[no@shop.example, yes@shop.example]", ", tls: none"),
                                          FAILURES, load=BROKEN))
            done = self.sluice("run", "p.yaml")
            self.assertNotIn("pending", done.stderr)
            self.assertEqual([to for to, _ in server.taken], [["yes@shop.example"]])
            self.assertIn("550 no such user", self.sluice("notify", "deliveries", "--json").stdout)

    def test_a_full_mailbox_is_tried_again_with_the_same_id_and_others_get_no_second_mail(self):
        with PickyServer({"full@shop.example": "452 mailbox full"}) as server:
            self.write("p.yaml", pipeline(self.channel(server.port, "[full@shop.example, yes@shop.example]", ", tls: none"),
                                          FAILURES, load=BROKEN))
            timer = threading.Timer(3, server.refuses.clear)
            timer.start()
            done = self.sluice("run", "p.yaml")
            timer.join()
            self.assertNotIn("pending", done.stderr)
            self.assertEqual(sorted(to[0] for to, _ in server.taken), ["full@shop.example", "yes@shop.example"])
            self.assertEqual(len({id for _, id in server.taken}), 1)

    def test_an_address_that_would_change_the_dialogue_is_refused(self):
        self.write("p.yaml", pipeline(self.channel(25, '["a@x.example\\r\\nRCPT TO:<evil@x.example>"]'), FAILURES))
        self.assert_error(self.sluice("validate", "p.yaml"), "invalid_option")


if __name__ == "__main__":
    unittest.main()
