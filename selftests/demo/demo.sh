#!/bin/bash
# The demonstration, in the VM (make demo): a stall without and with the watchdog, what
# is counted, and a look at the kernel log.
set -uo pipefail

: "${O:?run it by: make demo}"
runner=$O/demo/runner
pins=/sys/fs/bpf/demo
trace=/sys/kernel/tracing
failures=0

step() { printf '\n===> %s\n' "$*"; }
show() { printf '     $ %s\n' "${*//$PWD\//}"; "$@" 2>&1 | sed 's/^/     /'; return "${PIPESTATUS[0]}"; }
wrong() { printf '     WRONG: %s\n' "$*"; failures=$((failures + 1)); }
took() { # command...; sets ms
	local t=$EPOCHREALTIME
	"$@" >/dev/null 2>&1
	ms=$(( (${EPOCHREALTIME/./} - ${t/./}) / 1000 ))
}

step '1/4 watchdog off: bpf_loop() three deep on a kprobe, it holds a ring buffer record'
show "$runner" --repro loop_inlined --watchdog off --stall-ms 2000 || wrong 'the reproducer failed'
echo '     (made to end after 2 s: the verifier would have let it run for days)'

step '2/4 watchdog on, budget 10 ms: the same program, without an end'
show "$runner" --repro loop_inlined --watchdog on --budget-ms 10 || wrong 'the program was not ended as it should be'

step '3/4 the counters, three ways: spin.bpf.c sits on vfs_read() and stalls every cat'
enabled=1
show bpfwd enable --budget 10ms || { enabled=; wrong 'bpfwd enable failed'; }
{ echo 1 >$trace/events/bpf_watchdog/terminate/enable; } 2>/dev/null || wrong 'no tracepoint bpf_watchdog:terminate'
if [[ -z $enabled ]]; then
	echo '     spin.bpf.c is not loaded then: nothing would end it'
elif bpftool prog loadall "$O/demo/spin.bpf.o" $pins autoattach 2>/tmp/bpftool.log; then
	took cat /etc/hostname
	echo "     cat took $ms ms"
	(( ms < 2000 )) || wrong 'that is too long'
	show bpfwd ps spin_vfs_read || wrong 'bpfwd ps failed'
	show bpftool prog show name spin_vfs_read || wrong 'bpftool prog show failed'
	line=$(grep 'terminate:' $trace/trace 2>/dev/null | tail -n 1)
	if [[ -n $line ]]; then
		echo "     trace: $(sed 's/^ *//; s/  */ /g' <<<"$line")"
	else
		wrong 'no line of the tracepoint'
	fi
	rm -r $pins
else
	sed 's/^/     /' /tmp/bpftool.log
	wrong 'spin.bpf.o could not be loaded'
fi
show bpfwd disable || wrong 'bpfwd disable failed'

step '4/4 the kernel log'
# the last report
dmesg | awk '/bpf_watchdog: ended/ { out = "" } /bpf_watchdog:/ { out = out "     " $0 "\n" } END { printf "%s", out }'
grep -q 'bpf_watchdog: ended' <(dmesg) || wrong 'no report of a termination'
if bad=$(dmesg | grep -E 'BUG|WARNING|Oops|[Ll]ockup|rcu.*stall|Call Trace|hung_task|blocked for more'); then
	printf '%s\n' "$bad" | head -n 10 | sed 's/^/     /'
	wrong 'the log has the above'
else
	echo '     no warning, lockup or stall in it'
fi

echo
if (( failures )); then
	echo "demo: $failures things went wrong"
	exit 1
fi
echo "demo: the machine is alive. Next: make vm (a shell), make test, make help"
