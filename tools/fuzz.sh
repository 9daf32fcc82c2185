# libFuzzer on the parsers of foreign bytes. Sourced by ./dev.

fuzz_build=build/fuzz
fuzz_targets=(csv_reader ndjson_reader expression_parser wire_decoder)

# run_fuzzer TARGET ARGUMENTS: inputs that break something are left in crashes/ of the build's folder.
run_fuzzer() {
  local target=$1
  shift
  # The Arrow libraries are built without AddressSanitizer: its marks on std::vector would be wrong.
  ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:allocator_may_return_null=1 \
    "$fuzz_build/tests/fuzz/fuzz_$target" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$fuzz_build/crashes/$target-" "$@"
}

# short_fuzz SECONDS: every target for that long, several at once. Only the parsers are compiled for it; what they call
# comes from the library of the ordinary build.
short_fuzz() {
  local target
  export fuzz_build=build/short-fuzz
  compile "$fuzz_build" all -DSLUICE_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-16 -DSLUICE_ENGINE="$root/build/libsluice_engine.a"
  mkdir -p "$fuzz_build/crashes"
  for target in "${fuzz_targets[@]}"; do mkdir -p "$fuzz_build/found/$target"; done
  export -f run_fuzzer
  printf '%s\n' "${fuzz_targets[@]}" | xargs -P "$(nproc)" -I{} bash -c \
    "run_fuzzer {} -max_total_time=$1 $fuzz_build/found/{} tests/fuzz/corpus/{} 2>&1 | tail -n 8; exit \${PIPESTATUS[0]}"
}

fuzz() {
  local seconds=30 keep=no target
  for argument in "$@"; do
    case $argument in
      --keep) keep=yes ;;
      *) seconds=$argument ;;
    esac
  done
  setup
  install_packages "${fuzz_packages[@]}"
  compile build/fuzz all -DSLUICE_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-16
  mkdir -p build/fuzz/crashes
  for target in "${fuzz_targets[@]}"; do
    mkdir -p "build/fuzz/found/$target"
    say "fuzzing $target for $seconds s"
    run_fuzzer "$target" -max_total_time="$seconds" "build/fuzz/found/$target" "tests/fuzz/corpus/$target"
    if [ "$keep" = yes ]; then run_fuzzer "$target" -merge=1 "tests/fuzz/corpus/$target" "build/fuzz/found/$target"; fi
  done
  compile build all
  say "reading 100,000 random files and comparing every cell with Python's csv and json modules"
  SLUICE_DIFFERENTIAL_FILES=${SLUICE_DIFFERENTIAL_FILES:-100000} SLUICE_DIFFERENTIAL_SEED=${SLUICE_DIFFERENTIAL_SEED:-$RANDOM} \
    ctest --test-dir build --output-on-failure --no-tests=error -R 'engine/sources/differential$'
  install_packages "${server_packages[@]}"
  say "comparing random expressions and relational cases with PostgreSQL for $((seconds * 20)) s"
  SLUICE_BINARY=$root/build/sluice PYTHONPATH=tests/support \
    "$deps/venv/bin/python" tests/postgres/differential_test.py --seconds $((seconds * 20))
}
