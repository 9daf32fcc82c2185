#!/usr/bin/env bash
# A mail server (aiosmtpd, of the tests' Python packages) that keeps each mail as a file in DATA_DIR/maildir/new.
# MAIL_TLS=1: with STARTTLS and a certificate of its own, DATA_DIR/cert.pem, for localhost.
. "$(dirname "$0")/common.sh"

PYTHON=$(dirname "$0")/../../.deps/venv/bin/python

case $ACTION in
start)
  tls=()
  if [ -n "${MAIL_TLS:-}" ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$DATA/key.pem" -out "$DATA/cert.pem" -days 2 -subj /CN=localhost \
      -addext subjectAltName=DNS:localhost,IP:127.0.0.1 >"$DATA/openssl.log" 2>&1 || die "cannot make a certificate"
    tls=(--tlscert "$DATA/cert.pem" --tlskey "$DATA/key.pem")
  fi
  setsid "$PYTHON" -m aiosmtpd -n -l "127.0.0.1:$PORT" "${tls[@]}" -c aiosmtpd.handlers.Mailbox "$DATA/maildir" \
    </dev/null >>"$DATA/server.log" 2>&1 &
  echo $! >"$DATA/pid"
  disown
  end=$(($(date +%s) + READY_TIMEOUT))
  until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
    alive "$(cat "$DATA/pid")" || { tail -n 20 "$DATA/server.log" >&2; die "the mail server ended before it was ready"; }
    [ "$(date +%s)" -lt "$end" ] || die "the mail server was not ready after $READY_TIMEOUT s"
    sleep 0.05
  done
  ;;
stop)
  [ -s "$DATA/pid" ] || exit 0
  kill "$(cat "$DATA/pid")" 2>/dev/null || true
  rm -f "$DATA/pid"
  ;;
status)
  if [ -s "$DATA/pid" ] && alive "$(cat "$DATA/pid")"; then
    echo "running pid=$(cat "$DATA/pid")"
  else
    echo stopped
    exit 3
  fi
  ;;
*) usage ;;
esac
