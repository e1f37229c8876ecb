#!/bin/sh
# Runs mdns.sh in namespaces of its own, shows what was said, and says whether it went to its end.
#
#   Tests/SystemTests/mdns-test.sh PROGRAM
set -u
[ "$(id -u)" -eq 0 ] || { echo "needs root, for namespaces: sudo make mdns-test"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
PATH=$PATH:/usr/sbin:/sbin
for tool in unshare ip nsenter mosquitto avahi-daemon dbus-daemon; do
    command -v $tool > /dev/null || { echo "$tool is not installed: apt install iproute2 mosquitto avahi-daemon dbus"; exit 77; }
done
work=$(mktemp -d /tmp/mdns-XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
unshare --net --mount --pid --fork --kill-child "$here/mdns.sh" "$program" "$work"
status=$?
[ $status -eq 0 ] && echo "found, moved, withdrawn, announced again: all as it should be"
exit $status
