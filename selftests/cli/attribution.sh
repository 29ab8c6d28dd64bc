#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What holds a program, where it is attached without a link and with one, by device and
# cgroup; kill --detach takes it off; events name the hook and the extension.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq python3 ip tc nsenter
need_bpftool
object=$(dirname "$BPFWD")/selftests/attached.bpf.o
extension=$(dirname "$BPFWD")/selftests/attached_ext.bpf.o
[[ -r $object && -r $extension ]] || skip_all "no $object (make selftests)"
python3 -c 'import ctypes; ctypes.CDLL("libbpf.so.1")' 2>/dev/null || skip_all 'no libbpf.so.1 for python3'
plan 51

pins=/sys/fs/bpf/attribution links=/sys/fs/bpf/attribution_links maps=/sys/fs/bpf/attribution_maps
groups=/sys/fs/cgroup
at_exit "rm -rf $pins $links $maps"
must() { "$@" >"$work/must" 2>&1 || { echo "Bail out! $*: $(<"$work/must")"; exit 1; }; }
holder() { # arguments of bpf_hold.py that waits; sets holder
	python3 "$here/bpf_hold.py" "$@" >"$work/ready" &
	holder=$!
	at_exit "kill $holder"
	must until_true 60 grep -q ready "$work/ready"
}
made() { must python3 "$here/bpf_hold.py" "$@"; }

# --- Everything is attached ---
must ip link add d0 type dummy
at_exit 'ip link del d0'
must ip link add d1 type dummy
at_exit 'ip link del d1'
must ip netns add blue
at_exit 'ip netns del blue'
must ip -n blue link add d5 type dummy
must mkdir $groups/tenant-a $groups/tenant-b $links $links/all $links/spin
at_exit "rmdir $groups/tenant-a $groups/tenant-b"

must "$bpftool" prog loadall "$object" $pins pinmaps $maps
must ip link set dev d0 xdpgeneric pinned $pins/on_xdp
must tc qdisc add dev d0 clsact
must tc filter add dev d0 ingress bpf da pinned $pins/on_tc
must tc filter add dev d0 egress protocol ip pref 7 bpf da pinned $pins/on_tc
must "$bpftool" net attach tcx_ingress pinned $pins/on_tcx dev d1
must nsenter --net=/run/netns/blue "$bpftool" net attach tcx_ingress pinned $pins/on_tcx dev d5
must "$bpftool" cgroup attach $groups/tenant-a egress pinned $pins/on_cgroup
must "$bpftool" cgroup attach $groups/tenant-b egress pinned $pins/on_cgroup
must "$bpftool" prog attach pinned $pins/on_netns flow_dissector
must "$bpftool" prog attach pinned $pins/on_sockmap stream_verdict pinned $maps/socks
must "$bpftool" map update pinned $maps/jumps key 1 0 0 0 value pinned $pins/by_tail_call
holder event $pins/on_kprobe vfs_fsync
event=$holder
holder hold $pins/on_cgroup
process=$holder
# the same programs once more, of which only these are attached, by links
must "$bpftool" prog loadall "$object" $links/all autoattach
made link $links/all/on_tcx d0 $links/tcx
holder hold $links/all/on_fentry
linked=$holder

# --- ps says where and by whom ---
bpfwd ps -j -e +owner,holders
ps=$out
it() { # which: the path of a pin that holds it, jq expression
	jq -r --arg pin "$1" '.programs[] | select(.holders | any(.path == $pin)) | '"$2" <<<"$ps"
}
name=$(<"/proc/$process/comm")
check xdp is "$(it $pins/on_xdp '.hook, (.attachments[] | "\(.via) \(.device)")')" $'xdp/d0\nnetlink d0'
check tc is "$(it $pins/on_tc '.hook, (.attachments[] | "\(.via) \(.hook) \(.device)")')" \
	$'tc/d0\nnetlink tc/d0 d0\nnetlink tc/d0 d0'
check two-devices is "$(it $pins/on_tcx '.hooks, .device, .attachments[1].netns')" \
	$'tcx/ingress/d1,tcx/ingress/d5@blue\nd1,d5\nblue'
check two-cgroups is "$(it $pins/on_cgroup '.hook, (.cgroup | split(",") | sort | join(" "))')" \
	$'cgroup_skb/egress\n/tenant-a /tenant-b'
check hooks-name-the-cgroup has "$(it $pins/on_cgroup .hooks)" 'cgroup_skb/egress:/tenant-a'
check netns is "$(it $pins/on_netns '.attachments[] | "\(.via) \(.hook)"')" 'prog_attach flow_dissector'
check sockmap is "$(it $pins/on_sockmap '.attachments[] | "\(.via) \(.hook) \(.map)"')" \
	'prog_attach sk_skb/stream_verdict socks'
check tail-call is "$(it $pins/by_tail_call '.hook, (.attachments[] | "\(.via) \(.map)")')" $'prog_array\nmap jumps'
check event is "$(it $pins/on_kprobe '.hook, (.attachments[] | "\(.via) \(.pid)")')" \
	"kprobe/vfs_fsync"$'\n'"perf_event $event"
check link is "$(it $links/tcx '.hook, (.attachments[] | "\(.via) \(.link_type) \(.device)")')" $'tcx/ingress/d0\nlink tcx d0'
check functions is "$(it $links/all/on_functions '.attachments[].functions | sort | join(" ")')" 'vfs_fsync vfs_fsync_range'
check functions-are-hooks is "$(it $links/all/on_functions '.hooks | split(",") | sort | join(" ")')" \
	'kprobe.multi/vfs_fsync kprobe.multi/vfs_fsync_range'
check not-attached is "$(it $links/all/on_xdp '.attachments | length')" 0

check holder-process is "$(it $pins/on_cgroup '.owner, (.holders[] | select(.kind == "process") | "\(.comm) \(.pid) \(.by)")')" \
	"${name}[$process]"$'\n'"$name $process program"
check holder-pin is "$(it $pins/on_xdp '.owner, (.holders[] | select(.kind == "pin") | .by)')" $pins/on_xdp$'\nprogram'
check holder-link is "$(it $links/tcx '.holders[] | select(.kind == "link") | .link_type')" tcx
check holder-pin-of-link is "$(it $links/all/on_functions '.holders[] | select(.kind == "pin") | .by')" link
check holder-process-of-link is "$(it $links/all/on_fentry '.holders[] | select(.kind == "process") | "\(.pid) \(.by)"')" "$linked link"
check holder-event is "$(it $pins/on_kprobe '.holders[] | select(.by == "perf_event") | .pid')" "$event"
check holder-map is "$(it $pins/by_tail_call '.holders[] | select(.kind == "map") | .map')" jumps
check holder-cgroup is "$(it $pins/on_cgroup '[.holders[] | select(.kind == "cgroup") | .path] | sort | join(" ")')" '/tenant-a /tenant-b'
check holder-device is "$(it $pins/on_xdp '.holders[] | select(.kind == "device") | .device')" d0
check holder-user is "$(it $pins/on_xdp '.holders[] | select(.kind == "user") | .uid')" 0
bpfwd ps --schema
check_json schema '.[0].properties.programs.items.properties | .holders.type == "array"
	and (.holders.items.properties | has("kind") and has("path") and has("comm"))
	and (.attachments.items.properties | has("device") and has("cgroup") and has("functions"))'
expect columns 0 '' ps -e name,hook,owner,device,cgroup,holders name on_cgroup
check hook-has-more grep -Eq "on_cgroup  *cgroup_skb/egress~  *${name}\[$process\] .*/tenant-a.*uid:0" <<<"$out"

# --- kill --detach: what it would do, what it does, what stays ---
selected=()
for p in on_xdp on_tc on_tcx on_cgroup on_netns on_sockmap by_tail_call; do selected+=(pinned "$pins/$p"); done
bpfwd kill --detach --dry-run "${selected[@]}"
check dry-run [ "$status" = 0 ]
check dry-run-says-it has "$out" 'tcx/ingress/d5@blue: would be: detached'
check dry-run-does-nothing has "$(ip link show d0)" xdp
bpfwd kill --detach "${selected[@]}"
check detach [ "$status" = 0 ]
check says-what-it-did has "$out" 'cgroup_skb/egress:/tenant-b: detached'
check says-what-holds-it has "$out" "loaded: ${name}[$process] has it"
check xdp-is-off eval '! grep -q xdp <<<"$(ip link show d0)"'
check tc-is-off [ -z "$(tc filter show dev d0 ingress; tc filter show dev d0 egress)" ]
check tcx-is-off eval '! grep -q on_tcx <<<"$("$bpftool" net show dev d1)"'
check tcx-is-off-elsewhere eval '! grep -q on_tcx <<<"$(nsenter --net=/run/netns/blue "$bpftool" net show)"'
check cgroup-is-off eval '! grep -q on_cgroup <<<"$("$bpftool" cgroup tree)"'
check entry-is-off eval '! "$bpftool" map lookup pinned $maps/jumps key 1 0 0 0'
# a second time there is nothing left: neither the netns nor the sockmap has it
bpfwd kill --detach -j "${selected[@]}"
check_json nothing-left '.[0] | .schema == "bpfwd.kill/1" and all(.programs[]; .loaded and (.attached | not) and .detached == [])'

bpfwd kill --detach -j pinned $pins/on_kprobe
check_json event-stays '.[0] | .error.exit == 1 and .programs[0].attached and (.programs[0].stays[0] | .code == "EBUSY" and .hint == "kill '"$event"'")'
check event-stays-status [ "$status" = 1 ]
bpfwd kill --detach id "$(it $links/all/on_fentry .id)"
check held-link-stays has "$out" "is held by ${name}[$linked]; try: kill $linked"
kill "$linked"
wait "$linked" 2>/dev/null
bpfwd kill --detach id "$(it $links/all/on_fentry .id)" id "$(it $links/all/on_functions .id)" id "$(it $links/tcx .id)"
check orphans-go [ "$status" = 0 ]
check unpinned eval '[[ ! -e $links/all/on_fentry && ! -e $links/all/on_functions ]] && has "$out" "removed its pin $links/all/on_fentry"'
check not-loaded has "$out" 'on_fentry: attached nowhere, and no longer loaded'
# a link that can be detached stays where it was pinned, of nothing
check link-is-detached eval '[[ -e $links/tcx ]] && ! grep -q on_tcx <<<"$("$bpftool" net show dev d0)"'

# --- Events ---
if ! patched; then
	for t in extension extends hook-of-detached links-are-listed; do skip $t 'this kernel has no watchdog'; done
	exit
fi
keep_settings
"$BPFWD" enable --budget 20ms --quarantine 0 >/dev/null
made extend "$extension" replaces_it $pins/on_tc replaced $links/ext
must tc filter add dev d0 egress bpf da pinned $pins/on_tc
expect extension-is-not-skipped 3 'programs of its type cannot be skipped' set replaces_it --quarantine
find_spin
must "$bpftool" prog loadall "$spin" $links/spin autoattach
must "$BPFWD" set spin_vfs_read --action detach
"$BPFWD" events -F -j >"$work/follow" &
follower=$!
at_exit "kill $follower"
must until_true 60 test -d /sys/kernel/tracing/instances/bpfwd-$follower
sleep 2
head -c 64 /dev/zero >"$work/packet"
timeout 60 "$bpftool" prog run pinned $pins/on_tc data_in "$work/packet" >/dev/null 2>&1
timeout 60 cat /proc/version >/dev/null
ended() { jq -es --arg name "$1" 'any(.event == "terminated" and .prog.name == $name)' "$work/follow"; }
until_true 20 ended replaces_it
until_true 20 ended spin_vfs_read
check extension jq -es 'any(.event == "terminated" and .prog.name == "replaces_it" and .prog.hook == "freplace/replaced")' "$work/follow"
check extends jq -es 'any(.prog.name == "replaces_it" and .prog.extends.name == "on_tc")' "$work/follow"
check hook-of-detached jq -es 'any(.event == "terminated" and .prog.name == "spin_vfs_read" and .prog.hook == "kprobe/vfs_read")' "$work/follow"
# the link is there still and has no program's place
links_are_listed() { "$bpftool" link show && "$bpftool" link show | grep -q 'perf_event'; }
check links-are-listed until_true 20 links_are_listed
"$BPFWD" disable >/dev/null
