#!/usr/bin/env bash
# Installs the Debian packages that are missing and says which.
#   tools/install_packages.sh build         what it takes to build the program
#   tools/install_packages.sh build test    and what ./test needs on top
#   tools/install_packages.sh text          what tools/get_text.sh needs
set -euo pipefail

# The compiler and the libraries of cmake/dependencies.cmake.
build=(cmake ninja-build g++ pkg-config
  libdnnl-dev ocl-icd-opencl-dev libhwy-dev libfmt-dev libspdlog-dev nlohmann-json3-dev
  libcli11-dev zlib1g-dev libzstd-dev libpcre2-dev libutf8proc-dev libsimdjson-dev libedit-dev
  libcairo2-dev liblzma-dev libgtest-dev
  libcurl4-openssl-dev bubblewrap
  libsqlite3-dev libpqxx-dev libargon2-dev poppler-utils
  libboost1.81-dev libssl-dev prometheus-cpp-dev libtomlplusplus-dev)
# Format check, clang-tidy, fuzzers, repository checks.
test=(python3 git curl openssl nginx-light clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev libomp-14-dev
  chromium postgresql)
# The web app is built with npm, and tests use npm packages; any Node that is there will do.
command -v node >/dev/null && command -v npm >/dev/null || {
  build+=(nodejs npm ca-certificates)
  test+=(nodejs npm ca-certificates)
}

wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    text) wanted+=(python3) ;;
    *) echo "usage: $0 build|test|text ..." >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  # Not a Debian: nothing to ask, so go on and let CMake say what it does not find.
  echo "This is not a Debian system, so nothing is installed for you. parley needs what Debian calls:" >&2
  echo "  ${wanted[*]}" >&2
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
  root=()
elif command -v sudo >/dev/null; then
  root=(sudo)
else
  echo "error: these packages are missing, and there is neither root nor sudo to install them." >&2
  echo "Ask someone who is root to run:" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1
}
# The package lists of a fresh image are empty or old. One broken extra source is
# no reason to stop: what counts is whether the install works.
apt update || echo "warning: apt-get update had errors: $(grep -m1 '^[EW]:' "$log" || true)" >&2
if ! apt install -y --no-install-recommends "${missing[@]}"; then
  cat "$log" >&2
  echo "error: apt-get could not install the packages above (its words are just before this line)." >&2
  exit 1
fi
