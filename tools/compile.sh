# Builds with CMake and ninja. Sourced by ./dev.

# ccache and precompiled headers: https://ccache.dev/manual/4.7.5.html#_precompiled_headers
export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}

# Heavy files take about 1 GB each: no more of them at once than memory allows.
compile_jobs() {
  local jobs memory
  jobs=$(nproc)
  memory=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
  if [ "$memory" -ge 1 ] && [ "$memory" -lt "$jobs" ]; then jobs=$memory; fi
  echo "$jobs"
}

# Says how long a long build may take. A file takes 2.7 s of one core on the average (docs/adr has the figures).
say_how_long() {
  local folder=$1 target=$2 jobs=$3 files seconds
  files=$(ninja -C "$folder" -n "$target" 2>/dev/null | sed -n 's|^\[[0-9]*/\([0-9]*\)\].*|\1|p' | tail -n 1)
  seconds=$((${files:-0} * 27 / 10 / jobs))
  if [ "$seconds" -lt 60 ]; then return; fi
  say "$files files to compile: about $(((seconds + 59) / 60)) minutes on $jobs cores, once; less with what ccache has kept"
}

# compile FOLDER TARGET CMAKE_ARGUMENTS...
compile() {
  local folder=$1 target=$2 jobs
  shift 2
  if [ ! -f "$folder/build.ninja" ]; then cmake -G Ninja -S . -B "$folder" "$@" >/dev/null; fi
  say "building $target in $folder"
  jobs=$(compile_jobs)
  say_how_long "$folder" "$target" "$jobs"
  NINJA_STATUS='[%f/%t, %p, %e s] ' ninja -C "$folder" -j "$jobs" "$target"
}
