#!/usr/bin/env bash
# PostgreSQL as Debian packages it: user postgres without a password on 127.0.0.1, database postgres, UTF-8, C.UTF-8.
# Run as root it runs as the user postgres, who must be able to enter every folder above DATA_DIR.
. "$(dirname "$0")/common.sh"

SERVER=$DATA/pg
programs() { dirname "$(ls /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)"; }

case $ACTION in
start)
  installed '/usr/lib/postgresql/*/bin/postgres' postgresql
  BIN=$(programs)
  if [ "$(id -u)" = 0 ]; then
    chmod 755 "$DATA"
    install -d -o postgres -g postgres -m 700 "$SERVER"
  fi
  if [ ! -e "$SERVER/PG_VERSION" ]; then
    as_user postgres "$BIN/initdb" -D "$SERVER" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
      >"$DATA/init.log" 2>&1 || { cat "$DATA/init.log" >&2; die "initdb failed"; }
    printf '%s\n' "listen_addresses='127.0.0.1'" "unix_socket_directories=''" "wal_level=logical" \
      "max_replication_slots=16" "max_wal_senders=16" "max_wal_size=2GB" "shared_buffers=${PG_BUFFERS:-128MB}" \
      >>"$SERVER/postgresql.conf"
  fi
  : >>"$DATA/server.log"
  [ "$(id -u)" != 0 ] || chown postgres "$DATA/server.log"
  as_user postgres "$BIN/pg_ctl" -D "$SERVER" -o "-p $PORT" -l "$DATA/server.log" -w -t "$READY_TIMEOUT" -s start \
    </dev/null >/dev/null || { tail -n 20 "$DATA/server.log" >&2; die "PostgreSQL did not start"; }
  head -n 1 "$SERVER/postmaster.pid" >"$DATA/pid"
  ;;
stop)
  [ ! -e "$SERVER/postmaster.pid" ] || as_user postgres "$(programs)/pg_ctl" -D "$SERVER" -m fast -w -s stop
  rm -f "$DATA/pid"
  ;;
status) status_pid "$DATA/pid" ;;
*) usage ;;
esac
