#!/usr/bin/env bash
# Makes BUILD/package/sluice-VERSION-linux-x86_64.tar.gz: bin/sluice, lib/ with every library that it needs beside
# glibc, and the licences of what is linked. The program finds its libraries by $ORIGIN, so the folder may stand anywhere.
set -euo pipefail
build=$1
version=$(sed -n 's/^project(sluice VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=sluice-$version-linux-x86_64
stage=$build/package/$name
rm -rf "$stage"
mkdir -p "$stage/bin" "$stage/lib" "$stage/licences"

cp "$build/sluice" "$stage/bin/sluice"
strip "$stage/bin/sluice"
patchelf --set-rpath '$ORIGIN/../lib' "$stage/bin/sluice"
# glibc and the loader belong to the system that the program runs on.
ldd "$build/sluice" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' |
  grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|ld-linux-x86-64)\.so' | while read -r library; do
  cp -L "$library" "$stage/lib/"
  patchelf --set-rpath '$ORIGIN' "$stage/lib/$(basename "$library")"
  owner=$(dpkg-query -S "$(realpath "$library")" 2>/dev/null | head -n 1 | cut -d: -f1 || true)
  if [ -n "$owner" ] && [ -f "/usr/share/doc/$owner/copyright" ]; then
    cp "/usr/share/doc/$owner/copyright" "$stage/licences/$owner.txt"
  fi
done
cp LICENSE "$stage/LICENSE"
cp LICENSES-third-party.md "$stage/licences/"
find -L .deps/arrow -maxdepth 4 -iname 'LICENSE*' -exec cp {} "$stage/licences/arrow.txt" \; -quit
cp -r examples "$stage/examples"
rm -rf "$stage/examples/data/make.py"
tar -C "$build/package" -czf "$build/package/$name.tar.gz" "$name"
echo "$build/package/$name.tar.gz"
