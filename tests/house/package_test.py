"""The packages work where nothing else of the project is: a root file system with glibc and a shell, a new Python
environment."""

import os
import pathlib
import re
import subprocess
import sys
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


def first_pipeline():
    """The one that README shows."""
    return re.search(r"```yaml file=late\.yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)


class RootFileSystem:
    """Made of two Debian packages, with a package database that knows libc6."""

    def __init__(self, folder, debs):
        self.path = folder
        self.path.mkdir()
        for package in debs:
            run("dpkg-deb", "-x", str(package), str(folder))
        for name in ("tmp", "proc", "etc", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.status = folder / "var/lib/dpkg/status"
        libc = next(each for each in debs if each.name.startswith("libc6_"))
        fields = run("dpkg-deb", "-f", str(libc), "Package", "Version", "Architecture", "Multi-Arch", "Maintainer",
                     "Description").stdout
        self.status.write_text("Status: install ok installed\n" + fields)

    def as_root(self, *command, **keywords):
        # A mount namespace of its own, with /proc as every system has it.
        become = ["unshare", "--mount", "--pid", "--fork", f"--mount-proc={self.path}/proc"]
        if os.geteuid() != 0:
            become.append("--map-root-user")
        return run(*become, *command, **keywords)

    def inside(self, script):
        return self.as_root("/usr/sbin/chroot", str(self.path), "/bin/busybox", "sh", "-c", script,
                            env={"HOME": "/tmp", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


@unittest.skipIf("sanitize" in str(BINARY), "the packages are made of the optimised program")
class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = pathlib.Path(cls.folder.name)
        os.chmod(cls.work, 0o755)
        made = run("packaging/package.sh", str(BINARY.parent), cwd=ROOT).stdout.split()
        cls.archive, cls.deb, cls.wheel = (
            next(ROOT / path for path in made if path.endswith(end)) for end in (".tar.gz", ".deb", ".whl"))
        downloads = cls.work / "debs"
        downloads.mkdir()
        run("apt-get", "download", "-qq", "libc6", "busybox-static", cwd=downloads)
        cls.debs = list(downloads.glob("*.deb"))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_the_folder_runs_the_demo_where_there_is_nothing_else(self):
        system = RootFileSystem(self.work / "tar", self.debs)
        with tarfile.open(self.archive) as archive:
            archive.extractall(system.path / "opt")
        home = next((system.path / "opt").iterdir())
        self.assertFalse(list(system.path.rglob("*python*")))
        system.inside(f"cd /opt/{home.name} && bin/sluice run examples/flights.yaml --set out=/tmp/flights")
        report = (system.path / "tmp/flights/report.csv").read_text()
        golden = (ROOT / "tests/pipelines/flights_golden.csv").read_text()
        self.assertEqual(len(report.splitlines()), len(golden.splitlines()))
        # Libraries that are loaded when they are first used are there: the database and the broker are not.
        for name, source in (("postgres", 'url: "postgres://127.0.0.1:1/x", table: t'),
                             ("kafka", 'brokers: "127.0.0.1:1", topic: t, until: now')):
            retry = ", retry: { attempts: 1 }" if name == "postgres" else ""
            (system.path / f"tmp/{name}.yaml").write_text(
                f"pipeline: p\nextract:\n  a: {{ {name}: {{ {source} }}, types: {{ id: bigint }}{retry} }}\n"
                "load:\n  b: { from: a, csv: { path: /tmp/b.csv } }\n")
            said = system.inside(f"cd /tmp && timeout 60 /opt/{home.name}/bin/sluice run {name}.yaml 2>&1; true").stdout
            self.assertNotIn("missing_library", said)
            self.assertIn("127.0.0.1:1", said)
        for name in ("LICENSE", "licences/LICENSES-third-party.md", "licences/arrow.txt", "licences/librdkafka.txt"):
            self.assertTrue((home / name).stat().st_size > 0, name)

    def test_apt_installs_the_deb_and_the_first_pipeline_of_the_readme_runs(self):
        system = RootFileSystem(self.work / "deb", self.debs)
        # apt looks at the database of that file system, and dpkg unpacks there.
        apt = ["apt-get", "-y", "-qq", "-o", f"Dir::State::status={system.status}", "-o",
               f"DPkg::Options::=--root={system.path}", "-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
        system.as_root(*apt, "install", str(self.deb))
        self.assertEqual((system.path / "usr/bin/sluice").resolve(), system.path / "usr/lib/sluice/bin/sluice")
        (system.path / "tmp/late.yaml").write_text(first_pipeline())
        system.inside("cd /tmp && ln -s /usr/share/doc/sluice/examples examples && sluice run late.yaml")
        self.assertGreater(len((system.path / "tmp/out/late.csv").read_text().splitlines()), 5)
        for name in ("lib/systemd/system/sluice.service", "lib/sysusers.d/sluice.conf", "share/doc/sluice/node.yaml", "share/doc/sluice/cluster.yaml"):
            self.assertTrue((system.path / "usr" / name).is_file(), name)
        system.as_root(*apt, "remove", "sluice")
        self.assertFalse([path for path in system.path.rglob("*sluice*") if not path.is_relative_to(system.path / "tmp")
                          and not path.is_relative_to(system.path / "var/lib/dpkg")])

    def test_pip_installs_the_wheel_and_gives_the_command(self):
        environment = self.work / "venv"
        run(sys.executable, "-m", "venv", str(environment))
        run(environment / "bin/pip", "install", "-q", "--disable-pip-version-check", "--no-index", str(self.wheel))
        sluice = environment / "bin/sluice"
        self.assertEqual(sluice.read_bytes()[:4], b"\x7fELF")
        libraries = [line.split()[2] for line in run("ldd", str(sluice)).stdout.splitlines() if "=>" in line]
        own = [path for path in libraries if pathlib.Path(path).resolve().is_relative_to(environment.resolve())]
        system = {pathlib.Path(path).name.split(".")[0] for path in set(libraries) - set(own)}
        self.assertLessEqual(system, {"libc", "libm", "libdl", "librt", "libpthread", "libresolv"})
        self.assertGreater(len(own), 5)
        (self.work / "late.yaml").write_text(first_pipeline())
        (self.work / "examples").symlink_to(ROOT / "examples")
        run(str(sluice), "run", "late.yaml", cwd=self.work, env={"HOME": str(self.work), "PATH": "/usr/bin:/bin"})
        self.assertGreater(len((self.work / "out/late.csv").read_text().splitlines()), 5)
        run(environment / "bin/pip", "uninstall", "-q", "-y", "sluice")
        self.assertFalse([path for path in environment.rglob("*") if "sluice" in path.name])


if __name__ == "__main__":
    unittest.main()
