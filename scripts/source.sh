#!/bin/bash
# The kernel source as git trees: $O/linux (branch watchdog) and $O/vanilla (tag base).
# From the Debian package that kernel-patches/$KVER/BASE names, or from LINUX_SRC=DIR.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

base() { sed -n "s/^$1  *//p" "$patches/BASE"; }
package=$(base package) version=$(base version) tarball=$(base tarball) sha256=$(base sha256)

# apt with its own sources, lists and cache, on the mirror that the machine uses
# anyway; the system's configuration is not touched.
private_apt() {
	local dir=$O/src/apt release site arch
	arch=$(dpkg --print-architecture)
	mkdir -p "$dir"/{etc/preferences.d,lists/partial,cache/archives/partial}
	: >"$dir/status"
	# shellcheck disable=SC2016 # apt's own format
	site=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
		sed -n '/security/d; s/^Debian //p' | sort -u | head -n 1)
	[[ -n $site ]] || return 1
	: >"$dir/sources.list"
	for release in trixie bookworm-backports trixie-backports; do
		printf 'deb [arch=%s signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
			"$arch" "$site" "$release" >>"$dir/sources.list"
	done
	apt_args=(-o "Dir::Etc::SourceList=$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null
		-o "Dir::State::Lists=$dir/lists" -o "Dir::State::Status=$dir/status"
		-o "Dir::Cache=$dir/cache" -o "Dir::Etc::PreferencesParts=$dir/etc/preferences.d"
		-o Dir::Etc::Preferences=/dev/null -o "APT::Architecture=$arch"
		-o Acquire::Languages=none -o APT::Sandbox::User= -o APT::Update::Error-Mode=any)
	logged source-lists 'private package lists, since this release lacks the kernel source, about 20 s' \
		apt-get "${apt_args[@]}" update ||
		[[ -n $(versions) ]]
}
versions() {
	apt-cache "${apt_args[@]}" madison "$package" 2>/dev/null | awk '$5 != "Sources" && /Packages/ { print $3 }'
}
candidate() {
	apt-cache "${apt_args[@]}" policy "$package" 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p'
}

download() {
	local want deb
	mkdir -p "$O/src"
	deb=$(find "$O/src" -maxdepth 1 -name "${package}_${version}_*.deb" | head -n 1)
	if [[ -z $deb ]]; then
		apt_args=()
		if [[ -z $(candidate) ]]; then
			as_root apt-get update >/dev/null 2>&1 || true
		fi
		[[ -n $(candidate) ]] || private_apt ||
			die "no package $package for this machine; try: make LINUX_SRC=DIR with a Linux $KVER tree"
		want=$version
		if ! grep -qxF "$version" < <(versions); then
			want=$(candidate)
			[[ -n $want ]] || die "no package $package; try: make LINUX_SRC=DIR"
			say "source: $version, which the series was tested on, is no longer offered; taking $want"
		fi
		( cd "$O/src" && logged source-download "$package $want, 150 MB" \
			apt-get "${apt_args[@]}" -o Acquire::Retries=3 download "$package=$want" )
		deb=$(find "$O/src" -maxdepth 1 -name "${package}_${want/:/%3a}_*.deb" | head -n 1)
		[[ -n $deb ]] || die "apt-get download left no $package in $O/src"
		got=$want
	else
		got=$version
	fi
	rm -rf "$O/src/usr"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$O/src" "./usr/src/$tarball"
	if [[ $got == "$version" ]]; then
		echo "$sha256  $O/src/usr/src/$tarball" | sha256sum -c --quiet ||
			die "$deb holds another $tarball than the one tested (kernel-patches/$KVER/BASE)"
	fi
}

# Debian's tarball ends its .gitignore with lines that hide the whole tree.
import() {
	local t=$1 what=$2
	sed -i -e '\,^/\*$,d' -e '\,^!/debian/$,d' "$t/.gitignore"
	kgit -C "$t" init -q -b watchdog
	kgit -C "$t" add -A -f
	GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' \
		kgit -C "$t" commit -q --author 'bpfwd <bpfwd@localhost>' -m "$what"
	kgit -C "$t" tag base
}
unpack_tarball() {
	tar -xf "$O/src/usr/src/$tarball" -C "$1" --strip-components=1
	import "$1" "$package $got"
}
unpack_dir() {
	if git -C "$LINUX_SRC" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$LINUX_SRC" ls-files -z | tar -C "$LINUX_SRC" --null -T - -c | tar -x -C "$1"
	else
		tar -C "$LINUX_SRC" --exclude='*.o' --exclude=./.config -c . | tar -x -C "$1"
	fi
	import "$1" "LINUX_SRC $(make -s -C "$LINUX_SRC" kernelversion)"
}

if ! git -C "$KSRC" rev-parse -q --verify base >/dev/null 2>&1 || [[ ! -e $KSRC/.git ]]; then
	[[ ! -e $KSRC ]] || die "$KSRC is there, but no git tree with a tag base; please move it away"
	tmp=$O/linux.unpack
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [[ -n ${LINUX_SRC:-} ]]; then
		[[ -f $LINUX_SRC/Kbuild ]] || die "LINUX_SRC=$LINUX_SRC is no kernel source"
		logged source "copying LINUX_SRC=$LINUX_SRC into a git tree, about 1 min" unpack_dir "$tmp"
	else
		download
		logged source "unpacking $package $got into a git tree, about 2 min" unpack_tarball "$tmp"
		rm -rf "$O/src/usr"
	fi
	mv "$tmp" "$KSRC"
fi
if [[ ${1:-} == vanilla && ! -e $VANILLA/.git ]]; then
	kgit -C "$KSRC" worktree prune
	logged source-vanilla 'unpatched tree, about 20 s' \
		kgit -C "$KSRC" worktree add --quiet --detach "$VANILLA" base
fi
