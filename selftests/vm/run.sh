#!/bin/bash
# Boot a kernel in QEMU with the host's files, run a command in it as root.
#
#   selftests/vm/run.sh [CMD...]     without CMD: a shell, or commands from stdin
#
# The guest sees the host's root read-only at the same paths. It can write to
# tmpfs (/tmp /run /dev/shm) and to one shared folder, $BPFWD_SCRATCH. In a shell,
# and with WRITABLE=1, it can write to all: that is in its memory, and goes with it.
#
# Environment:
#   O        where things are built (default .output); holds vm/console.log, vm/scratch
#   KERNEL   bzImage (default $O/linux/.kernel/arch/x86/boot/bzImage)
#   SMP=2 MEM=2G TIMEOUT=300 (seconds, boot included; 0: none)
#   SILENCE=0  seconds after which a guest that prints nothing is ended as well; 0: none
#   ICOUNT=1 guest time counts instructions, 1 ns each; one CPU
#   APPEND   more kernel command line
#   AS_INIT=1  CMD is PID 1: it prints to the console, writes its status to
#            $BPFWD_SCRATCH/.status and ends the VM
#   WRITABLE=1  or 0
#   APART=1  a folder of its own in $O/vm, even if no other VM runs
#   QEMU     the emulator (default qemu-system-x86_64)
#   TCG=multi  or single: one thread for all CPUs, slower; see trace_start() in test_util.c
#   CPU=max  the processor that TCG is to be
#   KVM=0    do not use KVM; default: if it works, see accel.sh
#   BPFWD_RANDOM_SEED, BPFWD_RANDOM_PROGRAMS, BPFWD_TEST_TIMEOUT: the guest has them too
#
# Exit status: that of CMD; 124 on timeout or silence; 255 if the guest panicked or never
# reported a status; 2 for wrong use. Any other than 0 shows the last console lines.
set -euo pipefail

{ # read as a whole, so that an edit does not disturb a run
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
O=${O:-$repo/.output}
KERNEL=${KERNEL:-$O/linux/.kernel/arch/x86/boot/bzImage}
SMP=${SMP:-2} MEM=${MEM:-2G} TIMEOUT=${TIMEOUT:-300} SILENCE=${SILENCE:-0} ICOUNT=${ICOUNT:-}
QEMU=${QEMU:-qemu-system-x86_64} TCG=${TCG:-multi} CPU=${CPU:-max}
cmd=$*

say() { printf 'vm: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

[[ $SMP =~ ^[1-9][0-9]*$ ]] || die "SMP=$SMP is not a number of CPUs"
[[ $TIMEOUT =~ ^[0-9]+$ ]] || die "TIMEOUT=$TIMEOUT is not a number of seconds"
[[ $SILENCE =~ ^[0-9]+$ ]] || die "SILENCE=$SILENCE is not a number of seconds"
[[ $TCG == multi || $TCG == single ]] || die "TCG=$TCG is neither multi nor single"
[[ $MEM =~ ^[1-9][0-9]*[MG]?$ ]] || die "MEM=$MEM is not a size such as 2G"
command -v "$QEMU" >/dev/null || die "$QEMU not found; try: make deps"
[[ -r $KERNEL ]] || die "no kernel at $KERNEL; try: make kernel, or KERNEL=path"
[[ $repo$O$KERNEL == *[[:space:]\",]* ]] && die 'no spaces, commas or quotes in paths, please'
mkdir -p "$O/vm"
O=$(cd "$O" && pwd -P)

interactive=
if [[ -z $cmd ]]; then
	if [[ -t 0 && -t 1 ]]; then
		interactive=1 TIMEOUT=0 SILENCE=0
	else
		cmd=$(cat)
		[[ -n $cmd ]] || die 'no command, and no terminal for a shell'
	fi
fi

# One VM has $O/vm for itself. A second one at the same time gets a folder in it.
dir=$O/vm
exec 9>"$dir/lock"
if [[ -n ${APART:-} ]] || ! flock -n 9; then
	dir=$(mktemp -d "$O/vm/run.XXXXXX")
	chmod 755 "$dir"	# as $O/vm is: what runs as another user in the guest gets to its files
	say "not the only VM; console and scratch of this one are in $dir"
fi
scratch=$dir/scratch console=$dir/console.log out=$dir/out.log
mkdir -p "$scratch"
rm -f "$scratch/.status" "$console" "$out"
: >"$out"
: >"$console"
printf '%s\n' "$cmd" >"$dir/cmd"
{
	printf 'export O=%q BPFWD_SCRATCH=%q\n' "$O" "$scratch"
	printf 'export BPFWD_VM_CPUS=%q BPFWD_VM_ICOUNT=%q\n' "$SMP" "${ICOUNT:-0}"
	printf 'export BPFWD_VM_TCG=%q\n' "$TCG"
	for name in BPFWD_RANDOM_SEED BPFWD_RANDOM_PROGRAMS BPFWD_TEST_TIMEOUT; do
		[[ -z ${!name:-} ]] || printf 'export %s=%q\n' "$name" "${!name}"
	done
	printf 'repo=%q cwd=%q dir=%q interactive=%q as_init=%q writable=%q\n' \
		"$repo" "$PWD" "$dir" "$interactive" "${AS_INIT:-}" "${WRITABLE:-${interactive:+1}}"
} >"$dir/env"

args=(-M q35 -m "$MEM" -no-reboot -nodefaults -display none -no-user-config)
if [[ -n $ICOUNT && $ICOUNT != 0 ]]; then
	SMP=1 accel='TCG, icount'
	args+=(-accel tcg -cpu "$CPU" -icount "shift=0,sleep=off")
elif [[ $(O=$O KERNEL=$KERNEL QEMU=$QEMU "$repo/selftests/vm/accel.sh") == kvm ]]; then
	accel=KVM
	args+=(-accel kvm -cpu host)
else
	accel=TCG
	args+=(-accel "tcg,thread=$TCG" -cpu "$CPU")
fi
args+=(-smp "$SMP"
	-kernel "$KERNEL"
	-append "root=/dev/root rootfstype=9p rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=262144 ro\
 init=$repo/selftests/vm/init BPFWD_VM=$dir/env console=ttyS0 panic=-1 oops=panic reboot=t\
 random.trust_cpu=on no_timer_check net.ifnames=0 log_buf_len=4M ${APPEND:-}"
	-fsdev "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
	-device "virtio-9p-pci,fsdev=root,mount_tag=/dev/root"
	-fsdev "local,id=scratch,path=$scratch,security_model=none,multidevs=remap"
	-device "virtio-9p-pci,fsdev=scratch,mount_tag=scratch"
	-chardev "file,id=con,path=$console" -serial chardev:con
	-device virtio-serial-pci)

# Sets why, when it returns.
too_long() {
	local begun=$SECONDS heard=$SECONDS size=0 now
	while :; do
		sleep 1 & wait $!
		now=$(stat -c %s "$out")
		# it boots: later the kernel may complain for ever
		(( now )) || now=-$(stat -c %s "$console")
		(( now == size )) || { size=$now heard=$SECONDS; }
		why="timeout after $TIMEOUT s"
		(( !TIMEOUT || SECONDS - begun < TIMEOUT )) || return 0
		why="nothing was printed for $SILENCE s"
		(( !SILENCE || SECONDS - heard < SILENCE )) || return 0
	done
}

# The guest's console goes to a file, so that a slow reader never stalls the guest.
qemu=''
rc=1
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[[ -z $qemu ]] || kill -KILL "$qemu" 2>/dev/null || true
	if [[ $dir != "$O/vm" && $rc == 0 ]] && rmdir "$scratch" 2>/dev/null; then
		rm -rf "$dir"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [[ -n $interactive ]]; then
	say "$accel, $SMP CPUs; leave with exit or Ctrl-D"
	rc=0
	"$QEMU" "${args[@]}" -chardev stdio,id=tty,signal=off -device virtconsole,chardev=tty || rc=$?
else
	boots=0
	# QEMU before 8.1 may go on executing an int3 of text_poke() that is no longer
	# there (see also trace_start() in test_util.c): no cc before where it trapped. Before
	# the guest has booted, that is nobody's fault here: boot again.
	while (( boots++ < 3 )); do
		"$QEMU" "${args[@]}" -chardev "file,id=out,path=$out" \
			-device virtserialport,chardev=out,name=out </dev/null >"$dir/qemu.log" 2>&1 &
		qemu=$!
		timed_out=$dir/timed-out
		rm -f "$timed_out"
		if (( TIMEOUT || SILENCE )); then
			( trap 'kill $!; exit' TERM
			  too_long; echo "$why" >"$timed_out"; kill "$qemu"; sleep 3; kill -KILL "$qemu" ) 2>/dev/null 9>&- &
			timer=$!
		fi
		tail -n +1 -f -s 0.05 --pid="$qemu" "$out" 9>&-
		rc=0
		{ wait "$qemu" || rc=$?; } 2>/dev/null
		qemu=
		if (( TIMEOUT || SILENCE )); then
			kill -TERM "$timer" 2>/dev/null || true
			wait "$timer" 2>/dev/null || true
		fi
		if [[ -e $timed_out ]]; then
			say "$(<"$timed_out")"
			rm -f "$timed_out"
			rc=124
		elif (( rc )); then
			say "$QEMU failed: $(tail -n 3 "$dir/qemu.log")"
			exit 255
		fi
		again=
		if grep -q 'tsc: PIT calibration deviates' "$console"; then
			again='the guest took a wrong speed for its clock, as the host was busy'
		elif [[ $accel == TCG ]] && ! grep -q '^vm init: booted' "$console" &&
		     grep -q '^Oops: int3' "$console" && ! grep -q '^Code:.* cc <' "$console"; then
			again='the emulator ran into code that was being patched, at boot'
		fi
		[[ -n $again && $rc != 124 ]] || break
		say "$again; once more"
	done
fi

if (( rc != 124 )); then
	if [[ -s $scratch/.status ]]; then
		read -r rc <"$scratch/.status"
	else
		say 'the guest panicked or ended without a status'
		rc=255
	fi
fi
rm -f "$scratch/.status"
if (( rc )) && [[ -z $interactive ]]; then
	{
		printf 'vm: exit status %s; last lines of %s:\n' "$rc" "$console"
		tail -n 40 "$console" | tr -d '\r' | sed 's/^/  | /'
	} >&2
fi
exit "$rc"
}
