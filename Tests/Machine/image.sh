#!/bin/sh
# Makes the machine that machine_test.py boots, of Debian's own packages, in a folder outside git:
#
#   Tests/Machine/image.sh build/machine
#
#   vmlinuz       the kernel of linux-image-amd64
#   initrd.cpio   busybox, and the drivers with which the root file system is found
#   root.ext4     Debian with systemd, udev, a broker and CAN's tools; nothing of vebridge
#   status        what dpkg knows of it: which of vebridge's dependencies are missing there
#
# It is made once, a minute of work and 150 MB of packages, and again when this folder's files change.
# SUITE and MIRROR say which Debian: this machine's own, unless told, because the package is built for that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: $0 FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
# shellcheck source=/dev/null
SUITE=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Codename: $SUITE" | head -n 1)}
if [ -z "$MIRROR" ]; then
    echo "apt has no mirror of $SUITE: name one as MIRROR" >&2
    exit 1
fi
arch=amd64

# What the guest is made of, in one word: the same word, the same guest.
mark=$(cat "$here/image.sh" "$here"/guest/* | sha256sum | cut -c 1-16)-$SUITE
if [ "$(cat "$folder/mark" 2>/dev/null)" = "$mark" ]; then exit 0; fi
rm -f "$folder/mark"

# ModemManager and brltty are what takes ports on other machines; they stand by until they are started.
packages="systemd systemd-sysv udev kmod dbus iproute2 procps mosquitto can-utils modemmanager brltty curl
    mosquitto-clients"
# Drivers of the emulated machine, of USB and serial ports, and of CAN. Others on which they stand come by themselves.
early="virtio_pci virtio_blk ext4 crc32c_generic"
late="virtio_console virtio_net virtio_rng xhci_pci usbserial ftdi_sio cp210x ch341 pl2303 cdc_acm
    can can_raw can_bcm can_gw can_dev vcan slcan kvaser_pci rtc_cmos autofs4 efivarfs"

# The kernel: which package linux-image-amd64 stands for changes, so apt is asked.
kernel=$(apt-cache depends "linux-image-$arch" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
if [ -z "$kernel" ]; then
    echo "apt knows no linux-image-$arch: run 'apt-get update' first" >&2
    exit 1
fi
release=${kernel#linux-image-}
mkdir -p "$folder/packages"
if ! ls "$folder/packages/${kernel}_"*.deb >/dev/null 2>&1; then
    echo "fetching $kernel" >&2
    # Only apt's own user drops its rights for a download; the folder need not be open to it.
    (cd "$folder/packages" && apt-get download -qq -o APT::Sandbox::User=root "$kernel")
fi
as_root=""
work=$(mktemp -d "$folder/work.XXXXXX")
trap '$as_root rm -rf "$work"' EXIT
echo "unpacking $kernel" >&2
dpkg -x "$folder/packages/${kernel}_"*.deb "$work/kernel"
modules=lib/modules/$release
cp "$work/kernel/boot/vmlinuz-$release" "$work/vmlinuz"
/sbin/depmod -b "$work/kernel" "$release"

# with_modules TREE MODULE...: the modules and those that they need, and their index.
with_modules() {
    tree=$1
    shift
    mkdir -p "$tree/$modules"
    for name in "$@"; do
        # A driver that is part of the kernel itself, or that this kernel lacks, is no file.
        /sbin/modprobe -d "$work/kernel" -S "$release" --show-depends --ignore-install "$name" 2>/dev/null || true
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r file; do
        path=${file#"$work/kernel/"}
        install -D -m 644 "$file" "$tree/$path"
    done
    cp "$work/kernel/$modules/modules.order" "$work/kernel/$modules/modules.builtin" \
        "$work/kernel/$modules/modules.builtin.modinfo" "$tree/$modules/"
    /sbin/depmod -b "$tree" "$release"
}

# The first minute of the machine: find the disk, go there.
mkdir -p "$work/initrd/bin" "$work/initrd/dev" "$work/initrd/proc" "$work/initrd/sys" "$work/initrd/root"
# shellcheck disable=SC2086 # the words are meant to be split
with_modules "$work/initrd" $early
cp "$(command -v busybox)" "$work/initrd/bin/busybox"
install -m 755 "$here/guest/init" "$work/initrd/init"
echo "$early" >"$work/initrd/drivers"
(cd "$work/initrd" && find . | cpio -o -H newc --quiet -R 0:0) >"$work/initrd.cpio"

mkdir -p "$work/drivers"
# shellcheck disable=SC2086
with_modules "$work/drivers" $early $late

# The root file system. Its files have their owners, and its packages are installed as in any Debian: as root.
if [ "$(id -u)" -ne 0 ]; then as_root="sudo"; fi
echo "installing Debian $SUITE: $packages" >&2
cat >"$work/finish" <<END
#!/bin/sh
set -eu
root=\$1
cp -r "$work/drivers/lib/modules" "\$root/usr/lib/"
install -m 755 "$here/guest/agent" "\$root/usr/local/sbin/machine-agent"
install -m 644 "$here/guest/machine-agent.service" "\$root/etc/systemd/system/"
install -m 644 "$here/guest/10-eth0.network" "\$root/etc/systemd/network/"
install -m 644 "$here/guest/mosquitto.conf" "\$root/etc/mosquitto/conf.d/machine.conf"
echo machine >"\$root/etc/hostname"
printf '127.0.0.1 localhost machine\n' >"\$root/etc/hosts"
printf '/dev/vda / ext4 defaults 0 1\n' >"\$root/etc/fstab"
chroot "\$root" systemctl --quiet enable machine-agent.service systemd-networkd.service mosquitto.service
chroot "\$root" systemctl --quiet disable ModemManager.service brltty.service
# Nobody logs in, and there is no more than one boot to be remembered.
chroot "\$root" systemctl --quiet mask getty@tty1.service serial-getty@ttyS0.service getty.target apt-daily.timer \\
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-firstboot.service \\
    systemd-hwdb-update.service
: >"\$root/etc/machine-id"
cp "\$root/var/lib/dpkg/status" "$work/status"
rm -rf "\$root"/usr/share/doc/* "\$root"/usr/share/locale/* "\$root"/var/lib/apt/lists/* "\$root"/var/cache/apt/*
# Without what is mounted in it for the time of the installation.
cp -ax "\$root" "$work/tree"
# mmdebstrap forbids services to be started while it works, and would take this away only after us.
rm -f "$work/tree/usr/sbin/policy-rc.d" "$work/tree/etc/resolv.conf" "$work"/tree/etc/apt/apt.conf.d/99mmdebstrap
if [ -e "$work/tree/sbin/start-stop-daemon.REAL" ]; then
    mv "$work/tree/sbin/start-stop-daemon.REAL" "$work/tree/sbin/start-stop-daemon"
fi
mke2fs -q -t ext4 -d "$work/tree" -L machine "$work/root.ext4" 700M
rm -rf "$work/tree"
END
chmod 755 "$work/finish"
# shellcheck disable=SC2086 # the words are meant to be split
$as_root mmdebstrap --mode=root --quiet --variant=minbase --format=null --include="$(echo $packages | tr ' ' ',')" \
    --customize-hook="$work/finish \"\$1\"" "$SUITE" - "$MIRROR"

$as_root chown "$(id -u):$(id -g)" "$work/root.ext4" "$work/status"
for file in vmlinuz initrd.cpio root.ext4 status; do mv "$work/$file" "$folder/$file"; done
echo "$mark" >"$folder/mark"
echo "made $folder: $kernel, Debian $SUITE" >&2
