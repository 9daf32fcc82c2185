#!/usr/bin/env bash
# RabbitMQ (Debian's rabbitmq-server). It listens on PORT, user guest, password guest; its node is sluicePORT@localhost,
# with a port mapper of its own on PORT + 1 and the port of the node on PORT + 2, so that it meets no other node.
# With RABBITMQ_SECURE=1 also on PORT + 3: TLS with the certificate of DATA_DIR/ca.pem.
#   rabbitmq.sh ctl DATA_DIR PORT WORDS...   runs rabbitmqctl
ctl_words=()
if [ "${1:-}" = ctl ]; then
  ctl_words=("${@:4}")
  set -- "${@:1:3}"
fi
. "$(dirname "$0")/common.sh"

installed "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server" rabbitmq-server
# The wrapper in /usr/sbin changes user and folders; these are the plain ones.
BIN=$(compgen -G "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin" | tail -n 1)
export HOME=$DATA/home
export RABBITMQ_NODENAME=sluice$PORT@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$PORT
export RABBITMQ_DIST_PORT=$((PORT + 2)) ERL_EPMD_PORT=$((PORT + 1)) ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_MNESIA_BASE=$DATA/mnesia RABBITMQ_LOG_BASE=$DATA/log RABBITMQ_LOGS=$DATA/log/rabbit.log
export RABBITMQ_PID_FILE=$DATA/pid RABBITMQ_CONFIG_FILE=$DATA/rabbitmq RABBITMQ_ENABLED_PLUGINS_FILE=$DATA/plugins
export RABBITMQ_CONF_ENV_FILE=$DATA/env.conf
# The ports between nodes are of this machine only as well.
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
mkdir -p "$HOME" "$DATA/mnesia" "$DATA/log"

settings() {
  cat <<TEXT
listeners.tcp.1 = 127.0.0.1:$PORT
log.file.level = warning
vm_memory_high_watermark.absolute = ${RABBITMQ_MEMORY:-1GB}
disk_free_limit.absolute = 50MB
TEXT
  if [ "${RABBITMQ_SECURE:-}" = 1 ]; then
    cat <<TEXT
listeners.ssl.1 = 127.0.0.1:$((PORT + 3))
ssl_options.cacertfile = $DATA/ca.pem
ssl_options.certfile = $DATA/server.crt
ssl_options.keyfile = $DATA/server.key
ssl_options.verify = verify_none
TEXT
  fi
}

certificates() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=sluice-tests -keyout "$DATA/ca.key" -out "$DATA/ca.pem"
  openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$DATA/server.key" -out "$DATA/server.csr"
  openssl x509 -req -in "$DATA/server.csr" -CA "$DATA/ca.pem" -CAkey "$DATA/ca.key" -CAcreateserial -days 30 \
    -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1) -out "$DATA/server.crt"
}

case $ACTION in
start)
  : >"$DATA/env.conf"
  echo "[]." >"$DATA/plugins"
  if [ "${RABBITMQ_SECURE:-}" = 1 ] && [ ! -e "$DATA/server.crt" ]; then
    certificates >"$DATA/certificates.log" 2>&1 || { cat "$DATA/certificates.log" >&2; die "no certificates"; }
  fi
  settings >"$DATA/rabbitmq.conf"
  rm -f "$DATA/pid"
  spawn "$DATA/log/stdout.log" "$DATA/wrapper.pid" "$BIN/rabbitmq-server"
  # The port opens before the node has started.
  wait_ready "$DATA/wrapper.pid" "$DATA/log/stdout.log" port_open "$PORT"
  "$BIN/rabbitmqctl" -q await_startup --timeout "$READY_TIMEOUT"
  ;;
stop)
  stop_pid "$DATA/pid"
  # This instance's port mapper only: it has a port of its own.
  epmd -kill >/dev/null 2>&1 || true
  ;;
status) status_pid "$DATA/pid" ;;
ctl) "$BIN/rabbitmqctl" -q "${ctl_words[@]}" ;;
*) usage ;;
esac
