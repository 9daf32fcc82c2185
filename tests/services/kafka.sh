#!/usr/bin/env bash
# Apache Kafka: one process that is broker and controller (KRaft), from the jars of fetch-kafka.sh. It listens on PORT
# without authentication; its controller on PORT + 1. With KAFKA_SECURE=1 also on PORT + 2: TLS with the certificate of
# DATA_DIR/ca.pem and SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512) with user etl, password pass-of-etl.
. "$(dirname "$0")/common.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
LIBRARIES=$HERE/../../.deps/kafka-broker
JAVA=(java -Xms"${KAFKA_HEAP:-384m}" -Xmx"${KAFKA_HEAP:-384m}" -XX:+UseSerialGC
  -XX:TieredStopAtLevel="${KAFKA_TIER:-1}" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$LIBRARIES/*")

settings() {
  local listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$((PORT + 1))
  local protocols=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
  if [ "${KAFKA_SECURE:-}" = 1 ]; then
    listeners=$listeners,SECURE://127.0.0.1:$((PORT + 2))
    protocols=$protocols,SECURE:SASL_SSL
  fi
  cat <<TEXT
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$((PORT + 1))
listeners=$listeners
advertised.listeners=$listeners
controller.listener.names=CONTROLLER
listener.security.protocol.map=$protocols
log.dirs=$DATA/log
num.partitions=4
num.network.threads=1
num.io.threads=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
transaction.max.timeout.ms=900000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
auto.create.topics.enable=true
TEXT
  if [ "${KAFKA_SECURE:-}" = 1 ]; then
    local login=org.apache.kafka.common.security
    cat <<TEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config=$login.plain.PlainLoginModule required user_etl="pass-of-etl";
listener.name.secure.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.secure.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=$DATA/server.pem
TEXT
  fi
}

certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=sluice-tests \
    -keyout "$DATA/ca.key" -out "$DATA/ca.pem"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=127.0.0.1 \
    -keyout "$DATA/server.key" -out "$DATA/server.csr"
  openssl x509 -req -in "$DATA/server.csr" -CA "$DATA/ca.pem" -CAkey "$DATA/ca.key" -CAcreateserial -days 30 \
    -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$DATA/server.crt"
  cat "$DATA/server.key" "$DATA/server.crt" >"$DATA/server.pem"
}

format() {
  local users=()
  if [ "${KAFKA_SECURE:-}" = 1 ]; then
    certificates >"$DATA/certificates.log" 2>&1 || { cat "$DATA/certificates.log" >&2; die "no certificates"; }
    for hash in 256 512; do users+=(--add-scram "SCRAM-SHA-$hash=[name=etl,password=pass-of-etl]"); done
  fi
  local id
  id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | cut -c1-22)
  "${JAVA[@]}" kafka.tools.StorageTool format --standalone -t "$id" -c "$DATA/server.properties" "${users[@]}" \
    >"$DATA/format.log" 2>&1 || { cat "$DATA/format.log" >&2; die "the folder of the log could not be made"; }
}

case $ACTION in
start)
  installed /usr/bin/java openjdk-17-jre-headless
  "$HERE/fetch-kafka.sh"
  settings >"$DATA/server.properties"
  [ -e "$DATA/log/meta.properties" ] || format
  spawn "$DATA/server.log" "$DATA/pid" "${JAVA[@]}" kafka.Kafka "$DATA/server.properties"
  wait_ready "$DATA/pid" "$DATA/server.log" port_open "$PORT"
  ;;
stop) stop_pid "$DATA/pid" ;;
status) status_pid "$DATA/pid" ;;
*) usage ;;
esac
