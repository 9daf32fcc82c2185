# Seeds and kill points beyond those of `./dev test`. Sourced by ./dev.

run_simulation() { build/tests/test_actors --file tests/actors/simulation_test.cpp; }

run_kills() {
  SLUICE_BINARY=$root/build/sluice PYTHONPATH=tests/support "$deps/venv/bin/python" "$@"
}

chaos() {
  local seconds=100 seeds='' first=$((RANDOM * 32768 + RANDOM + 1))
  case ${1:-} in
    --seeds)
      seeds=${2:?how many}
      first=${3:-1}
      ;;
    --seed) seeds=1 first=${2:?which} ;;
    --kills) first=${2:?which} ;;
    --every-kill) ;;
    '' | [0-9]*) seconds=${1:-$seconds} ;;
    *)
      echo "unknown: ./dev chaos $1" >&2
      exit 2
      ;;
  esac
  setup
  compile build all
  case ${1:-} in
    --seeds | --seed) SLUICE_CHAOS_SEED=$first SLUICE_CHAOS_SEEDS=$seeds run_simulation ;;
    --kills) SLUICE_CHAOS_SEED=$first SLUICE_CHAOS_SECONDS=$seconds run_kills tests/chaos/killed_anywhere_test.py ;;
    --every-kill) SLUICE_ALL_KILLS=1 run_kills tests/app/killed_anywhere_test.py ;;
    *)
      say "simulated runs for $seconds s, from seed $first on"
      SLUICE_CHAOS_SEED=$first SLUICE_CHAOS_SECONDS=$seconds run_simulation
      say "killing real runs for $seconds s, seed $first"
      SLUICE_CHAOS_SEED=$first SLUICE_CHAOS_SECONDS=$seconds run_kills tests/chaos/killed_anywhere_test.py
      ;;
  esac
}
