# ./dev test: all tests in shares of a budget of time that a machine with two cores keeps. Sourced by ./dev.
# Large counts (./dev fuzz, ./dev lint, ./dev test --sanitize) are not part of it.
source tools/budget.sh

# run_ctest FOLDER JOBS ARGUMENTS...
run_ctest() {
  local folder=$1 jobs=$2
  shift 2
  UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir "$folder" --output-on-failure -j "$jobs" "$@"
}

all_packages() {
  setup
  install_packages "${server_packages[@]}" "${browser_packages[@]}" "${lint_packages[@]}" "${fuzz_packages[@]}" "${java_packages[@]}"
  maven_jars
  tests/services/fetch-kafka.sh
}

# The readers, the wire format and the flow control under AddressSanitizer and UBSan; the rest is linked as it is.
sanitized_tests() {
  compile build test_sanitized
  local folder arguments=()
  for folder in files formats sources wire flow; do arguments+=(--file "tests/engine/$folder/"); done
  ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
    build/tests/test_sanitized "${arguments[@]}"
}

test_everything() {
  share 'set-up and downloads' 1 all_packages
  if [ "$share_code" = 0 ]; then share 'build' 25 compile build all; fi
  if [ "$share_code" = 0 ]; then
    share 'format and clang-tidy on changed files' 2 tools/changed.sh
    share 'sanitizers: readers, wire, flow' 4 sanitized_tests
    # Many of them wait for their own processes: one more than there are cores.
    share 'tests' 6 run_ctest build "$(($(nproc) + 1))" --no-tests=error -LE 'services|chaos|web'
    share 'real servers, web page' 8 run_ctest build "$(nproc)" --no-tests=error -L 'services|web'
    share 'chaos and simulation' 2 run_ctest build "$(nproc)" --no-tests=error -L chaos
    share 'fuzz' 2 short_fuzz 6
  fi
  budget_end 50
}

# test_named [--sanitize] NAME...: only the entries of ctest that match one of the names.
test_named() {
  local folder=build arguments=() chosen=()
  for argument in "$@"; do
    case $argument in
      --sanitize) folder=build/sanitize arguments=(-DSLUICE_SANITIZE=ON) ;;
      *) chosen+=("$argument") ;;
    esac
  done
  setup
  install_packages "${server_packages[@]}" "${browser_packages[@]}" "${java_packages[@]}"
  maven_jars
  tests/services/fetch-kafka.sh
  compile "$folder" all "${arguments[@]}"
  say "running the tests of $folder"
  if [ ${#chosen[@]} -gt 0 ]; then
    run_ctest "$folder" "$(nproc)" --no-tests=error -R "$(IFS='|'; echo "${chosen[*]}")"
  else
    run_ctest "$folder" "$(nproc)" --no-tests=error
  fi
}
