"""A session cluster of Flink, a jobmanager and a taskmanager with two slots, from the jars of a Python package. The package has no scripts,
so the processes are started by the names of their classes; the memory is what Flink's scripts derive for 2 GiB."""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
DEPS = HERE.parents[2] / ".deps"

OPENED = [f"--add-opens=java.base/java.{each}=ALL-UNNAMED" for each in (
    "lang", "net", "io", "nio", "lang.reflect", "text", "time", "util", "util.concurrent", "util.concurrent.atomic",
    "util.concurrent.locks")] + ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
                                 "--add-exports=java.management/sun.management=ALL-UNNAMED"]

SETTINGS = """jobmanager: {{rpc: {{address: 127.0.0.1, port: {rpc}}}, bind-host: 127.0.0.1, memory: {{process: {{size: 1024m}}}}, execution: {{failover-strategy: region}}}}
taskmanager: {{bind-host: 127.0.0.1, host: 127.0.0.1, numberOfTaskSlots: 2, memory: {{process: {{size: 2048m}}}}}}
rest: {{address: 127.0.0.1, bind-address: 127.0.0.1, port: {rest}, bind-port: {rest}}}
parallelism: {{default: 2}}
io: {{tmp: {{dirs: {folder}/tmp}}}}
blob: {{server: {{port: "0"}}}}
heartbeat: {{interval: 2000, timeout: 8000}}
restart-strategy: {{type: fixed-delay, fixed-delay: {{attempts: 100, delay: 500ms}}}}
execution: {{checkpointing: {{storage: filesystem, dir: "file://{folder}/checkpoints"}}}}
table: {{dml-sync: true}}
"""

LOGGING = """rootLogger.level = WARN
rootLogger.appenderRef.c.ref = c
appender.c.name = c
appender.c.type = CONSOLE
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""

WORKER = ["-XX:+UseG1GC", "-Xms768m", "-Xmx768m", "-XX:MaxDirectMemorySize=512m", "-XX:MaxMetaspaceSize=256m"]
WORKER_SIZES = {"network.min": "134217728b", "network.max": "134217728b", "managed.size": "268435456b",
                "task.heap.size": "671088640b", "framework.heap.size": "134217728b", "framework.off-heap.size": "134217728b",
                "task.off-heap.size": "0b", "jvm-metaspace.size": "268435456b", "jvm-overhead.min": "201326592b",
                "jvm-overhead.max": "201326592b"}

EXACTLY_ONCE = ("'sink.delivery-guarantee'='exactly-once','sink.transactional-id-prefix'='{to}',"
                "'properties.transaction.timeout.ms'='600000'")
AT_LEAST_ONCE = "'sink.delivery-guarantee'='none'"
# Settings that make it fastest on this work.
TUNED = ",'properties.linger.ms'='5','properties.batch.size'='524288'"
TUNED_AT_LEAST_ONCE = TUNED + ",'properties.acks'='1','properties.enable.idempotence'='false'"


class Flink:
    """Runs while the `with` lasts."""

    def __init__(self, folder, first_port):
        self.folder, self.rest, self.number = pathlib.Path(folder), first_port, 0
        jars = next((DEPS / "flink").glob("lib/python3*/site-packages/pyflink/lib"))
        connector = next((DEPS / "flink-kafka").glob("*.jar"))
        self.classes = f"{jars}/*:{connector}"
        (self.folder / "conf").mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        (self.folder / "conf/config.yaml").write_text(SETTINGS.format(rest=self.rest, rpc=self.rest + 1, folder=self.folder))
        (self.folder / "conf/log4j2.properties").write_text(LOGGING)

    def java(self, *arguments, log, **options):
        command = ["java", *OPENED, f"-Dlog4j.configurationFile=file:{self.folder}/conf/log4j2.properties",
                   f"-Djava.io.tmpdir={self.folder}/tmp", *arguments]
        with open(self.folder / log, "a") as out:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)

    def __enter__(self):
        self.manager = self.java("-Xms448m", "-Xmx448m", "-XX:MaxMetaspaceSize=256m", "-cp", self.classes,
                                 "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                                 "--configDir", str(self.folder / "conf"), log="manager.log")
        self.start_worker()
        give_up = time.monotonic() + 90
        while self.slots() < 2:
            if time.monotonic() > give_up:
                raise RuntimeError("Flink did not start:\n" + (self.folder / "worker.log").read_text()[-2000:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        for process in (self.worker, self.manager):
            process.terminate()
        for process in (self.worker, self.manager):
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_worker(self):
        sizes = [part for name, size in WORKER_SIZES.items() for part in ("-D", f"taskmanager.memory.{name}={size}")]
        self.worker = self.java(*WORKER, "-cp", self.classes, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                                "--configDir", str(self.folder / "conf"), *sizes, "-D", "taskmanager.cpu.cores=2.0", log="worker.log")

    def kill_worker(self):
        """kill -9, and another one at once, as a supervisor of processes does it."""
        os.kill(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.start_worker()

    def slots(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/overview", timeout=5) as answer:
                return json.load(answer)["slots-total"]
        except OSError:
            return 0

    def submit(self, job, broker, source, target, exactly_once=False, tuned=False, bounded=False):
        """The process that has submitted the job and waits for its end."""
        self.number += 1
        sink = EXACTLY_ONCE.format(to=target) if exactly_once else AT_LEAST_ONCE
        if tuned:
            sink += TUNED if exactly_once else TUNED_AT_LEAST_ONCE
        settings = "SET 'execution.checkpointing.interval'='1s';\n" if exactly_once else ""
        if tuned:
            settings += "SET 'pipeline.object-reuse'='true';\n"
        text = (HERE / f"{job}.sql").read_text()
        for name, value in {"CHECKPOINTS": settings, "FROM": source, "TO": target, "BROKER": broker, "SINK": sink,
                            "BOUNDED": ",'scan.bounded.mode'='latest-offset'" if bounded else ""}.items():
            text = text.replace(f"@{name}@", value)
        path = self.folder / f"{job}-{self.number}.sql"
        path.write_text(text)
        return self.java("-Xmx512m", "-cp", self.classes, str(HERE / "Submit.java"), str(self.rest), str(path), "wait",
                         log=f"{job}-{self.number}.log")

    def running(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/jobs/overview", timeout=5) as answer:
            return [job["jid"] for job in json.load(answer)["jobs"]
                    if job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]]

    def cancel(self):
        for job in self.running():
            request = urllib.request.Request(f"http://127.0.0.1:{self.rest}/jobs/{job}?mode=cancel", method="PATCH")
            urllib.request.urlopen(request, timeout=10).read()

    def cpu(self):
        """CPU seconds of both processes so far; what the submitting one takes does not count."""
        ticks = 0
        for process in (self.manager, self.worker):
            fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
