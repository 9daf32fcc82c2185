#!/usr/bin/env bash
# demo.sh SLUICE FOLDER: starts a mail server and runs demo.py, which says what it shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
sluice=$(realpath "$1")
folder=${2:-out/notify}
mail=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
tests/services/mail.sh start "$mail" "$port"
trap 'tests/services/mail.sh stop "$mail" "$port"; rm -rf "$mail"' EXIT
.deps/clients/bin/python examples/notify/demo.py "$sluice" "$folder" "$mail" "$port"
