"""Parquet's modular encryption: files that Sluice writes and reads, and those of pyarrow, both ways."""

import json
import unittest

import pyarrow
import pyarrow.parquet as parquet
import pyarrow.parquet.encryption as encryption

from command_line import CommandLine

K1 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
K2 = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
SECRETS = {"SLUICE_SECRET_K1": K1, "SLUICE_SECRET_K2": K2}
ALL = 'encryption: { key: "${secret:K1}", key_id: k1 }'
SOME = 'encryption: { keys: { k1: "${secret:K1}", k2: "${secret:K2}" }, footer: k1, columns: { iban: k2, who: k2 }, plain_footer: true }'
BOTH = 'encryption: { keys: { k1: "${secret:K1}", k2: "${secret:K2}" } }'
WRITE = """version: 1
pipeline: seal
extract:
  rows: {{ ndjson: {{ path: in.ndjson }} }}
load:
  out: {{ from: rows, parquet: {{ path: sealed.parquet, {how} }} }}
"""
READ = """version: 1
pipeline: open
extract:
  rows: {{ parquet: {{ path: sealed.parquet{how} }}{more} }}
load:
  out: {{ from: rows, ndjson: {{ path: back.ndjson }} }}
"""
ROWS = "".join(json.dumps({"id": i, "iban": f"secretiban{i:06}", "who": {"name": f"secretname{i:06}"}}, separators=(",", ":")) + "\n" for i in range(3000))


class ParquetEncryption(CommandLine):
    def go(self, text, exit_code=0, **secrets):
        self.write("p.yaml", text)
        done = self.sluice("run", "p.yaml", "-q", env={**SECRETS, **secrets})
        self.assertEqual(done.returncode, exit_code, done.stderr)
        return done

    def seal(self, how):
        self.write("in.ndjson", ROWS)
        self.go(WRITE.format(how=how))
        return (self.folder / "sealed.parquet").read_bytes()

    def back(self, how=BOTH, more=""):
        self.go(READ.format(how=", " + how if how else "", more=more))
        return (self.folder / "back.ndjson").read_text()

    def test_what_is_written_comes_back_and_is_nowhere_in_clear(self):
        for how in (ALL, SOME):
            with self.subTest(how=how):
                sealed = self.seal(how)
                for clear in (b"secretiban", b"secretname", bytes.fromhex(K1), K1.encode()):
                    self.assertNotIn(clear, sealed)
                self.assertEqual(self.back(), ROWS)
        self.assertEqual(self.back("", ", columns: [id]").count("\n"), 3000)  # the footer is plain, and id is not encrypted

    def test_wrong_and_missing_keys_are_named(self):
        self.seal(ALL)
        for how, words in [("", "is encrypted, and the source has no keys"), ('encryption: { keys: { a: "${secret:K1}", b: "${secret:K2}" } }', "no key is named k1"),
                           ('encryption: { key: "${secret:K2}", key_id: k1 }', "can't be decrypted")]:
            done = self.go(READ.format(how=", " + how if how else "", more=""), 2)
            self.assertIn(words, self.assert_error(done, "decryption_failed"))

    def test_mistakes(self):
        self.write("in.ndjson", ROWS)
        for how, code, words in [('encryption: { key: abc, key_id: k1 }', "secret_expected", "must be a secret"),
                                 ('encryption: { key: "${secret:SHORT}", key_id: k1 }', "invalid_key", "openssl rand"),
                                 (SOME.replace("footer: k1, ", ""), "invalid_option", "none is said to be the footer's"),
                                 (SOME.replace("iban: k2", "iban: k3"), "invalid_option", "there is no key k3"),
                                 (SOME.replace("iban: k2", "ibam: k2"), "unknown_column", "iban"), ("encryption: {}", "missing_key", "keys")]:
            with self.subTest(how=how):
                self.assertIn(words, self.assert_error(self.go(WRITE.format(how=how), 2, SLUICE_SECRET_SHORT="0011"), code))

    def test_other_programs_read_and_write_the_same_files(self):
        self.seal(ALL)

        key = bytes.fromhex(K1)
        seen = parquet.read_table(self.folder / "sealed.parquet", decryption_properties=encryption.create_decryption_properties(key))
        self.assertEqual(seen.column("iban").to_pylist()[:2], ["secretiban000000", "secretiban000001"])
        self.assertEqual((self.folder / "sealed.parquet").read_bytes()[:4], b"PARE")
        for plain in (False, True):
            parquet.write_table(pyarrow.table({"id": [5, 6]}), self.folder / "sealed.parquet",
                                encryption_properties=encryption.create_encryption_properties(key, plaintext_footer=plain))
            self.assertEqual(self.back('encryption: { key: "${secret:K1}", key_id: any }'), '{"id":5}\n{"id":6}\n')
        table = pyarrow.table({"id": [1, 2]})
        parquet.write_table(table, self.folder / "sealed.parquet")
        self.assertEqual(self.back(), '{"id":1}\n{"id":2}\n')  # plain files may stand among encrypted ones


if __name__ == "__main__":
    unittest.main()
