#!/bin/sh
# Installs the Debian packages that building or testing vebridge needs, if any is missing.
#
#   packaging/setup.sh build     what the compiler and linker need
#   packaging/setup.sh deb       that, and what a Debian package is built with
#   packaging/setup.sh test      what 'build' installs, and a broker to test against and to run the demo with
#   packaging/setup.sh machine   what 'build' and 'deb' install, and what a virtual machine is made and run with
#
# As root it installs them itself, else with sudo; where neither works it names them and exits with 1.
set -eu

build="libmosquitto-dev libudev-dev libssl-dev libsqlite3-dev pkg-config"
deb="debhelper dpkg-dev lintian"
test="mosquitto mosquitto-clients python3"
machine="qemu-system-x86 mmdebstrap openssl e2fsprogs cpio kmod busybox-static xz-utils python3"

case "${1:-}" in
    build) wanted=$build ;;
    deb) wanted="$build $deb" ;;
    test) wanted="$build $test" ;;
    machine) wanted="$build $deb $machine" ;;
    *) echo "usage: $0 build|deb|test|machine" >&2; exit 2 ;;
esac

if ! command -v swift >/dev/null 2>&1; then
    echo "Swift 6.2 or later is needed, and there is no 'swift' on the PATH: see https://www.swift.org/install/linux/" >&2
    exit 1
fi

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

give_up() {
    echo "These packages are needed and could not be installed:$missing" >&2
    echo "As root:  apt-get install --no-install-recommends$missing" >&2
    exit 1
}

if ! command -v apt-get >/dev/null 2>&1; then give_up; fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    give_up
fi

echo "installing:$missing" >&2
# The lists of packages may be there already, and fetching them anew may fail without harm: installing decides.
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# shellcheck disable=SC2086 # the words are meant to be split
$as_root apt-get update -qq >&2 || true
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >&2 || give_up
