#!/bin/bash
# Lists all missing tools with their Debian packages, then installs them.
#   deps.sh [upstream|field|dashboard|server] [--list]   --list: only list; exits 1 if something is missing
#   upstream: what the kernel's own tests call, for test-upstream.sh
#   field: tools with BPF programs, for test-innocents.sh and test-field.sh
#   dashboard: for test-dashboard.sh and test-kubernetes.sh
#   server: a key-value server and its load, for bench/run/server.sh; none is started here
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A command or a file (under /usr/include for *.h), and the packages that have it:
# the first one that this Debian release knows is taken.
table='
git             git
gcc             gcc
g++             g++
make            make
stdio.h         libc6-dev
perl            perl
python3         python3
/usr/lib/python3/dist-packages/ply/lex.py python3-ply
/usr/lib/python3/dist-packages/git/__init__.py python3-git
flex            flex
bison           bison
bc              bc
cpio            cpio
rsync           rsync
kmod            kmod
dpkg-shlibdeps  dpkg-dev
xz              xz-utils
zstd            zstd
file            file
patch           patch
ip              iproute2
flock           util-linux
ps              procps
libelf.h        libelf-dev
dwarf.h         libdw-dev
openssl/ssl.h   libssl-dev
zlib.h          zlib1g-dev
zstd.h          libzstd-dev
sys/capability.h libcap-dev
jansson.h       libjansson-dev
traceevent/event-parse.h libtraceevent-dev
tracefs/tracefs.h libtracefs-dev
ncurses.h       libncurses-dev
microhttpd.h    libmicrohttpd-dev
cyaml/cyaml.h   libcyaml-dev
cmocka.h        libcmocka-dev
Zydis/Zydis.h   libzydis-dev
pkg-config      pkgconf|pkg-config
pahole          pahole|dwarves
clang-19        clang-19
llvm-strip-19   llvm-19
/usr/lib/llvm-19/lib/clang/19/lib/linux/libclang_rt.fuzzer-x86_64.a libclang-rt-19-dev
qemu-system-x86_64 qemu-system-x86
/bin/busybox    busybox-static
ccache          ccache
jq              jq
curl            curl
trace-cmd       trace-cmd
perf            linux-perf
gnuplot         gnuplot-nox|gnuplot
rst2man         python3-docutils
shellcheck      shellcheck
clang-format-19 clang-format-19
'

upstream='
ping            iputils-ping
ethtool         ethtool
iptables-legacy iptables
nft             nftables
setfattr        attr
'
field='
opensnoop       libbpf-tools
bpftrace        bpftrace
xdp-loader      xdp-tools
'
dashboard='
promtool        prometheus
node            nodejs
npm             npm|nodejs
'
# The binary of the server is in the package of its tools; that of the server starts it.
server='
redis-benchmark redis-tools
'
case ${1:-} in
dashboard) table=$dashboard; shift ;;
upstream) table=$upstream; shift ;;
field) table=$field; shift ;;
server) table=$server; shift ;;
esac

have() {
	case $1 in
	/*) [[ -e $1 ]] ;;
	*.h) [[ -e /usr/include/$1 || -e /usr/include/$(uname -m)-linux-gnu/$1 ]] ;;
	*) PATH=$PATH:/usr/sbin:/sbin type -P "$1" >/dev/null ;;
	esac
}

missing=() rows=()
while read -r probe packages; do
	[[ -n $probe ]] || continue
	if ! have "$probe"; then
		missing+=("$packages")
		rows+=("$(printf '  %-20s package %s' "$probe" "${packages//|/ or }")")
	fi
done <<<"$table"

if (( ! ${#missing[@]} )); then
	[[ ${1:-} != --list ]] || say 'deps: all tools are there'
	exit 0
fi
say "deps: ${#missing[@]} tools are missing:"
printf '%s\n' "${rows[@]}"
[[ ${1:-} != --list ]] || exit 1
type -P apt-get >/dev/null || die 'no apt-get on this machine: please install the above by hand'

# Not grep -q: it leaves early, and under pipefail the writer's SIGPIPE is a failure.
known() { [[ $(apt-cache policy "$1" 2>/dev/null) == *$'\n  Candidate: '[^\(]* ]]; }
pick() {
	packages=()
	local alternatives p
	for alternatives in "${missing[@]}"; do
		for p in ${alternatives//|/ }; do
			if known "$p"; then
				packages+=("$p")
				continue 2
			fi
		done
		return 1
	done
}
apt() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 \
		-o Acquire::Retries=3 "$@"
}
update() { logged apt-update 'package lists, about 10 s' apt update; }
install() {
	logged apt-install "installing ${#packages[@]} packages, 1 to 3 min" \
		apt install --no-install-recommends "${packages[@]}"
}

if (( EUID )) && ! { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
	die "not root, and sudo is missing or wants a password; run as root:
  apt-get install --no-install-recommends ${missing[*]%%|*}"
fi
updated=
if ! pick; then
	update && updated=1
	pick || die "this release does not have all of: ${missing[*]}"
fi
if ! install; then
	[[ -z $updated ]] || exit 1
	say 'deps: once more, with fresh package lists'
	update
	pick
	install
fi
