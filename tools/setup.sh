# What a build needs: Debian packages, Arrow C++, librdkafka, the tests' Python packages. Sourced by ./dev.

packages=(g++ cmake ninja-build ccache mold pkg-config git ca-certificates python3 python3-venv python3-pip
  libcaf-dev libmsgpack-cxx-dev libboost-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libsimdjson-dev
  libfast-float-dev libpq-dev librabbitmq-dev librdkafka-dev libsqlite3-dev libssl-dev libxxhash-dev libzstd-dev liblz4-dev zlib1g-dev
  libbz2-dev libfmt-dev libcurl4-openssl-dev catch2 sqlite3 patchelf)
# The tests start servers of their own, see tests/services.
server_packages=(postgresql rabbitmq-server openjdk-17-jre-headless maven)
browser_packages=(chromium chromium-driver fonts-dejavu-core)  # for the tests of the web page
lint_packages=(clang-format clang-tidy)
java_packages=(openjdk-17-jdk-headless maven)  # clients/java
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

# unpack_wheel NAME REQUIREMENTS: the files of a pinned wheel in .deps/NAME, unpacked again when the requirements change.
unpack_wheel() {
  local folder=$deps/$1 stamp
  stamp=$(sha256sum "$2" | cut -d' ' -f1)
  if [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  say "unpacking the wheel pinned in $2"
  rm -rf "$folder" "$deps/wheels"
  mkdir -p "$folder"
  python3 -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --platform manylinux_2_28_x86_64 \
    -d "$deps/wheels" -r "$2"
  python3 -m zipfile -e "$deps"/wheels/*.whl "$folder"
  rm -rf "$deps/wheels"
  echo "$stamp" >"$folder/.stamp"
}

# The jars that clients/java is built and tested with. Each must be in requirements/maven.sha256; Maven then works offline.
maven_jars() {
  local stamp work
  stamp=$(cat requirements/maven.sha256 clients/java/pom.xml | sha256sum | cut -d' ' -f1)
  if [ "$(cat "$deps/maven/.stamp" 2>/dev/null)" = "$stamp" ]; then return; fi
  say "fetching the jars of clients/java"
  rm -rf "$deps/maven"
  work=$(mktemp -d)
  cp -r clients/java/pom.xml clients/java/src "$work"
  (cd "$work" && mvn -q -B "-Dmaven.repo.local=$deps/maven" -Dtest=FaultTest verify)
  rm -rf "$work"
  (cd "$deps/maven" && find . -name '*.jar' -print0 | sort -z | xargs -0 sha256sum | diff - "$root/requirements/maven.sha256")
  echo "$stamp" >"$deps/maven/.stamp"
}

setup() {
  install_packages "${packages[@]}"
  mkdir -p "$deps"
  unpack_wheel arrow requirements/arrow.txt  # Arrow C++: headers and libraries, unless CMake finds an installed package
  unpack_wheel kafka requirements/kafka.txt  # librdkafka
  python_env venv requirements/test.txt
  python_env clients requirements/clients.txt
  python_env lineage requirements/lineage.txt
}
