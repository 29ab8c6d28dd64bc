#!/bin/bash
# Debian packages: deb.sh tool|kernel, to $O/deb.
#   tool     bpfwd, as `make install prefix=/usr` lays it down
#   kernel   by the kernel's own bindeb-pkg, from the patched tree, with the configuration of
#            this machine's kernel and what the watchdog needs on top
# Environment: CONFIG=FILE instead of the configuration of the running kernel; DRY=1: configure
# the kernel and print what would be run.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

what=${1:-tool} deb=$O/deb
mkdir -p "$deb"
# The same commit makes the same package, to the byte.
SOURCE_DATE_EPOCH=$(git -C "$repo" log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
maintainer='bpfwd maintainers <bpfwd@bpfwd.example.org>'

tool() {
	local version arch stage=$deb/stage depends size
	version=$(sed -n 's/^VERSION *:= *//p' "$repo/watchdog/Makefile")
	arch=$(dpkg --print-architecture)
	rm -rf "$stage"
	mkdir -p "$stage/DEBIAN" "$deb/shlibs/debian"
	make -s -C "$repo/watchdog" O="$O" LIBBPF_A="${LIBBPF_A:-$O/libbpf/libbpf.a}" \
		LIBBPF_INC="${LIBBPF_INC:-$O/libbpf/include}" UAPI_INC="${UAPI_INC:-$O/uapi/include}" \
		V= DESTDIR="$stage" prefix=/usr install
	strip --strip-unneeded --remove-section=.comment --remove-section=.note "$stage/usr/sbin/bpfwd" "$stage/usr/libexec/bpfwd/bpfwd-serve"
	gzip -9n "$stage"/usr/share/man/man?/*
	install -d "$stage/usr/share/doc/bpfwd"
	printf '%s\n' 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/' '' \
		'Files: *' 'Copyright: 2026 the authors of bpfwd' 'License: GPL-2.0-only' \
		' See /usr/share/common-licenses/GPL-2.' >"$stage/usr/share/doc/bpfwd/copyright"
	printf 'bpfwd (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" "$maintainer" \
		"$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$stage/usr/share/doc/bpfwd/changelog.gz"
	install -d "$stage/usr/share/lintian/overrides"
	printf '%s\n' '# What the operator enabled by systemctl is disabled by it: deb-systemd-helper knows' \
		'# only links that it made itself.' 'bpfwd: maintainer-script-calls-systemctl [prerm:4]' \
		>"$stage/usr/share/lintian/overrides/bpfwd"
	(cd "$stage" && find etc -type f -printf '/%p\n') >"$stage/DEBIAN/conffiles"
	cat >"$stage/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
# not started: the operator says when (systemctl enable --now bpfwd)
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
END
	cat >"$stage/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now bpfwd.service bpfwd.socket || true
fi
END
	cat >"$stage/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ "$1" = purge ]; then
	rm -rf /var/cache/bpfwd
fi
END
	chmod 755 "$stage"/DEBIAN/{postinst,prerm,postrm}
	(cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$stage/DEBIAN/md5sums"
	printf 'Source: bpfwd\n\nPackage: bpfwd\nArchitecture: any\n' >"$deb/shlibs/debian/control"
	depends=$(cd "$deb/shlibs" && dpkg-shlibdeps -O "$stage"/usr/{sbin/bpfwd,libexec/bpfwd/bpfwd-serve} 2>/dev/null |
		sed -n 's/^shlibs:Depends=//p')
	[[ -n $depends ]] || die 'dpkg-shlibdeps finds no libraries'
	size=$(du -sk --exclude=DEBIAN "$stage" | cut -f1)
	cat >"$stage/DEBIAN/control" <<END
Package: bpfwd
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $size
Depends: $depends
Section: admin
Priority: optional
Description: control tool of the BPF runtime watchdog
 Shows how long BPF programs take and can take, sets budgets and policies,
 logs what the kernel's watchdog ends, and serves metrics. Needs a kernel
 with CONFIG_BPF_WATCHDOG; measures on any other.
END
	chmod -R u=rwX,go=rX "$stage"
	dpkg-deb --root-owner-group --build "$stage" "$deb/bpfwd_${version}_$arch.deb" >/dev/null
	rm -rf "$stage" "$deb/shlibs"
	say "deb: $deb/bpfwd_${version}_$arch.deb"
}

kernel() {
	local build=$KSRC/.deb config=${CONFIG:-/boot/config-$(uname -r)} run
	if [[ ! -r $config && -r /proc/config.gz ]]; then
		config=$deb/config.running
		zcat /proc/config.gz >"$config"
	fi
	[[ -r $config ]] || die "no configuration of a kernel at $config; try: CONFIG=FILE"
	mkdir -p "$build"
	kernel_env
	# without what only our tests need, and without keys that only its maker has
	grep -v '^CONFIG_BPF_WATCHDOG_TEST' "$configs/config" >"$deb/config.fragment"
	printf '%s\n' CONFIG_BPF_SYSCALL=y CONFIG_BPF_JIT=y CONFIG_BPF_EVENTS=y CONFIG_DEBUG_INFO_BTF=y \
		'CONFIG_SYSTEM_TRUSTED_KEYS=""' 'CONFIG_SYSTEM_REVOCATION_KEYS=""' >>"$deb/config.fragment"
	configure() {
		"$KSRC/scripts/kconfig/merge_config.sh" -m -O "$build" "$config" "$deb/config.fragment" &&
			make -C "$KSRC" O=.deb olddefconfig &&
			grep -qx CONFIG_BPF_WATCHDOG=y "$build/.config" && grep -qx CONFIG_DEBUG_INFO_BTF=y "$build/.config"
	}
	logged deb-config "configuring, from $config" configure
	run=(make -C "$KSRC" O=.deb -j"$jobs" KDEB_SOURCENAME=linux-bpfwd DEBEMAIL=bpfwd@bpfwd.example.org
		DEBFULLNAME='bpfwd maintainers' bindeb-pkg)
	if [[ ${DRY:-} == 1 ]]; then
		say "deb: would run: ${run[*]}"
		return
	fi
	type -P dh >/dev/null || die 'bindeb-pkg needs dh: apt-get install debhelper'
	logged deb-kernel "building packages, 10 min to some hours, as the configuration is" "${run[@]}"
	mv "$KSRC"/linux-{image,headers,libc-dev}*.deb "$deb/" 2>/dev/null || true
	rm -f "$KSRC"/linux-bpfwd_*.{changes,buildinfo}
	say "deb: $deb/"
}

case $what in
tool) tool ;;
kernel) kernel ;;
*) die "what is a package of $what?" ;;
esac
