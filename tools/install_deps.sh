#!/usr/bin/env bash
# Installs the Debian packages that are missing, and says which; prints nothing when all are there.
#   tools/install_deps.sh                  build and test
#   tools/install_deps.sh --lint           also clang-format and clang-tidy
#   tools/install_deps.sh --fuzz           also clang with its sanitizer runtime
#   tools/install_deps.sh --package        also what packs the .deb
# docs/dependencies.md says what each is for. Runs as root or through sudo. On another distribution, install their
# equivalents and call cmake directly.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config python3
  nlohmann-json3-dev libcli11-dev libfmt-dev libspdlog-dev libpcre2-dev libutf8proc-dev libssl-dev libedit-dev
  libcurl4-openssl-dev
  libgtest-dev libgmock-dev
)
for option in "$@"; do
  case "$option" in
    --lint) packages+=(clang-format-16 clang-tidy-16) ;;
    --fuzz) packages+=(clang-16 libclang-rt-16-dev llvm-16) ;;
    --bench) packages+=(libbenchmark-dev) ;;
    --package) packages+=(dpkg-dev file) ;;
    *) echo "install_deps.sh: unknown option $option; known: --lint --fuzz --bench --package" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "install_deps.sh: not a Debian system, nothing installed; needed are the equivalents of: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install_deps.sh: missing ${missing[*]}; not root and no sudo: run  apt-get install ${missing[*]}  as root" >&2
    exit 5
  fi
  as_root=(sudo)
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run_apt() {
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    echo "install_deps.sh: apt-get $1 failed (output above)" >&2
    exit 5
  fi
}
run_apt update
run_apt install -y --no-install-recommends "${missing[@]}"
echo "installed"
