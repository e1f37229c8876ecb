#!/bin/sh
# Builds the Debian package for this machine's architecture: build/vebridge_VERSION_ARCH.deb.
#
#   packaging/deb.sh            builds the program, then the package
#   packaging/deb.sh --no-build packs .build-deb/release/vebridge as it is
#
# The program brings Swift's runtime with it; what it needs of Debian, dpkg-shlibdeps finds out.
set -eu
cd "$(dirname "$0")/.."

SWIFT=${SWIFT:-swift}
program=.build-deb/release/vebridge
if [ "${1:-}" != "--no-build" ]; then
    "$SWIFT" build -c release --product vebridge --static-swift-stdlib --scratch-path .build-deb
fi

version=$("$program" --version)
stage=.build-deb/package
tree=$stage/vebridge-$version
rm -rf "$stage"
mkdir -p "$tree/examples" "$tree/docs"

# The folder that dh works in: packaging/debian, a change log of one entry, and the files that it installs.
cp -r packaging/debian "$tree/debian"
# Built twice of the same source, the package is the same: its date is that of the last change.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
cat >"$tree/debian/changelog" <<END
vebridge ($version) stable; urgency=medium

  * Version $version.

 -- The vebridge authors <vebridge@example.org>  $(date -R -d "@$SOURCE_DATE_EPOCH")
END
cp systemd/vebridge.service "$tree/debian/vebridge.service"
for kind in path service; do
    cp "systemd/vebridge-update.$kind" "$tree/debian/vebridge.vebridge-update.$kind"
done
cp udev/60-vebridge.rules "$tree/debian/vebridge.udev"
cp udev/86-vebridge-brltty.rules "$tree/debian/vebridge.vebridge-brltty.udev"
cp README.md "$tree/"
cp docs/*.md docs/*.svg "$tree/docs/"
cp packaging/vebridge.1 "$tree/"
cp packaging/vebridge.toml.example "$tree/examples/vebridge.toml"
cp systemd/80-can0.network "$tree/examples/"
cp udev/61-vebridge-multiplexers.rules udev/86-vebridge-brltty.rules "$tree/examples/"

files=$tree/root
install -D -m 755 "$program" "$files/usr/bin/vebridge"
install -D -m 644 packaging/vebridge.toml "$files/etc/vebridge/vebridge.toml"
install -D -m 644 systemd/modules-load.conf "$files/usr/lib/modules-load.d/vebridge.conf"
for shell in bash:usr/share/bash-completion/completions/vebridge zsh:usr/share/zsh/vendor-completions/_vebridge \
    fish:usr/share/fish/vendor_completions.d/vebridge.fish; do
    mkdir -p "$files/$(dirname "${shell#*:}")"
    # Completions are read by a shell and never run.
    "$program" --generate-completion-script "${shell%%:*}" | sed '1{/^#!/d}' >"$files/${shell#*:}"
done

(cd "$tree" && dpkg-buildpackage -b -us -uc >"../build.log" 2>&1) || { tail -n 30 "$stage/build.log" >&2; exit 1; }
mkdir -p build
mv "$stage"/vebridge_*.deb build/
ls -l build/vebridge_"$version"_*.deb
