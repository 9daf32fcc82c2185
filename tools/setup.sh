# What a build needs: Debian packages, Arrow C++, the tests' Python packages. Sourced by ./dev.

packages=(g++ cmake ninja-build ccache mold pkg-config git ca-certificates python3 python3-venv python3-pip
  libcaf-dev libmsgpack-cxx-dev libboost-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libsimdjson-dev
  libfast-float-dev libsqlite3-dev libssl-dev libxxhash-dev libzstd-dev liblz4-dev zlib1g-dev libbz2-dev libfmt-dev
  catch2 sqlite3 patchelf)
browser_packages=(chromium chromium-driver fonts-dejavu-core)  # for the tests of the web page
server_packages=(postgresql)  # the tests start servers of their own, see tests/services
lint_packages=(clang-format clang-tidy)
fuzz_packages=(clang-16 libclang-rt-16-dev)

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }

install_packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  say "installing Debian packages: ${missing[*]}"
  local become=()
  if [ "$(id -u)" != 0 ]; then become=(sudo); fi
  "${become[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${become[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# python_env NAME REQUIREMENTS: a virtual environment under .deps, made again when the requirements change.
python_env() {
  local env=$deps/$1 stamp
  stamp=$(sha256sum "$2" | cut -d' ' -f1)
  if [ "$(cat "$env/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  say "installing Python packages of $2"
  rm -rf "$env"
  python3 -m venv "$env"
  "$env/bin/pip" install -q --disable-pip-version-check --no-deps --require-hashes -r "$2"
  echo "$stamp" >"$env/.stamp"
}

# Arrow C++: an installed package (found by CMake) would do; otherwise the headers and libraries of the pinned wheel.
arrow() {
  local stamp
  stamp=$(sha256sum requirements/arrow.txt | cut -d' ' -f1)
  if [ "$(cat "$deps/arrow/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  say "unpacking Arrow C++ from the wheel pinned in requirements/arrow.txt"
  rm -rf "$deps/arrow" "$deps/wheels"
  mkdir -p "$deps/arrow"
  python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
    -d "$deps/wheels" -r requirements/arrow.txt
  python3 -m zipfile -e "$deps"/wheels/pyarrow-*.whl "$deps/arrow"
  rm -rf "$deps/wheels"
  echo "$stamp" >"$deps/arrow/.stamp"
}

setup() {
  install_packages "${packages[@]}"
  mkdir -p "$deps"
  arrow
  python_env venv requirements/test.txt
  python_env clients requirements/clients.txt
}
