"""mask, encrypt and decrypt: what becomes of values, keys, and that the clear text is nowhere."""

import csv
import hashlib
import re
import unittest

from command_line import CommandLine, eventually

KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
OTHER = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE="
SECRETS = {"SLUICE_SECRET_K1": KEY, "SLUICE_SECRET_K2": OTHER}

HEAD = """\
version: 1
pipeline: protected
extract:
  people: {{ csv: {{ path: in.csv }}, types: {{ id: bigint, email: text, iban: text, born: date, paid: "decimal(10,2)" }} }}
transform:
  safe: {{ from: people, {how} }}
load:
  out: {{ from: safe, csv: {{ path: out.csv }} }}
"""
ROWS = ("id,email,iban,born,paid\n1,ann@shop.example,DE89 3704 0044 0532 0130 00,1990-05-17,12.50\n"
        "2,\u00fcmit@shop.example,FR14 2004 1010 0505 0001 3M02 606,1985-12-31,-3.00\n3,,,,\n4,ann@shop.example,x,2000-02-29,0.00\n")


class Protection(CommandLine):
    def go(self, how, rows=ROWS, exit_code=0, more="", **secrets):
        self.write("in.csv", rows)
        self.write("p.yaml", HEAD.format(how=how) + more)
        done = self.sluice("run", "p.yaml", "-q", env={**SECRETS, **secrets})
        self.assertEqual(done.returncode, exit_code, done.stderr)
        if exit_code:
            return done
        with open(self.folder / "out.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def test_mask(self):
        rows = self.go('mask: { email: redact, iban: { truncate: 4 }, born: { truncate: month }, paid: redact }')
        self.assertEqual([tuple(row.values()) for row in rows],
                         [("1", "***", "DE89", "1990-05-01", ""), ("2", "***", "FR14", "1985-12-01", ""), ("3", "", "", "", ""),
                          ("4", "***", "x", "2000-02-01", "")])
        rows = self.go('mask: { email: hash, iban: truncate, born: hmac, key: "${secret:K1}" }')
        self.assertEqual(rows[0]["email"], hashlib.sha256(b"ann@shop.example").hexdigest())
        self.assertEqual(rows[0]["email"], rows[3]["email"])
        self.assertRegex(rows[0]["born"], "^[0-9a-f]{64}$")
        self.assertEqual([row["iban"] for row in rows], ["D", "F", "", "x"])
        again = self.go('mask: { born: hmac, key: "${secret:K1}" }')
        self.assertEqual([row["born"] for row in again], [row["born"] for row in rows])
        other = self.go('mask: { born: hmac, key: "${secret:K2}" }')
        self.assertNotEqual(other[0]["born"], rows[0]["born"])

    def test_tokens_keep_the_format_and_differ(self):
        texts = [f"{number:04}" for number in range(10_000)]
        rows = self.go('mask: { email: token, key: "${secret:K1}" }',
                       "id,email,iban,born,paid\n" + "".join(f"{number},{text},,,\n" for number, text in enumerate(texts)))
        self.assertEqual(len({row["email"] for row in rows}), 10_000)
        self.assertTrue(all(re.fullmatch("[0-9]{4}", row["email"]) for row in rows))
        same = sum(row["email"] == text for row, text in zip(rows, texts))
        self.assertLess(same, 50)
        rows = self.go('mask: { iban: token, email: token, key: "${secret:K1}" }')
        self.assertRegex(rows[0]["iban"], "^[A-Z]{2}[0-9]{2} [0-9]{4} [0-9]{4} [0-9]{4} [0-9]{4} [0-9]{2}$")
        self.assertRegex(rows[1]["email"], r"^[a-z]{4}@[a-z]{4}\.[a-z]{7}$")
        self.assertEqual(rows[0]["email"], rows[3]["email"])
        self.assertNotIn("shop", rows[0]["email"])

    def test_encrypted_values_come_back_and_keys_rotate(self):
        rows = self.go('encrypt: { columns: [email, paid], key: "${secret:K1}", key_id: k1 }')
        self.assertTrue(rows[0]["email"].startswith("enc1:k1:"))
        self.assertNotEqual(rows[0]["email"], rows[3]["email"])
        self.assertEqual(rows[2]["email"], "")
        old = rows[0]["email"]
        rows = self.go('encrypt: { columns: [email], key: "${secret:K2}", key_id: k2, joinable: true }')
        self.assertTrue(rows[0]["email"].startswith("siv1:k2:"))
        self.assertEqual(rows[0]["email"], rows[3]["email"])
        both = f"id,email,iban,born,paid\n1,{old},,,\n2,{rows[1]['email']},,,\n3,,,,\n"
        back = self.go('decrypt: { columns: [email], keys: { k1: "${secret:K1}", k2: "${secret:K2}" } }', both)
        self.assertEqual([row["email"] for row in back], ["ann@shop.example", "\u00fcmit@shop.example", ""])
        self.assert_error(self.go('decrypt: { columns: [email], key: "${secret:K1}", key_id: k1 }', both, 1), "decryption_failed", 1)
        changed = old[:-3] + ("A" if old[-3] != "A" else "B") + old[-2:]
        self.assert_error(self.go('decrypt: { columns: [email], key: "${secret:K1}", key_id: k1 }',
                                  f"id,email,iban,born,paid\n1,{changed},,,\n", 1), "decryption_failed", 1)
        renamed = old.replace("enc1:k1:", "enc1:k2:")
        self.assert_error(self.go('decrypt: { columns: [email], keys: { k2: "${secret:K1}" } }',
                                  f"id,email,iban,born,paid\n1,{renamed},,,\n", 1), "decryption_failed", 1)
        rejected = self.go('on_error: reject, decrypt: { columns: [email], key: "${secret:K1}", key_id: k1 }', both, more="rejects: { allow: 1 }\n")
        self.assertEqual([row["id"] for row in rejected], ["1", "3"])

    def test_mistakes(self):
        cases = [('mask: { emial: redact }', "unknown_column", "email"), ('mask: { email: rot13 }', "invalid_option", "redact, truncate"),
                 ('mask: { email: hmac }', "invalid_option", "needs a key"), ('mask: { email: hmac, key: "0123456789abcdef0" }', "secret_expected", "must be a secret"),
                 ('mask: { born: truncate }', "invalid_option", "year, month or day"), ('mask: { id: token, key: "${secret:K1}" }', "invalid_option", "text"),
                 ('encrypt: { columns: [email], key: "${secret:SHORT}", key_id: k1 }', "invalid_key", "openssl rand"),
                 ('encrypt: { columns: [email], key: "${secret:K1}", key_id: "k 1" }', "invalid_option", "key_id"),
                 ('steps: [{ encrypt: { columns: [email], key: abc, key_id: k1 } }]', "secret_expected", "must be a secret"),
                 ('decrypt: { columns: [paid], key: "${secret:K1}", key_id: k1 }', "invalid_option", "text")]
        for how, code, words in cases:
            with self.subTest(how=how):
                done = self.go(how, exit_code=2, SLUICE_SECRET_SHORT="0011223344556677")
                self.assert_error(done, code, 2)
                self.assertIn(words, done.stderr)
                self.assertNotIn("0011223344556677", done.stderr)

    def test_the_clear_text_is_nowhere(self):
        names = [f"clearname{number:05}x" for number in range(20_000)]
        self.write("in.csv", "id,email,iban,born,paid\n" + "".join(
            f"{number},{name}@shop.example,secretiban{number},1990-05-17,{number % 7}\n" for number, name in enumerate(names)))
        self.write("p.yaml", """\
version: 1
pipeline: protected
run: { checkpoint: 50ms, memory: 32MiB }
rejects: { allow: 100000 }
extract:
  people: { csv: { path: in.csv }, types: { id: bigint, email: text, iban: text, born: date, paid: bigint } }
transform:
  safe:
    from: people
    steps:
      - mask: { email: token, key: "${secret:K1}" }
      - encrypt: { columns: [iban], key: "${secret:K1}", key_id: k1 }
  checked: { from: safe, on_error: reject, derive: { share: "100 / paid" } }
  latest: { from: checked, deduplicate: { by: [email], order: [id desc] } }
load:
  out: { from: latest, ndjson: { path: out/ }, commit: checkpoint }
""")
        done = self.sluice("run", "p.yaml", "--json", env=SECRETS)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        rejects = self.sluice("rejects", "export", "last", "-").stdout
        self.assertGreater(rejects.count("\n"), 1000)
        self.assertGreater(sum(1 for path in self.state.rglob("*") if path.is_file()), 3)
        for kind, text in [("output", done.stdout + done.stderr), ("rejects", rejects),
                           *((str(path), path.read_bytes().decode("latin1")) for folder in (self.state, self.folder / "out")
                             for path in folder.rglob("*") if path.is_file())]:
            for clear in ("clearname", "secretiban", KEY):
                self.assertNotIn(clear, text, kind)

    def test_what_a_killed_run_leaves_holds_no_clear_text(self):
        self.write("in.csv", "id,email,iban,born,paid\n" + "".join(
            f"{number},clearname{number:06}@shop.example,secretiban{number:06},1990-05-17,{number % 7}\n" for number in range(300_000)))
        self.write("p.yaml", """\
version: 1
pipeline: protected
run: { checkpoint: 20ms }
rejects: { allow: 1000000 }
extract:
  people: { csv: { path: in.csv }, types: { id: bigint, email: text, iban: text, born: date, paid: bigint } }
transform:
  safe:
    from: people
    steps:
      - mask: { email: hmac, key: "${secret:K1}" }
      - encrypt: { columns: [iban], key: "${secret:K1}", key_id: k1, joinable: true }
  checked: { from: safe, validate: { paid: { check: "paid > 0" }, some: { unique: [iban], severity: warn } } }
  latest: { from: checked, deduplicate: { by: [email], order: [id desc] } }
load:
  out: { from: latest, ndjson: { path: out/ } }
""")
        environment = {**self.environment(), **SECRETS}
        self.environment = lambda **more: {**environment, **more}
        run = self.start("run", "p.yaml", "-q")
        eventually(lambda: run.poll() is not None or [path for path in self.state.rglob("*.state") if path.stat().st_size > 100_000], "a checkpoint that holds rows")
        run.kill()
        kinds = set()
        for path in (path for path in self.state.rglob("*") if path.is_file()):
            try:
                text = path.read_bytes()
            except FileNotFoundError:
                continue  # the engine lets go of it
            kinds.add(path.suffix)
            for clear in (b"clearname", b"secretiban", KEY.encode(), bytes.fromhex(KEY)):
                self.assertNotIn(clear, text, str(path))
        self.assertIn(".state", kinds)
        self.assertNotIn("clearname", self.sluice("events", "--json").stdout)


if __name__ == "__main__":
    unittest.main()
