# Parts of a long job with the time that each may take and took. Sourced.

budget_rows=()
budget_failed=()
budget_begin=$SECONDS
share_code=0

minutes() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# share NAME MINUTES COMMAND...: runs it; its failure is kept for the end, so that the other shares run too. Must not
# stand in a condition or beside ||: there bash ignores `set -e` in the command.
share() {
  local name=$1 limit=$(($2 * 60)) begin=$SECONDS took result=ok code
  shift 2
  say "$name (up to $((limit / 60)) minutes)"
  set +e
  (set -e; "$@")
  code=$?
  set -e
  share_code=$code
  took=$((SECONDS - begin))
  if [ "$code" != 0 ]; then
    result="failed ($code)"
    budget_failed+=("$name")
  elif [ "$took" -gt "$limit" ]; then
    result="over its share"
  fi
  budget_rows+=("$(printf '%-40s %7s %7s  %s' "$name" "$(minutes "$took")" "$(minutes "$limit")" "$result")")
}

# budget_end MINUTES: the table; fails where a share failed or all took longer than that.
budget_end() {
  local took=$((SECONDS - budget_begin)) limit=$(($1 * 60))
  printf '\n%-40s %7s %7s\n' share took 'up to' >&2
  printf '%s\n' "${budget_rows[@]}" >&2
  printf '%-40s %7s %7s\n' 'in all' "$(minutes "$took")" "$(minutes "$limit")" >&2
  if [ ${#budget_failed[@]} -gt 0 ]; then
    say "failed: $(printf '%s; ' "${budget_failed[@]}" | sed 's/; $//')"
    return 1
  fi
  if [ "$took" -gt "$limit" ]; then
    say "took longer than $1 minutes in all"
    return 1
  fi
}
