#!/bin/bash
# Two machines in one: here vebridge, D-Bus and avahi-daemon, there a broker that avahi-daemon announces, a cable
# between. Announced, moved to another address, withdrawn and announced again; the words of vebridge go to standard
# output, with a line "step NAME" before each.
#
#   unshare --net --mount --pid --fork --kill-child Tests/SystemTests/mdns.sh PROGRAM WORK
#
# Needs root, ip, mosquitto, avahi-daemon and dbus-daemon. Exit 77: it cannot be done on this machine.
set -u
program=$1
work=$2
cd "$work" || exit 77

impossible() { echo "impossible: $*"; exit 77; }

mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run || impossible "no mounts of our own"
mkdir -p /run/dbus /run/avahi-daemon here
ip link set lo up || impossible "no network of our own"

# There: namespaces of its own, with its own /run and /etc/avahi/services.
mkdir -p there/services there/run
unshare --net --mount sleep 1000 &
there=$!
until [ "$(readlink "/proc/$there/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
over() { nsenter -t "$there" --net --mount "$@"; }
ip link add here0 type veth peer name there0 netns "$there" || impossible "no cable"
ip addr add 10.87.0.1/24 dev here0 && ip link set here0 up multicast on
over mount -t tmpfs tmpfs /run && over mkdir -p /run/avahi-daemon
mkdir -p /etc/avahi/services && over mount --bind "$work/there/services" /etc/avahi/services || impossible "no bind mount"
over ip link set lo up
over ip addr add 10.87.0.2/24 dev there0
over ip link set there0 up multicast on

cat > here/bus.conf <<CONF
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/>
    <allow receive_type="signal"/><allow send_type="signal"/>
  </policy>
</busconfig>
CONF
avahi_conf() { # host, interface, D-Bus
    printf '[server]\nhost-name=%s\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces=%s\nenable-dbus=%s\nratelimit-interval-usec=1000\nratelimit-burst=1000\n[wide-area]\nenable-wide-area=no\n[publish]\npublish-workstation=no\n' "$1" "$2" "$3"
}
avahi_conf herehost here0 yes > here/avahi.conf
avahi_conf brokerhost there0 no > there/avahi.conf
printf 'listener 1883 0.0.0.0\nallow_anonymous true\nuser root\n' > there/mosquitto.conf

dbus-daemon --config-file="$work/here/bus.conf" --nofork --nopidfile > here/bus.log 2>&1 &
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket
until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; kill -0 $! || impossible "no D-Bus: $(cat here/bus.log)"; done
start_avahi() {
    avahi-daemon --no-drop-root --no-rlimits --no-chroot -f "$work/here/avahi.conf" >> here/avahi.log 2>&1 &
    avahi=$!
}
start_avahi
over avahi-daemon --no-drop-root --no-rlimits --no-chroot -f "$work/there/avahi.conf" > there/avahi.log 2>&1 &
over mosquitto -c "$work/there/mosquitto.conf" > there/mosquitto.log 2>&1 &

announce() { # name, type, port
    printf '<?xml version="1.0" standalone="no"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd"><service-group><name>%s</name><service><type>%s</type><port>%s</port></service></service-group>' \
        "$1" "$2" "$3" > "there/services/$1.tmp" && mv "there/services/$1.tmp" "there/services/$1.service"
    over avahi-daemon --reload -f "$work/there/avahi.conf"
}
withdraw() { rm -f "there/services/$1.service"; over avahi-daemon --reload -f "$work/there/avahi.conf"; }

# Waits for words in what vebridge says after the last step, and tells them.
seen=0
expect() {
    for _ in $(seq 1 300); do
        if tail -n +$((seen + 1)) vebridge.log | grep -q -- "$1"; then
            tail -n +$((seen + 1)) vebridge.log
            seen=$(wc -l < vebridge.log)
            return
        fi
        sleep 0.1
    done
    echo "missing: $1"
    tail -n +$((seen + 1)) vebridge.log
    tail -n 5 here/avahi.log there/avahi.log there/mosquitto.log
    exit 1
}

printf '[bridge]\nstate_directory = "%s/state"\n' "$work" > vebridge.toml
mkdir -p state
: > vebridge.log
"$program" --config vebridge.toml --ports '/dev/no-such-port-*' --broker mdns: > vebridge.log 2>&1 &
bridge=$!

echo "step none"; expect "no broker announces itself"
echo "step announced"; announce boat _mqtt._tcp 1883; expect "broker connected"
echo "step moved"
over ip addr add 10.87.0.3/24 dev there0
over ip addr del 10.87.0.2/24 dev there0
over ip addr add 10.87.0.3/24 dev there0 2> /dev/null
expect "broker connected"
echo "step withdrawn"; withdraw boat; expect "announced no more"
echo "step returned"; announce boat _mqtt._tcp 1883; expect "announced again"
echo "step deaf"
kill -KILL $avahi
wait $avahi 2> /dev/null
expect "cannot look for a broker at present"
echo "step listening"
rm -f /run/avahi-daemon/pid
start_avahi
over ip addr add 10.87.0.2/24 dev there0
over ip addr del 10.87.0.3/24 dev there0
over ip addr add 10.87.0.2/24 dev there0 2> /dev/null
expect "broker connected"
echo "step remembered"; cat state/found-broker
kill -TERM $bridge
wait $bridge
echo "step ended $?"

# A broker named by its host, which only multicast DNS knows.
"$program" --ports '/dev/no-such-port-*' --broker mqtt://brokerhost.local > vebridge.log 2>&1 &
bridge=$!
seen=0
echo "step named"; expect "broker connected"
kill -TERM $bridge
wait $bridge
echo "step ended $?"
