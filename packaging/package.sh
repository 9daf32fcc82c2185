#!/usr/bin/env bash
# package.sh BUILD: makes the packages of the program BUILD/sluice under BUILD/package and prints their paths:
#   sluice-VERSION-linux-x86_64.tar.gz   one folder that may stand anywhere
#   sluice_VERSION_amd64.deb             for apt on Debian 12 or newer
#   sluice-VERSION-py3-none-*.whl        for pip; it holds the program, no Python code
# All three have the libraries that the program needs beside glibc, and the licences of what is linked. The program
# finds its libraries relative to itself.
set -euo pipefail
build=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's/^project(sluice VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
out=$build/package
name=sluice-$version-linux-x86_64
stage=$out/$name
rm -rf "$out"
mkdir -p "$stage/bin" "$stage/lib" "$stage/licences"

cp "$build/sluice" "$stage/bin/sluice"
strip "$stage/bin/sluice"
patchelf --set-rpath '$ORIGIN/../lib' "$stage/bin/sluice"
# The libraries of the program and those that are loaded when they are first used. glibc and the loader belong to the system
# that the program runs on.
readarray -t late <"$build/late/libraries.txt"
{ printf '%s\n' "${late[@]}"; ldd "$build/sluice" "${late[@]}" | awk '$2 == "=>" && $3 ~ /^\// {print $3}'; } | sort -u |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|ld-linux-x86-64)\.so' | while read -r library; do
  soname=$(patchelf --print-soname "$library")
  cp -L "$library" "$stage/lib/$soname"
  patchelf --set-rpath '$ORIGIN' "$stage/lib/$soname"
  owner=$(dpkg-query -S "$(realpath "$library")" 2>/dev/null | head -n 1 | cut -d: -f1 || true)
  if [ -n "$owner" ] && [ -f "/usr/share/doc/$owner/copyright" ]; then
    cp "/usr/share/doc/$owner/copyright" "$stage/licences/$owner.txt"
  fi
done
cp LICENSE "$stage/LICENSE"
cp LICENSES-third-party.md "$stage/licences/"
find -L .deps/arrow -maxdepth 4 -iname 'LICENSE*' -exec cp {} "$stage/licences/arrow.txt" \; -quit
find -L .deps/kafka -maxdepth 4 -path '*confluent_kafka*licenses/LICENSE' -exec cp {} "$stage/licences/librdkafka.txt" \; -quit
cp -r examples "$stage/examples"
rm -rf "$stage/examples/data/make.py"
tar -C "$out" -czf "$out/$name.tar.gz" "$name"
echo "$out/$name.tar.gz"
"$here/deb.sh" "$stage" "$version" "$out/sluice_${version}_amd64.deb"
python3 "$here/wheel.py" "$stage" "$version" "$out"
