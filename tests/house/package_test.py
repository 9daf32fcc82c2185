"""The package runs in a root file system that holds nothing but glibc and a shell: no compiler, Python or checkout."""

import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ["SLUICE_BINARY"])


def run(*command, **keywords):
    done = subprocess.run(command, text=True, capture_output=True, **keywords)
    if done.returncode != 0:
        raise AssertionError(f"{command} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


@unittest.skipIf("sanitize" in str(BINARY), "the package is made of the optimised program")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.system = pathlib.Path(cls.folder.name) / "root"
        cls.system.mkdir()
        cls.archive = run("packaging/package.sh", str(BINARY.parent), cwd=ROOT).stdout.strip()
        # A root file system made of two Debian packages.
        downloads = pathlib.Path(cls.folder.name) / "debs"
        downloads.mkdir()
        os.chmod(cls.folder.name, 0o755)
        run("apt-get", "download", "-qq", "libc6", "busybox-static", cwd=downloads)
        for package in downloads.glob("*.deb"):
            run("dpkg-deb", "-x", str(package), str(cls.system))
        with tarfile.open(ROOT / cls.archive) as archive:
            archive.extractall(cls.system / "opt")
        (cls.system / "tmp").mkdir()
        (cls.system / "proc").mkdir()
        cls.home = next((cls.system / "opt").iterdir())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def inside(self, script):
        # A mount namespace of its own, with /proc as every system has it.
        become = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.system}/proc"]
        if os.geteuid() != 0:
            become.append("--map-root-user")
        return run(*become, "/usr/sbin/chroot", str(self.system), "/bin/busybox", "sh", "-c", script,
                   env={"HOME": "/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def test_the_demo_runs_where_there_is_nothing_else(self):
        home = f"/opt/{self.home.name}"
        self.assertFalse(list(self.system.rglob("*python*")))
        self.inside(f"cd {home} && bin/sluice run examples/flights.yaml --set out=/tmp/flights")
        report = (self.system / "tmp/flights/report.csv").read_text()
        golden = (ROOT / "tests/pipelines/flights_golden.csv").read_text()
        self.assertEqual(len(report.splitlines()), len(golden.splitlines()))

    def test_it_carries_the_licences(self):
        for name in ("LICENSE", "licences/LICENSES-third-party.md", "licences/arrow.txt"):
            self.assertTrue((self.home / name).stat().st_size > 0, name)


if __name__ == "__main__":
    unittest.main()
