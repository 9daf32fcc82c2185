# What the scripts of the services share (bash): plain processes on 127.0.0.1, without systemd or containers.
#   NAME.sh start|stop|status DATA_DIR PORT      start returns once the service answers
# DATA_DIR holds everything of one instance; two instances are two folders and two ports.
set -euo pipefail
READY_TIMEOUT=${READY_TIMEOUT:-180}

die() { echo "error: $*" >&2; exit 1; }
usage() { die "usage: $(basename "$0") start|stop|status DATA_DIR PORT"; }

# installed PROGRAM_GLOB PACKAGE: installs Debian's package where no such program is there (as root only)
installed() {
  compgen -G "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] || die "there is no $1: install Debian's package $2"
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >&2 ||
    die "cannot install $2"
}

# as_user USER COMMAND...: servers that refuse to run as root run as USER
as_user() {
  local user=$1
  shift
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$user" --regid="$user" --init-groups env HOME=/tmp "$@"
  else
    "$@"
  fi
}

# alive PID: a process that has ended but was not waited for still answers kill -0
alive() {
  local state
  state=$(sed "s/.*) //" "/proc/$1/stat" 2>/dev/null) || return 1
  [ "${state%% *}" != Z ]
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# spawn LOG PIDFILE COMMAND...: in a session of its own
spawn() {
  local log=$1 pidfile=$2
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 &
  echo $! >"$pidfile"
  disown
}

# wait_ready PIDFILE LOG COMMAND...: until the command succeeds; fails at once where the process has ended
wait_ready() {
  local pidfile=$1 log=$2 end=$(($(date +%s) + READY_TIMEOUT))
  shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$(cat "$pidfile")" || { tail -n 20 "$log" >&2; die "the server ended before it was ready"; }
    [ "$(date +%s)" -lt "$end" ] || { tail -n 20 "$log" >&2; die "not ready after ${READY_TIMEOUT} s"; }
    sleep 0.05
  done
}

# stop_pid PIDFILE: asks that one process to end and waits; after 30 s it is killed
stop_pid() {
  local pid
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  kill -TERM "$pid" 2>/dev/null || { rm -f "$1"; return 0; }
  for _ in $(seq 600); do
    alive "$pid" || { rm -f "$1"; return 0; }
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$1"
}

status_pid() {
  if [ -s "$1" ] && alive "$(cat "$1")"; then
    echo "running pid=$(cat "$1")"
  else
    echo stopped
    exit 3
  fi
}

[ $# -eq 3 ] || usage
ACTION=$1
mkdir -p "$2"
DATA=$(cd "$2" && pwd)
PORT=$3
