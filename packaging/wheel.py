"""wheel.py STAGE VERSION FOLDER: a wheel of what package.sh has staged; prints its path.

`pip install` puts the program itself into the environment's bin/, and its libraries into lib/sluice/ beside it: no
Python runs when it starts.
"""

import base64
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

EXECUTABLE, PLAIN = 0o100755, 0o100644


def main(stage, version, folder):
    glibc = os.confstr("CS_GNU_LIBC_VERSION").split()[1].replace(".", "_")
    tag = f"py3-none-manylinux_{glibc}_x86_64"
    info, data = f"sluice-{version}.dist-info", f"sluice-{version}.data"
    files = []  # name, content, mode
    with tempfile.TemporaryDirectory() as work:
        program = pathlib.Path(work) / "sluice"
        shutil.copy2(stage / "bin/sluice", program)
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../lib/sluice", program], check=True)
        files.append((f"{data}/scripts/sluice", program.read_bytes(), EXECUTABLE))
    for library in sorted((stage / "lib").iterdir()):
        files.append((f"{data}/data/lib/sluice/{library.name}", library.read_bytes(), EXECUTABLE))
    for licence in [stage / "LICENSE", *sorted((stage / "licences").iterdir())]:
        files.append((f"{info}/licenses/{licence.name}", licence.read_bytes(), PLAIN))
    readme = pathlib.Path("README.md").read_text()
    files.append((f"{info}/METADATA", (
        f"Metadata-Version: 2.1\nName: sluice\nVersion: {version}\n"
        "Summary: Extracts, transforms and loads data: pipelines in YAML, expressions in SQL\n"
        "Requires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n" + readme).encode(), PLAIN))
    files.append((f"{info}/WHEEL", (
        f"Wheel-Version: 1.0\nGenerator: sluice\nRoot-Is-Purelib: false\nTag: {tag}\n").encode(), PLAIN))
    record = f"{info}/RECORD"
    lines = []
    for name, content, _ in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    files.append((record, ("".join(lines) + f"{record},,\n").encode(), PLAIN))

    path = folder / f"sluice-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content, mode in files:
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            wheel.writestr(entry, content)
    print(path)


main(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
