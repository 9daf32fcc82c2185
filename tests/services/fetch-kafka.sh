#!/usr/bin/env bash
# Fetches the jars of Apache Kafka's broker by Maven (tests/services/kafka-pom.xml) into .deps/kafka-broker, and compares
# them with kafka-jars.sha256. A step of its own, because it takes longer than a test may wait.
#   fetch-kafka.sh [--pin]      --pin: writes kafka-jars.sha256 anew, after a change of the version
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=$here/../../.deps/kafka-broker
stamp=$(cat "$here/kafka-pom.xml" "$here/kafka-jars.sha256" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$jars/.stamp" 2>/dev/null)" = "$stamp" ] && [ $# -eq 0 ]; then exit; fi
command -v mvn >/dev/null || { echo "error: there is no mvn: install Debian's package maven" >&2; exit 1; }
mkdir -p "$jars"
(
  flock 9 # tests that run at the same time
  if [ "$(cat "$jars/.stamp" 2>/dev/null)" = "$stamp" ] && [ $# -eq 0 ]; then exit; fi
  rm -f "$jars"/*.jar
  mvn -q -B -f "$here/kafka-pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars" -DincludeScope=runtime >&2
  cd "$jars"
  if [ "${1:-}" = --pin ]; then sha256sum ./*.jar >"$here/kafka-jars.sha256"; fi
  sha256sum --check --quiet --strict "$here/kafka-jars.sha256" >&2
  [ "$(find . -name '*.jar' | wc -l)" = "$(wc -l <"$here/kafka-jars.sha256")" ] ||
    { echo "error: there are jars that kafka-jars.sha256 does not list" >&2; exit 1; }
  cat "$here/kafka-pom.xml" "$here/kafka-jars.sha256" | sha256sum | cut -d' ' -f1 >.stamp
) 9>"$jars/.lock"
