"""The examples under packaging/ work as far as that shows without systemd, containers and Kubernetes: what they start is started
here with their words, and what they ask of it is asked."""

import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

from command_line import BINARY, PATIENCE, ROOT, eventually

PACKAGING = ROOT / "packaging"


class Deployment(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="sluice-deployment-"))
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
        self.started = []
        self.addCleanup(self.stop_all)

    def stop_all(self):
        for process in reversed(self.started):
            process.terminate()
            process.wait(PATIENCE)
            process.stdout.close()

    def start(self, words, **environment):
        """A node; gives what its ready line says."""
        log = self.path / f"{len(self.started)}.log"
        with open(log, "w") as file:
            kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
            self.started.append(subprocess.Popen([BINARY, *words, "--json"], stdout=subprocess.PIPE, stderr=file, text=True,
                                                 cwd=self.path, env={**kept, "HOME": str(self.path), **environment}))
        line = self.started[-1].stdout.readline()
        self.assertTrue(line, f"{words}: {log.read_text()}")
        return json.loads(line)

    def certificates(self, *names):
        subprocess.run([BINARY, "tls", "init", *(f"{name}=127.0.0.1" for name in names), "--dir", self.path / "tls", "-q"], check=True,
                       stdout=subprocess.DEVNULL)

    def documents(self):
        found = list(yaml.safe_load_all((PACKAGING / "kubernetes/cluster.yaml").read_text()))
        return {(one["kind"], one["metadata"]["name"]): one for one in found}

    def ask(self, probe, ready):
        """Gives the status of a probe's answer, as the kubelet asks it."""
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # as the kubelet, which verifies nothing
        scheme = probe["httpGet"]["scheme"].lower()
        with urllib.request.urlopen(f"{scheme}://{ready['http']}{probe['httpGet']['path']}", timeout=PATIENCE, context=trust) as answer:
            return answer.status

    def container(self, name):
        (found,) = self.documents()["StatefulSet", name]["spec"]["template"]["spec"]["containers"]
        return found

    def words(self, name, pod, **values):
        """The words of a container as they are in a pod, on free ports of this machine."""
        values = {"POD_NAME": pod, "POD_IP": "127.0.0.1", **values}
        said = [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], word) for word in self.container(name)["args"]]
        said = [re.sub(r"^(--listen|--http)=127.0.0.1:\d+$", r"\1=127.0.0.1:0", word) for word in said]
        return [word.replace("/etc/sluice/tls", str(self.path / "tls")).replace("=/runs", f"={self.path / 'runs'}") for word in said]

    def test_the_nodes_of_the_kubernetes_example_form_a_cluster_and_answer_its_probes(self):
        self.certificates("controller-0", "worker-0")
        (self.path / "runs").mkdir()
        # Without the PostgreSQL of the example each has its Store in a folder.
        shared = {"SLUICE_TOKEN": "t" * 32}
        controller = self.start(self.words("controller", "controller-0"), SLUICE_STATE=str(self.path / "c"), **shared)
        host, port = controller["listen"].rsplit(":", 1)
        words = [word.replace(f"--join={host}:7070", f"--join={host}:{port}") for word in self.words("worker", "worker-0", CONTROLLER_SERVICE_HOST=host)]
        worker = self.start(words, SLUICE_STATE=str(self.path / "w"), **shared)
        for name, ready in (("controller", controller), ("worker", worker)):
            container = self.container(name)
            self.assertEqual(self.ask(container["readinessProbe"], ready), 200)
            if "httpGet" in container["livenessProbe"]:
                self.assertEqual(self.ask(container["livenessProbe"], ready), 200)
            self.assertEqual({each["containerPort"] for each in container["ports"]}, {7070, 7071})

        def roles():
            shown = subprocess.run([BINARY, "nodes", "--json", "--to", controller["http"], "--ca", self.path / "tls/ca.crt"], capture_output=True,
                                   text=True, env={**os.environ, "SLUICE_TOKEN": "t" * 32, "SLUICE_STATE": str(self.path / "cli")})
            return shown.returncode == 0 and {one["name"]: one["role"] for one in json.loads(shown.stdout)}

        eventually(lambda: roles() == {"controller-0": "controller", "worker-0": "worker"}, "a cluster of two")

    def test_the_kubernetes_example_is_whole(self):
        all_of_it = self.documents()
        for name in ("controller", "worker"):
            spec = all_of_it["StatefulSet", name]["spec"]
            pod = spec["template"]
            self.assertEqual(spec["selector"]["matchLabels"], pod["metadata"]["labels"])
            self.assertEqual(all_of_it["Service", spec["serviceName"]]["spec"]["selector"], pod["metadata"]["labels"])
            (container,) = pod["spec"]["containers"]
            volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
            self.assertEqual({each["name"] for each in container["volumeMounts"]}, set(volumes))
            # A certificate for each replica, under the names by which the node looks for it.
            files = [item["path"] for source in volumes["tls"]["projected"]["sources"] for item in source["secret"]["items"]]
            self.assertEqual(sorted(files), sorted(f"{name}-{number}/{file}" for number in range(spec["replicas"])
                                                   for file in ("ca.crt", "tls.crt", "tls.key")))
            self.assertEqual(volumes["tls"]["projected"]["defaultMode"], 0o440)

    def test_the_unit_is_sound_and_starts_a_node(self):
        text = (PACKAGING / "systemd/sluice.service").read_text()
        command = re.search(r"^ExecStart=/usr/bin/sluice (.*)$", text, re.M)[1]
        if shutil.which("systemd-analyze"):
            unit = self.path / "sluice.service"
            unit.write_text(text.replace("/usr/bin/sluice", BINARY))
            found = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
            said = [line for line in found.stderr.splitlines() if "sluice.service" in line]
            self.assertEqual((found.returncode, said), (0, []), found.stderr)
        # Its node.yaml, on free ports and without the cluster that the example joins.
        self.certificates("n2")
        settings = yaml.safe_load((PACKAGING / "systemd/node.yaml").read_text())
        del settings["node"]["join"]
        settings["node"].update(listen="127.0.0.1:0", http="127.0.0.1:0", tls=str(self.path / "tls/n2"))
        (self.path / "node.yaml").write_text(yaml.safe_dump(settings))
        ready = self.start(command.replace("/etc/sluice/node.yaml", str(self.path / "node.yaml")).split(), SLUICE_STATE=str(self.path / "s"))
        self.assertEqual((ready["name"], ready["tls"]), ("n2", True))

    def test_the_image_has_what_the_unit_and_the_pods_need(self):
        lines = (PACKAGING / "oci/Containerfile").read_text().replace("\\\n", " ").splitlines()
        steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
        self.assertEqual([name for name, _ in steps[:3]], ["FROM", "COPY", "RUN"])
        said = dict(steps)
        self.assertEqual(said["EXPOSE"].split(), ["7070", "7071"])
        user = int(said["USER"].split(":")[0])
        self.assertIn(f"--uid {user}", said["RUN"])
        for name in ("controller", "worker"):
            self.assertEqual(self.documents()["StatefulSet", name]["spec"]["template"]["spec"]["securityContext"]["runAsUser"], user)
        self.assertEqual(json.loads(said["ENTRYPOINT"])[-1], "/usr/bin/sluice")  # where the package puts it


if __name__ == "__main__":
    unittest.main()
