#!/bin/sh
# Makes the packages of NAME.spec. With a SOURCE they are compiled from the original tarball of it that Debian's pool has.
set -eu
cd /root/rpmbuild
tarball=$([ -z "${2-}" ] || basename "$(ls SOURCES/"$2"_*.orig.tar.?z)")
version=${tarball#*_}
rpmbuild -bb --quiet --define "_buildshell /bin/bash" --define "upstream ${version%.orig.tar.*}" \
    --define "tarball $tarball" "SPECS/$1.spec" >/root/log 2>&1 || { tail -n 40 /root/log >&2; exit 1; }
