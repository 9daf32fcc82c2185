"""Who may call a run dead: not those who can't see its process, and nobody whose look at it came too early."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import threading
import unittest

from command_line import BINARY, ENDLESS, PATIENCE, CommandLine, eventually
from processes import children

OTHER_PIDS = ["unshare", "--pid", "--fork", "--mount-proc"]
LEASE = 15  # seconds (engine/store/process.hpp)


def may_unshare():
    try:
        return subprocess.run([*OTHER_PIDS, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def engine_of(run):
    """The process below a `sluice run` that does the work."""
    return eventually(lambda: children(run.pid), "the engine's process")[0]


class Leases(CommandLine):
    def elsewhere(self, *words):
        """Runs in another PID namespace."""
        return subprocess.run([*OTHER_PIDS, BINARY, *words], cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def states(self, text):
        return [each["state"] for each in json.loads(text)]

    @unittest.skipUnless(may_unshare(), "needs the right to make PID namespaces")
    def test_a_run_seen_from_another_pid_namespace_is_not_called_dead(self):
        self.write("p.yaml", ENDLESS)
        run = self.start("run", "p.yaml")
        self.running()
        for _ in range(3):
            self.assertEqual(self.states(self.elsewhere("runs", "--json").stdout), ["running"])
        self.assertIn("running", self.elsewhere("status", "last").stdout)
        # Its process still counts where it can be seen: dead at once.
        os.kill(engine_of(run), signal.SIGKILL)
        run.kill()
        run.wait(timeout=PATIENCE)
        self.assertEqual(self.states(self.sluice("runs", "--json").stdout), ["failed"])

    @unittest.skipUnless(may_unshare(), "needs the right to make PID namespaces")
    def test_a_process_that_missed_its_lease_publishes_nothing_of_a_run_that_others_have_ended(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 4000"))
        run = self.start("run", "p.yaml")
        self.running()
        engine = engine_of(run)
        os.kill(engine, signal.SIGSTOP)
        eventually(lambda: self.states(self.elsewhere("runs", "--json").stdout) == ["failed"], "the lease's end")
        os.kill(engine, signal.SIGCONT)
        code, _, stderr = self.end_of(run)
        self.assertNotEqual(code, 0)
        self.assertIn("stale_term", stderr)
        self.assertFalse((self.folder / "out/numbers.ndjson").exists())
        self.assertEqual(self.states(self.sluice("runs", "--json").stdout), ["failed"])

    def test_a_store_that_is_locked_at_the_end_of_a_run_is_waited_for(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 4000"))
        run = self.start("run", "p.yaml", "-q")
        self.running()
        lock = sqlite3.connect(self.state / "sluice.db", isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        # Longer than one wait for the lock, and than a lease.
        released = threading.Timer(LEASE + 1, lambda: None)
        released.start()
        eventually(lambda: not released.is_alive(), "the time that the lock is held")
        lock.execute("ROLLBACK")
        code, _, stderr = self.end_of(run)
        self.assertEqual(code, 0, stderr)
        self.assertEqual(self.states(self.sluice("runs", "--json").stdout), ["succeeded"])

    def test_a_state_folder_is_private_whatever_the_umask(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 10"))
        before = os.umask(0)
        try:
            done = self.sluice("run", "p.yaml", "-q")
        finally:
            os.umask(before)
        self.assertEqual(done.returncode, 0, done.stderr)
        for path in [self.state, *self.state.rglob("*")]:
            rights = stat.S_IMODE(path.lstat().st_mode)
            self.assertEqual(rights, 0o700 if path.is_dir() else 0o600, path)
        # What the run was for has the rights that the user's umask gives.
        self.assertEqual(stat.S_IMODE((self.folder / "out/numbers.ndjson").stat().st_mode), 0o666)

    def test_a_state_folder_that_others_could_have_prepared_is_refused(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 10"))
        self.state.mkdir()
        self.state.chmod(0o777)
        self.assert_error(self.sluice("run", "p.yaml"), "folder_exposed")
        self.assert_error(self.sluice("runs"), "folder_exposed")
        self.state.chmod(0o700)
        (self.state / "token").symlink_to(self.folder / "planted")
        refused = self.sluice("node", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
        self.assert_error(refused, "link_refused")
        (self.folder / "link").symlink_to(self.state)
        self.assert_error(self.sluice("runs", "--state", "link"), "link_refused")
        self.assertFalse((self.folder / "planted").exists())

    def test_no_home_means_no_shared_folder_in_its_place(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 10"))
        shared = self.folder / "tmp"
        shared.mkdir()
        environment = {key: value for key, value in self.environment().items()
                       if key not in ("HOME", "XDG_STATE_HOME", "SLUICE_STATE")}
        environment.update(TMPDIR=str(shared), HOME="/", USER="svc")
        done = subprocess.run([BINARY, "run", "p.yaml"], cwd=self.folder, env=environment, text=True, capture_output=True)
        self.assert_error(done, "no_state_folder")
        self.assertEqual(list(shared.iterdir()), [])
        # What needs no state works without.
        done = subprocess.run([BINARY, "validate", "p.yaml"], cwd=self.folder, env=environment, text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_state_that_was_cut_off_is_not_taken_for_a_new_one(self):
        self.write("p.yaml", ENDLESS.replace("rows: 1000000000", "rows: 10"))
        self.assertEqual(self.sluice("run", "p.yaml", "-q").returncode, 0)
        for tail in ("-wal", "-shm"):
            (self.state / f"sluice.db{tail}").unlink(missing_ok=True)
        os.truncate(self.state / "sluice.db", 0)
        self.assert_error(self.sluice("run", "p.yaml"), "store_corrupt", exit_code=1)
        self.assertEqual((self.state / "sluice.db").stat().st_size, 0)


if __name__ == "__main__":
    unittest.main()
