#!/usr/bin/env bash
# Fetches the peers of `./dev bench streams peers`: the connector of Flink with Maven, and Benthos, which is built with Go
# where there is one. Flink's own jars are in the Python package of requirements/flink.txt.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
deps=$here/../../../.deps
connector=$deps/flink-kafka/flink-sql-connector-kafka-5.0.0-2.2.jar
hash=5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616
if ! echo "$hash  $connector" | sha256sum --check --quiet --strict - 2>/dev/null; then
  mvn -q -B -f "$here/flink-pom.xml" dependency:copy-dependencies -DoutputDirectory="$(dirname "$connector")"
  echo "$hash  $connector" | sha256sum --check --quiet --strict -
fi
if command -v go >/dev/null; then
  # go.sum pins each module.
  (cd "$here/benthos" && GOFLAGS=-mod=readonly go build -o "$deps/benthos" .)
else
  echo "There is no go: Benthos is left out. Its part needs Go 1.26." >&2
fi
