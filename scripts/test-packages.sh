#!/bin/bash
# The kernel's package, made and booted: `make deb-kernel` with the configuration of the VM's
# kernel or CONFIG=FILE, which must be able to boot there; then a stall is ended on what the
# package brings. The package of the tool is under test in cli/systemd.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

runner=$O/selftests/runner
CONFIG=${CONFIG:-$KBUILD/.config} "$repo/scripts/deb.sh" kernel
image=$(find "$O/deb" -name 'linux-image-*.deb' ! -name '*-dbg_*' -newer "$O/deb/config.fragment")
[[ $(wc -l <<<"$image") == 1 && -n $image ]] || die "not one package of an image: $image"
root=$O/build/packages
rm -rf "$root"
mkdir -p "$root"
trap 'rm -rf "$root"' EXIT
dpkg-deb -x "$image" "$root"
kernel=$(echo "$root"/boot/vmlinuz-*)
release=${kernel##*/vmlinuz-}
say "packages: $(basename "$image"), $(du -h "$image" | cut -f1)"
KERNEL=$kernel "$repo/selftests/vm/run.sh" \
	"set -e; uname -r; [ \"\$(uname -r)\" = $release ]; bpfwd doctor; $runner -t stall_loop; $runner -t 'policy_rules/*'"
say "packages: $release boots, and ends what stalls"
