# What goes wrong, by seed: real programs and servers, simulated runs, and single calls. Sourced by ./dev.

run_simulation() { build/tests/test_actors --file tests/actors/simulation_test.cpp; }

run_python() {
  SLUICE_BINARY=$root/build/sluice SLUICE_PROOF=$root/build/sluice_proof PYTHONPATH=tests/support "$deps/venv/bin/python" "$@"
}

chaos() {
  local how=${1:-all} first=$((RANDOM * 32768 + RANDOM + 1))
  setup
  install_packages "${server_packages[@]}"
  compile build all
  case $how in
    --simulate)
      SLUICE_CHAOS_SEEDS=${2:?how many} SLUICE_CHAOS_SEED=${3:-1} run_simulation
      ;;
    --points)
      SLUICE_CHAOS_SEED=${3:-$first} SLUICE_CHAOS_SECONDS=${2:-100} run_python tests/chaos/killed_anywhere_test.py
      ;;
    --every-kill) SLUICE_ALL_KILLS=1 run_python tests/app/killed_anywhere_test.py ;;
    --planted)
      tests/services/fetch-kafka.sh
      run_python tests/chaos/planted.py "${@:2}"
      ;;
    --*)
      tests/services/fetch-kafka.sh
      run_python tests/chaos/chaos.py "$@"
      ;;
    all)
      tests/services/fetch-kafka.sh
      say "simulated runs for 100 s, from seed $first on"
      SLUICE_CHAOS_SEED=$first SLUICE_CHAOS_SECONDS=100 run_simulation
      say "real runs and servers, seed $first"
      run_python tests/chaos/chaos.py --seed "$first" --minutes 10
      ;;
    *)
      echo "unknown: ./dev chaos $1" >&2
      exit 2
      ;;
  esac
}
