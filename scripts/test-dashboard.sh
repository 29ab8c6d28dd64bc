#!/bin/bash
# The dashboard's queries, asked of a real Prometheus that holds what `bpfwd serve` told in the
# VM, through Grafana's own library: each panel has an answer, the table one row a program.
#   test-dashboard.sh     prints TAP; $O/dashboard/dashboard.svg is a picture of it
# Needs prometheus and nodejs with npm, which installs @grafana/data below $O. PICTURE=1 also
# puts the picture where the README has it. RECORDED=1: what the VM told last time will do.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

dir=$O/dashboard here=$repo/selftests/dashboard dashboard=$repo/watchdog/dist/bpfwd.dashboard.json
step=30 times=40
for tool in prometheus promtool python3 curl; do
	type -P $tool >/dev/null || { echo "ok - dashboard # SKIP $tool is not installed; scripts/deps.sh dashboard"; exit 4; }
done
# this version, so that a new one is no surprise
npm_packages dashboard @grafana/data@11.6.0 || exit 4

# --- What the service tells ---
if [[ -z ${RECORDED:-} || ! -e $dir/metrics.0 ]]; then
	rm -f "$dir"/metrics.*
	"${CLANG:-clang-19}" -g -O2 -target bpf -I"$O" -I"$O/libbpf/include" -c "$here/load.bpf.c" -o "$dir/load.bpf.o"
	# a folder of its own: what it tells is to be found again
	inside="O=$O PATH=$O:\$PATH $here/record.sh $dir/load.bpf.o $times"
	SMP=1 TIMEOUT=${TIMEOUT:-900} O=$dir KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage} "$repo/selftests/vm/run.sh" \
		"$inside" >"$O/log/dashboard-vm.log" 2>&1 || { tail -n 20 "$O/log/dashboard-vm.log"; die 'the VM failed'; }
	mv "$dir"/vm/scratch/metrics.* "$dir/"
fi

# --- Prometheus, with that as if it had asked every 30 s until now ---
end=$(( $(date +%s) / step * step ))
rm -rf "$dir/data"
python3 "$here/blocks.py" "$dir" $end $step >"$dir/all.om"
promtool tsdb create-blocks-from openmetrics "$dir/all.om" "$dir/data" >"$O/log/promtool.log" 2>&1 ||
	{ cat "$O/log/promtool.log"; die 'promtool cannot read the metrics'; }
echo 'global: {}' >"$dir/prometheus.yml"
port=19697
prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" --storage.tsdb.retention.time=30d \
	--web.listen-address=127.0.0.1:$port >"$O/log/prometheus.log" 2>&1 &
prometheus=$!
trap 'kill $prometheus; wait $prometheus || true' EXIT
url=http://127.0.0.1:$port
for (( i = 0; i < 600; i++ )); do
	curl -sf "$url/-/ready" >/dev/null && break
	kill -0 $prometheus || die "Prometheus has ended, see $O/log/prometheus.log"
	sleep 0.1
done

range=("$((end - step * (times - 1)))" "$end" "$step" "$dir")
rc=0
node "$here/check.mjs" "$dashboard" "$url" "${range[@]}" || rc=1
node "$here/picture.mjs" "$dashboard" "$url" "${range[@]}" web-1:19612 >"$dir/dashboard.svg"
[[ -z ${PICTURE:-} ]] || cp "$dir/dashboard.svg" "${dashboard%.json}.svg"
exit $rc
