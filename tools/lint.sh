#!/usr/bin/env bash
# Formatting, layers, and clang-tidy over src/. The last one needs build/release configured, which it does itself.
#   tools/lint.sh [--no-tidy | --recent]
# --recent: clang-tidy for what the last 25 commits touched; all units take two cores more than ten minutes.
# clang-tidy skips tests: the compilers' warnings and the sanitizers look at those.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/install_deps.sh
tools/install_deps.sh --lint

failed=0
mapfile -t sources < <(git ls-files -co --exclude-standard '*.h' '*.cc' '*.cu' '*.cuh')
check_format() {
  for file in "$@"; do
    clang-format-16 --dry-run -Werror "$file" 2>/dev/null || { echo "$file: not formatted; run  make format"; bad=1; }
  done
  return "${bad:-0}"
}
export -f check_format
printf '%s\n' "${sources[@]}" | xargs -r -P "$(nproc)" -n 20 bash -c 'check_format "$@"' check_format || failed=1
python3 tools/check_layers.py --warn-length || failed=1

if [[ ${1:-} != --no-tidy ]]; then
  cmake --preset release >/dev/null
  mapfile -t units < <(python3 tools/tidy_units.py build/release/compile_commands.json)
  if [[ ${1:-} == --recent ]]; then
    mapfile -t units < <(printf '%s\n' "${units[@]}" |
      grep -F -f <(git log -n 25 --no-merges --format= --name-only -- 'src/*.cc' | sort -u | sed 's|^|/|') || true)
    echo "clang-tidy: ${#units[@]} units of the last 25 commits"
  fi
  printf '%s\n' "${units[@]}" | sed '/^$/d' |
    xargs -r -P "$(nproc)" -n 1 clang-tidy-16 -p build/release/tidy --quiet 2>/dev/null || failed=1
fi
((failed)) || echo "lint: clean"
exit "$failed"
