"""One round of a job: the same command again and again while a seeded choice of faults strikes it, then the checks."""

import errno
import json
import os
import signal
import subprocess
import time

from page import PHASES, Page
from processes import children, has_ended
from world import PATIENCE


class Violation(Exception):
    pass


class Trial:
    """`counts` (a Tally) decides which phases are still short of kills and is told of each fault."""

    def __init__(self, world, job, random, counts, bug=None):
        self.world, self.job, self.random, self.counts = world, job, random, counts
        self.place = job.place
        self.state = self.place / "state"
        self.page = Page(self.place / "page")
        self.story = []
        self.process = None
        self.weights = None  # of the faults
        self.struck = False  # something was done to this process that may make it fail
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        self.environment |= {"SLUICE_STATE": str(self.state), "LC_ALL": "C.UTF-8", "LD_PRELOAD": str(world.shim),
                             "SLUICE_FAIL_PAGE": str(self.page.path), "SLUICE_PROOF_PAGE": str(self.page.path)}
        if bug:
            self.environment["SLUICE_PROOF_BUG"] = bug
        self.begun = time.monotonic()

    def say(self, what):
        self.story.append(f"{time.monotonic() - self.begun:8.3f}  {what}")

    # -- the program

    def sluice(self, *words):
        plain = {k: v for k, v in self.environment.items() if k not in ("LD_PRELOAD", "SLUICE_PROOF_PAGE")}
        return subprocess.run([self.world.binary, *words], cwd=self.place, env=plain, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def run(self):
        """Gives the command."""
        self.page.begin()
        self.struck = False
        self.since = time.monotonic()
        self.log = open(self.place / "run.log", "w+")
        self.process = subprocess.Popen([self.world.binary, "run", "p.yaml", "--progress", "none"], cwd=self.place,
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        self.counts.started()
        self.say("run")
        self.wait_for("the engine's process", lambda: self.over() or self.children())

    def children(self):
        return children(self.process.pid)

    def engines(self):
        return [pid for pid in self.children() if not has_ended(pid)]

    def over(self):
        return self.process is None or self.process.poll() is not None

    def wait_for(self, what, look, patience=PATIENCE):
        give_up = time.monotonic() + patience
        while not look():
            if time.monotonic() > give_up:
                raise Violation(f"not within {patience} s: {what}\n{self.said()}")
            time.sleep(0.005)  # polls another process

    def said(self):
        self.log.seek(0)
        return self.log.read()[-3000:]

    def ended(self):
        """Takes note of the end of the process. True if the pipeline has reached its end."""
        code = self.process.wait()
        why = next((line for line in self.said().splitlines() if line.startswith("error[")), "")
        self.say(f"ended with {code} {why[:200]}")
        self.process = None
        if code == 0:
            if self.job.endless and not self.struck:
                raise Violation(f"the run has ended, and nobody asked for it:\n{self.said()}")
            return True
        excused = self.struck or self.world.was_away(self.job.servers, self.since)
        if not excused or code == 2:
            raise Violation(f"the run failed ({code}), and nothing was done to it:\n{self.said()}")
        self.counts.failed_by_fault()
        return False

    # -- what is done to it

    def kill(self):
        """Kills at the phase that is short of kills, in one of several ways."""
        wanted = self.counts.wanted(self.random, self.job)
        how = self.random.choice(["both", "both", "engine"])
        exact = wanted != "restore" and self.random.random() < 0.6
        self.say(f"to be killed: {how}, {wanted}{', by itself' if exact else ''}")
        engines = self.children()
        if exact and engines:
            # The process ends itself where it enters the phase: those that are short are never hit from outside.
            self.struck = True
            self.page.die_in(wanted, self.random.choice([1, 1, 2, 3]))
            self.wait_until(lambda: self.gone(engines), 8)
        elif wanted != "restore":
            self.wait_until(lambda: self.page.phase() == wanted, 3)
            time.sleep(self.random.random() * 0.004)
        else:
            time.sleep(self.random.random() * 0.25)
        self.say(f"it is {self.page.phase()}")
        if self.over() and not self.struck:
            return  # it has come to its end meanwhile
        self.struck = True
        engines = engines or self.children()
        targets = engines if how == "engine" else [*engines, self.process.pid]
        for pid in targets:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        # Where it restarts by itself the old process has ended all the same.
        self.wait_for("the killed engine has ended", lambda: all(map(has_ended, engines)))
        phase = self.page.phase()
        self.page.begin()
        if not self.job.endless and self.state_of_run() in ("succeeded", "partial"):
            phase = "after the end"
        self.say(f"killed: {phase}")
        self.counts.killed(phase, self.job.name)
        if how == "engine":
            self.wait_for("the parent ends, or starts the engine again", lambda: self.over() or self.engines())
            if not self.over():
                return
        self.process.wait(PATIENCE)
        self.process = None

    def gone(self, engines):
        return self.over() or all(map(has_ended, engines))

    def wait_until(self, look, seconds):
        give_up = time.monotonic() + seconds
        while not look() and not self.over() and time.monotonic() < give_up:
            time.sleep(0.0002)  # polls another process
        return look()

    def stop(self):
        """Stops all of it for a while."""
        self.say("stopped")
        engines = [*self.children(), self.process.pid]
        for pid in engines:
            send(pid, signal.SIGSTOP)
        time.sleep(self.random.choice([0.1, 0.5, 2.0]))
        for pid in engines:
            send(pid, signal.SIGCONT)
        self.say("continued")
        self.counts.fault("stopped and continued")

    def fail_calls(self):
        """Some calls that change files fail."""
        kind = self.random.choice(["write", "fsync", "rename"])
        path = self.random.choice(self.job.fails_at)
        number = self.random.choice([errno.EIO, errno.ENOSPC])
        times = self.random.choice([1, 1, 3, 20])
        self.say(f"{kind} on {path} fails {times} times with {errno.errorcode[number]}")
        self.struck = True
        self.page.fail(kind, path, number, self.random.randrange(6), times)
        self.wait_until(lambda: False, self.random.choice([0.2, 0.6]))
        failed = self.page.heal()
        self.say(f"{failed} calls have failed")
        if failed:
            self.counts.fault(f"failed {kind}")

    def fill_disk(self):
        """The file system of the job has no room for a while."""
        filler = self.place / "filler"
        self.say("disk full")
        self.struck = True
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65536))
            except OSError:
                pass
            self.wait_until(lambda: False, self.random.choice([0.2, 1.0]))
        filler.unlink()
        self.say("room again")
        self.counts.fault("disk full")

    def restart_server(self):
        server = self.random.choice(self.job.servers)
        hard = self.random.random() < 0.5
        self.say(f"{server} is {'killed' if hard else 'stopped'} and started")
        self.world.restart(server, hard)
        self.say(f"{server} is there again")
        self.counts.fault(f"{server} {'killed' if hard else 'restarted'}")

    def drain(self):
        """Ends it in order, as Ctrl-C does: an endless run at a checkpoint, a bounded one where it is."""
        self.say("SIGTERM")
        self.struck = True
        self.process.send_signal(signal.SIGTERM)
        self.wait_for("the run ends", self.over)
        self.counts.fault("SIGTERM")

    def kill_parent(self):
        """The engine is killed with its parent; nobody may begin before it has ended."""
        engines = self.engines()
        self.say("the parent is killed")
        self.struck = True
        self.process.kill()
        self.process.wait()
        self.process = None
        self.wait_for("the engine ends behind its parent", lambda: all(map(has_ended, engines)))
        self.counts.fault("parent killed")

    def strike(self):
        """One fault, chosen by the seed, which likes some more than others in each round."""
        if self.weights is None:
            some = [self.kill, self.stop, self.fail_calls, self.drain, self.kill_parent]
            if os.path.ismount(self.place):
                some.append(self.fill_disk)
            if self.job.servers:
                some.append(self.restart_server)
            self.weights = {way: self.random.choice([1, 1, 4]) for way in some}
            self.weights[self.kill] = 20
        self.random.choices(list(self.weights), list(self.weights.values()))[0]()

    # -- a round

    def go(self, more):
        """Strikes until the pipeline has reached its end (endless: as often as `more()` gives true), then lets it come
        to its end in peace, and checks everything."""
        self.job.prepare()
        faults = 0
        while more() and faults < 40:
            if self.over():
                if self.process is not None and self.ended() and not self.job.endless:
                    break
                if self.reached_end():
                    break
                self.check("between two runs")
                self.run()
            if self.job.endless and faults % 2 == 0:
                self.job.feed()
            self.strike()
            faults += 1
        self.finish()
        self.check_end()

    def check(self, when):
        faults = self.job.check()
        if faults:
            raise Violation(when + ":\n  " + "\n  ".join(faults[:8]))

    def finish(self):
        """No more faults: the pipeline has to reach its end."""
        self.say("in peace from here on")
        if self.job.endless:
            self.job.close_input()
        give_up = time.monotonic() + 2 * PATIENCE
        drained = False
        while True:
            if self.over():
                if self.process is not None and self.ended() and (drained or not self.job.endless):
                    return
                if self.process is None and self.reached_end():
                    return
                self.run()
                drained = False
            if self.job.endless and not drained and self.job.complete():
                self.say("drained")
                self.struck = True
                self.process.send_signal(signal.SIGTERM)
                drained = True
            if time.monotonic() > give_up:
                raise Violation(f"the run does not come to its end\n{self.said()}")
            time.sleep(0.05)  # polls another process

    def reached_end(self):
        """Whether the last run of a bounded pipeline has reached its end, although it was killed: the same command would
        load everything anew. What it has decided to commit is made visible."""
        if self.job.endless or not self.state.exists():
            return False
        if self.state_of_run() == "committing":
            self.settle()
        return self.state_of_run() in ("succeeded", "partial")

    def state_of_run(self):
        runs = json.loads(self.sluice("runs", "--json").stdout or "[]")
        return next((run["state"] for run in runs if run["pipeline"] != "nothing"), "")

    def settle(self):
        """Commits that are due are repeated by the next `sluice run` of any pipeline that uses the state folder."""
        (self.place / "nothing.yaml").write_text(
            "version: 1\npipeline: nothing\nextract:\n  none: { generate: { rows: 1, columns: { id: sequence } } }\n"
            "load:\n  nowhere: { from: none, blackhole: {} }\n")
        done = self.sluice("run", "nothing.yaml", "-q")
        if done.returncode != 0:
            raise Violation(f"commits that are due can't be repeated:\n{done.stderr}")

    def check_end(self):
        runs = json.loads(self.sluice("runs", "--json").stdout)
        runs = [run for run in runs if run["pipeline"] != "nothing"]
        rejects = self.sluice("rejects", "export", runs[0]["id"], "--format", "ndjson").stdout
        faults = self.job.check_end([json.loads(line) for line in rejects.splitlines()])
        for run in runs:
            if run["state"] not in ("succeeded", "partial", "failed", "cancelled"):
                faults.append(f"run {run['id']} is {run['state']} for ever")
            faults += self.check_events(run)
        if not runs[0]["summary"].get("balanced"):
            faults.append(f"the last run does not balance: {runs[0]['summary']}")
        if faults:
            raise Violation("at the end:\n  " + "\n  ".join(faults[:8]))

    def check_events(self, run):
        """One last event, numbers without a gap."""
        events = [json.loads(line) for line in self.sluice("events", run["id"], "--json").stdout.splitlines()]
        final = [each["type"] for each in events if each["type"] in
                 ("run.succeeded", "run.partial", "run.failed", "run.cancelled")]
        faults = []
        if len(final) != 1 or final != [f"run.{run['state']}"]:
            faults.append(f"run {run['id']} is {run['state']}, its last events are {final}")
        numbers = [int(each["sequence"]) for each in events]
        if numbers != list(range(1, len(numbers) + 1)):
            faults.append(f"the events of run {run['id']} are numbered {numbers}")
        return faults

    def kill_all(self):
        process = self.process
        if process is not None and process.poll() is None:
            for pid in [*self.children(), process.pid]:
                send(pid, signal.SIGCONT)
                send(pid, signal.SIGKILL)
            process.wait()

    def close(self):
        self.kill_all()
        self.job.close()


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


__all__ = ["PHASES", "Trial", "Violation"]
