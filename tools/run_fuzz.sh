#!/usr/bin/env bash
# Runs every fuzz target, the seconds given (default 180) shared out evenly, and reports edges covered.
#   tools/run_fuzz.sh [seconds] [target regex]
# fuzz/corpus/<target>/ is the committed corpus, read only; what is found grows in build/fuzz/corpus/<target>/, inputs
# that break something land in build/fuzz/findings/. Exit status 1 with a finding.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-180}
only=${2:-.}
tools/install_deps.sh
tools/install_deps.sh --fuzz

jobs=$(nproc)
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --parallel "$jobs" --target fuzz_targets
mapfile -t targets < <(find build/fuzz/fuzz -maxdepth 1 -name '*_fuzz' -type f -printf '%f\n' | grep -E "$only" | sort)
if ((${#targets[@]} == 0)); then
  echo "run_fuzz.sh: no target matches $only" >&2
  exit 2
fi

rounds=$(((${#targets[@]} + jobs - 1) / jobs))
each=$((seconds / rounds))
((each > 0)) || each=1
echo "fuzz: ${#targets[@]} targets, $each s each, $jobs at a time"
mkdir -p build/fuzz/findings

fuzz_one() {
  local target=$1 seconds=$2
  local work=build/fuzz/corpus/$target log=build/fuzz/$target.log
  mkdir -p "$work" "fuzz/corpus/$target"
  local status=0
  local symbolizer
  symbolizer=$(command -v llvm-symbolizer-16 || true)
  # A parser may not need more memory than a multiple of its input: 512 MB in one piece is a finding.
  ASAN_SYMBOLIZER_PATH=$symbolizer ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "build/fuzz/fuzz/$target" "$work" "fuzz/corpus/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=512 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/findings/$target-" >"$log" 2>&1 </dev/null || status=$?
  local edges all runs
  edges=$(grep -oE 'cov: [0-9]+' "$log" | tail -1 | grep -oE '[0-9]+' || echo 0)
  all=$(grep -oE '\([0-9]+ inline 8-bit counters\)' "$log" | head -1 | grep -oE '[0-9]+' | head -1 || echo 0)
  runs=$(grep -oE 'number_of_executed_units: [0-9]+' "$log" | grep -oE '[0-9]+$' || echo 0)
  if ((status == 0)); then
    echo "ok      $target: $runs runs, $edges of $all edges"
  else
    echo "FAILED  $target (status $status), see $log"
    tail -40 "$log"
    return 1
  fi
}
export -f fuzz_one
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c "fuzz_one {} $each"
