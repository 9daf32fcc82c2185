# What the scripts of the services share (bash): plain processes on 127.0.0.1, without systemd or containers.
#   NAME.sh start|stop|status DATA_DIR PORT      start returns once the service answers
# DATA_DIR holds everything of one instance; two instances are two folders and two ports.
set -euo pipefail
READY_TIMEOUT=${READY_TIMEOUT:-60}

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

[ $# -eq 3 ] || usage
ACTION=$1
mkdir -p "$2"
DATA=$(cd "$2" && pwd)
PORT=$3
