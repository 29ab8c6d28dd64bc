# shellcheck shell=bash disable=SC2034
# What the scripts share: paths, progress output, logs, keys of built things.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
KVER=${KVER:-6.12}		# the kernel: a folder of kernel-patches/
configs=$repo/kernel-patches patches=$configs/$KVER
O=${O:-$repo/.output$([[ $KVER == 6.12 ]] || echo "/$KVER")}
case $O in /*) ;; *) O=$PWD/$O ;; esac
KSRC=${KSRC:-$O/linux} KBUILD=${KBUILD:-$O/linux/.kernel}
VANILLA=${VANILLA:-$O/vanilla}
jobs=$(nproc)
export LC_ALL=C.UTF-8

# What the caller's make passes down must not reach the kernel's Makefiles.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

say() { printf '=> %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

[[ -f $patches/series ]] ||
	die "no series for Linux $KVER; there are: $(cd "$repo/kernel-patches" && echo [0-9]*/ | tr -d /)"

# logged NAME 'what, how long' CMD...: output to $O/log/NAME.log, signs of life,
# the last lines on failure. V=1 shows all.
logged() {
	local name=$1 what=$2 log=$O/log/$1.log start=$SECONDS rc=0 pid beat=
	shift 2
	mkdir -p "$O/log"
	say "$name: $what"
	( "$@" ) >"$log" 2>&1 </dev/null &
	pid=$!
	if [[ ${V:-} == 1 ]]; then
		tail -n +1 -f -s 0.2 --pid=$pid "$log"
	else
		(
			trap 'kill $! 2>/dev/null; exit' TERM
			# Not longer than what it tells of: it would keep the locks of this make.
			while sleep 60 & wait $! && kill -0 $pid; do
				printf '   ... %s: %d s, %d lines, now: %.60s\n' "$name" $((SECONDS - start)) \
					"$(wc -l <"$log")" "$(tail -n 1 "$log")"
			done
		) 2>/dev/null &
		beat=$!
	fi
	wait $pid || rc=$?
	[[ -z $beat ]] || { kill $beat; wait $beat; } 2>/dev/null || true
	if (( rc )); then
		printf '=> %s: failed (status %d) after %d s; last lines of %s:\n' \
			"$name" "$rc" $((SECONDS - start)) "$log" >&2
		tail -n 40 "$log" | sed 's/^/  | /' >&2
		return "$rc"
	fi
	printf '=> %s: done in %d s\n' "$name" $((SECONDS - start))
}

# tree_key TREE [PATH...]: hash of what is in a git tree now, uncommitted changes included.
tree_key() {
	local t=$1
	shift
	{
		if (( $# )); then
			local p
			for p; do git -C "$t" rev-parse -q --verify "HEAD:$p" || true; done
		else
			git -C "$t" rev-parse 'HEAD^{tree}'
		fi
		git -C "$t" diff --no-ext-diff HEAD -- "$@"
		git -C "$t" ls-files -z --others --exclude-standard -- "$@" |
			( cd "$t" && xargs -0 -r sha256sum )
	} | sha256sum | cut -d' ' -f1
}

# fresh STAMP KEY FILE...: built with this key before, and all files are there?
fresh() {
	local stamp=$1 key=$2 f
	shift 2
	[[ -e $stamp && $(<"$stamp") == "$key" ]] || return 1
	for f; do [[ -e $f ]] || return 1; done
}

# Root rights for a command: as root none are needed; sudo asks only on a terminal.
as_root() {
	if (( EUID == 0 )); then
		"$@"
	elif [[ -t 0 ]]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

# git without the user's own configuration getting in the way.
kgit() {
	git -c user.name=bpfwd -c user.email=bpfwd@localhost -c commit.gpgSign=false \
		-c core.hooksPath=/dev/null -c core.autocrlf=false -c gc.auto=0 \
		-c maintenance.auto=false -c advice.detachedHead=false "$@"
}

# Paths relative to the tree and no build folder in the debug information: ccache
# then hits in another checkout.
kernel_env() {
	export KBUILD_BUILD_TIMESTAMP=2026-01-01 KBUILD_BUILD_USER=bpfwd KBUILD_BUILD_HOST=bpfwd
	if [[ -d /usr/lib/ccache ]]; then
		export PATH=/usr/lib/ccache:$PATH CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$O
		export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-10G}
	fi
}

# test_module NAME DIR KERNEL: DIR/NAME.ko, a module of the kernel's BPF selftests, for the
# kernel in that build folder. bpf_testmod has functions that many of them use.
test_module() {
	local bpf=$KSRC/tools/testing/selftests/bpf source
	source=$bpf/test_kmods	# of all modules, in Linux 7.3
	[[ ! -d $bpf/$1 ]] || source=$bpf/$1
	module "$1" "$source" "$2" "$3"
}

# kernel_config NAME...: the fragments that a kernel is configured by, one behind the other: those
# of all kernels, those that are named (config.NAME), and what only this Linux needs.
kernel_config() {
	local f
	cat "$configs/config.vm" "$configs/config"
	for f; do cat "$configs/config.$f"; done
	for f in '' "${@/#/.}"; do [[ ! -f $patches/config$f ]] || cat "$patches/config$f"; done
}

# module NAME SOURCE DIR KERNEL: DIR/NAME.ko, of what is in SOURCE.
module() {
	rm -rf "$3"
	cp -r "$2" "$3"
	( kernel_env; logged "$1" "for $4" make -C "$4" M="$3" modules )
}

# has_reason NAME: does selftests/UPSTREAM say why this test, or program, differs?
has_reason() {
	awk -F '  +' -v n="$1" '$1 == n { f = 1 } END { exit !f }' "$repo/selftests/UPSTREAM"
}

# in_lanes FUNCTION ARG...: FUNCTION with each ARG, LANES (as many as processors) at once.
in_lanes() {
	local f=$1 arg ended rc=0
	local -A running=()
	shift
	for arg; do
		"$f" "$arg" & running[$!]=1
		(( ${#running[@]} < ${LANES:-jobs} )) || { wait -n -p ended "${!running[@]}" || rc=$?; unset "running[$ended]"; }
	done
	while (( ${#running[@]} )); do
		wait -n -p ended "${!running[@]}" || rc=$?
		unset "running[$ended]"
	done
	return "$rc"
}

# npm_packages FOLDER NAME@VERSION...: what tests need of npm, in $O/FOLDER/node_modules. Says
# so in TAP if that cannot be had.
npm_packages() {
	local dir=$O/$1 name=$1
	shift
	if ! type -P node >/dev/null || ! type -P npm >/dev/null; then
		echo "ok - $name # SKIP nodejs or npm is not installed; scripts/deps.sh dashboard"
		return 1
	fi
	fresh "$dir/npm.stamp" "$*" "$dir/node_modules" && return
	mkdir -p "$dir"
	echo '{ "private": true }' >"$dir/package.json"
	if ! logged "npm-$name" "$*" npm --prefix "$dir" install --ignore-scripts --no-audit --no-fund "$@"; then
		echo "ok - $name # SKIP these packages cannot be installed: $*"
		return 1
	fi
	echo "$*" >"$dir/npm.stamp"
}
