#!/usr/bin/env bash
# Format of the files that were changed, and clang-tidy over as many of them as two minutes allow. Changed is what
# differs from the branch that CI compares with ($SLUICE_BASE), else from origin/main, else from the commit before.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
base=${SLUICE_BASE:-}
if [ -z "$base" ]; then
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then base=$(git rev-parse -q --verify HEAD~1 || git rev-parse HEAD); fi
fi
mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- '*.cpp' '*.hpp')
if [ ${#files[@]} -eq 0 ]; then
  echo "no C++ file differs from ${base:0:10}"
  exit 0
fi
clang-format --dry-run --Werror "${files[@]}"
echo "format: ${#files[@]} files are as clang-format has them"

# clang knows nothing of g++'s precompiled headers.
if [ ! -f build/tidy/compile_commands.json ] || [ CMakeLists.txt -nt build/tidy/compile_commands.json ]; then
  cmake -G Ninja -S . -B build/tidy -DSLUICE_PCH=OFF >/dev/null
fi
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(engine|config|actors|cluster|app)/.*\.cpp$' || true)
end=$((SECONDS + ${SLUICE_TIDY_SECONDS:-90}))
checked=0
while [ "$checked" -lt ${#sources[@]} ] && [ "$SECONDS" -lt "$end" ]; do
  some=("${sources[@]:checked:$(nproc)}")
  printf '%s\n' "${some[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy -p build/tidy --quiet \
    --extra-arg=-Wno-unknown-warning-option
  checked=$((checked + ${#some[@]}))
done
echo "clang-tidy: $checked of ${#sources[@]} changed files looked at; ./dev lint FILE... looks at the rest"
