#!/usr/bin/env bash
# deb.sh STAGE VERSION FILE: a Debian package of what package.sh has staged. The program and its own libraries stand
# together in /usr/lib/sluice, where no other package looks for libraries.
set -euo pipefail
stage=$1 version=$2 file=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/lib/sluice" "$root/usr/share/doc/sluice" \
  "$root/usr/share/bash-completion/completions" "$root/usr/lib/systemd/system" "$root/usr/lib/sysusers.d"
cp -r "$stage/bin" "$stage/lib" "$root/usr/lib/sluice/"
ln -s ../lib/sluice/bin/sluice "$root/usr/bin/sluice"
cp "$stage/LICENSE" "$root/usr/share/doc/sluice/copyright"
cp -r "$stage/licences" "$stage/examples" "$root/usr/share/doc/sluice/"
# A node as a service: `systemd-sysusers` makes its user.
here=$(dirname "${BASH_SOURCE[0]}")
cp "$here/systemd/sluice.service" "$root/usr/lib/systemd/system/"
cp "$here/systemd/sluice.sysusers" "$root/usr/lib/sysusers.d/sluice.conf"
cp "$here/systemd/node.yaml" "$here/kubernetes/cluster.yaml" "$root/usr/share/doc/sluice/"
"$stage/bin/sluice" completion bash >"$root/usr/share/bash-completion/completions/sluice"
chmod -R u=rwX,go=rX "$root/usr"
# The program needs the glibc that it was linked with, or a newer one.
glibc=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
cat >"$root/DEBIAN/control" <<TEXT
Package: sluice
Version: $version
Architecture: amd64
Maintainer: The Sluice authors <sluice@localhost>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: libc6 (>= $glibc)
Section: database
Priority: optional
Description: extracts, transforms and loads data
 Sluice runs pipelines that are written in YAML: files in, SQL expressions in
 between, files and tables out, in one process or spread over several nodes.
 Every row is loaded, filtered, aggregated or rejected with its reason.
TEXT
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zzstd -z6 --build "$root" "$file" >/dev/null
echo "$file"
