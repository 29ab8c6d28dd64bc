#!/bin/bash
# What `make install` lays down, by the tools that read it: manual page, unit, alert rules,
# dashboard, completion. A tool that is missing is said, and its check skipped.
#   check-dist.sh        needs $O/bpfwd
set -uo pipefail
. "$(dirname "$0")/lib.sh"

bpfwd=${BPFWD:-$O/bpfwd}
if [[ ! -x $bpfwd ]]; then
	say 'check: installed files: skipped, needs make bpfwd'
	exit 0
fi
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
failed=0
fail() { printf 'check: %s\n' "$*" >&2; failed=1; }
tool() { # name, package
	PATH=$PATH:/usr/sbin:/sbin type -P "$1" >/dev/null && return
	say "check: installed files: without $1 (package $2)"
	return 1
}
share=$stage/usr/share

# --- All of it, nothing else, and where it belongs ---
make -s -C "$repo/watchdog" O="$O" LIBBPF_A="${LIBBPF_A:-$O/libbpf/libbpf.a}" \
	LIBBPF_INC="${LIBBPF_INC:-$O/libbpf/include}" UAPI_INC="${UAPI_INC:-$O/uapi/include}" \
	V= DESTDIR="$stage" prefix=/usr install >"$stage.log" 2>&1 || fail "make install: $(tail -n 5 "$stage.log")"
rm -f "$stage.log"
expected='/etc/bpfwd/policy.d/00-monitor.yaml
/usr/lib/systemd/system/bpfwd.service
/usr/lib/systemd/system/bpfwd.socket
/usr/libexec/bpfwd/bpfwd-serve
/usr/sbin/bpfwd
/usr/share/bash-completion/completions/bpfwd
/usr/share/bpfwd/bpfwd.dashboard.json
/usr/share/bpfwd/bpfwd.rules.yml
/usr/share/bpfwd/kubernetes/Containerfile
/usr/share/bpfwd/kubernetes/bpfwd.yaml
/usr/share/bpfwd/kubernetes/servicemonitor.yaml
/usr/share/man/man5/bpfwd.policy.5
/usr/share/man/man8/bpfwd.8'
diff <(echo "$expected") <(cd "$stage" && find . -type f | sed 's/^\.//' | sort) || fail 'other files than expected'
"$stage/usr/sbin/bpfwd" serve -h >/dev/null || fail 'bpfwd does not find bpfwd-serve'

# --- Manual pages: lint, and no command and no key that they do not explain ---
lint_page() { # page
	local lint=
	if type -P mandoc >/dev/null; then
		# rst2man's own habits: its macros and its font for literals
		lint=$(mandoc -T lint -W warning "$1" 2>&1 |
			grep -vE 'skipping paragraph macro|fill mode already|unknown font|missing date')
	elif type -P man >/dev/null; then
		lint=$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$1" 2>&1 >/dev/null)
	fi
	[[ -z $lint ]] || fail "$(basename "$1"): $lint"
}
tool mandoc mandoc || tool man man-db || true
lint_page "$share/man/man8/bpfwd.8"
lint_page "$share/man/man5/bpfwd.policy.5"
while read -r key; do
	grep -qF "**$key**" "$repo/watchdog/man/bpfwd.policy.5.rst" || fail "bpfwd.policy.5.rst does not explain $key"
done < <(sed -n '/_fields\[\] = {/,/^};/p' "$repo/watchdog/policy/file.c" | grep -Eo '"[a-z_]+"' | tr -d '"' | sort -u)
"$bpfwd" policy check --syntax "$stage/etc/bpfwd/policy.d" -q || fail 'the policy that is installed is bad'
sed -n '/^EXAMPLE$/,/^LIMITS$/s/^    //p' "$repo/watchdog/man/bpfwd.policy.5.rst" >"$stage/example.yaml"
"$bpfwd" policy check --syntax "$stage/example.yaml" -q || fail 'the example in bpfwd.policy.5.rst is bad'
mapfile -t commands < <("$bpfwd" -h | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *.*/\1/p')
(( ${#commands[@]} > 5 )) || fail 'no commands in the help'
for c in "${commands[@]}"; do
	grep -qx "$c" "$repo/watchdog/man/bpfwd.8.rst" || fail "bpfwd.8.rst does not explain $c"
	# by its letter or by its name
	while read -r letter name; do
		grep -qF -e "**$letter**" -e "$name" "$repo/watchdog/man/bpfwd.8.rst" ||
			fail "bpfwd.8.rst does not explain $c $name"
	done < <("$bpfwd" "$c" -h | grep -Eo '^ +(-[a-zA-Z?],)? +--[a-z-]+' | sed -E 's/^ +--/- --/; s/,//')
done

# --- The policies in the manifests ---
python3 - "$share/bpfwd/kubernetes/bpfwd.yaml" "$stage/manifest" <<'END' || fail 'no policies in kubernetes/bpfwd.yaml'
import os, re, sys
text = re.search(r"^data:\n(.*?)^---", open(sys.argv[1]).read(), re.M | re.S)[1]
os.mkdir(sys.argv[2])
for name, body in re.findall(r"^  (\S+\.yaml): \|\n((?:    .*\n|\n)+)", text, re.M):
    open(os.path.join(sys.argv[2], name), "w").write(re.sub("^    ", "", body, flags=re.M))
END
"$bpfwd" policy check --syntax "$stage/manifest" -q || fail 'a policy in kubernetes/bpfwd.yaml is bad'

# --- Units: as they are, but with the tool that was built ---
if tool systemd-analyze systemd; then
	mkdir "$stage/unit"
	sed "s,^ExecStart=[^ ]*,ExecStart=$bpfwd," "$stage/usr/lib/systemd/system/bpfwd.service" \
		>"$stage/unit/bpfwd.service"
	cp "$stage/usr/lib/systemd/system/bpfwd.socket" "$stage/unit/"
	# Beside what prepares the network before sysinit.target, as cloud-init does: no circle.
	mkdir "$stage/unit/sysinit.target.wants"
	printf '[Unit]\nDefaultDependencies=no\nWants=network-pre.target\nAfter=network-pre.target\nBefore=sysinit.target\n[Service]\nExecStart=/bin/true\n' \
		>"$stage/unit/site-network.service"
	printf '[Unit]\nRequires=sysinit.target\nWants=bpfwd.service bpfwd.socket\nAfter=sysinit.target\n' >"$stage/unit/site.target"
	ln -s ../site-network.service "$stage/unit/sysinit.target.wants/"
	lint=$(SYSTEMD_UNIT_PATH=$stage/unit: systemd-analyze verify --man=no "$stage"/unit/{bpfwd.service,bpfwd.socket,site.target} 2>&1 |
		grep -E -e "$stage/unit/bpfwd\." -e 'cycle|dependency on')
	[[ -z $lint ]] || fail "systemd-analyze: $lint"
fi

# --- Names of metrics: alerts and dashboard use none that does not exist ---
mapfile -t known < <(grep -hEo '"bpfwd_[a-z0-9_]+"' "$repo"/watchdog/*/*.c | tr -d '"' | sort -u)
# what a query takes of a histogram
mapfile -t -O "${#known[@]}" known < <(grep -hEo '"bpfwd_[a-z0-9_]+", EXPO_HISTOGRAM' "$repo"/watchdog/*/*.c |
	sed 's/^"\(.*\)".*/\1_bucket/')
dashboard=$share/bpfwd/bpfwd.dashboard.json rules=$share/bpfwd/bpfwd.rules.yml
for f in "$dashboard" "$rules"; do
	while read -r name; do
		[[ " ${known[*]} " == *" $name "* ]] || fail "$(basename "$f"): there is no metric $name"
	done < <(grep -Eo 'bpfwd_[a-z0-9_]+' "$f" | sort -u)
done
jq -e '.panels | length > 0 and all(.targets | length > 0)' "$dashboard" >/dev/null || fail 'the dashboard has no queries'
if tool promtool prometheus; then
	promtool check rules "$rules" >"$stage/promtool" 2>&1 || fail "promtool: $(<"$stage/promtool")"
	cp "$repo/watchdog/dist/bpfwd.rules.test.yml" "$share/bpfwd/"
	promtool test rules "$share/bpfwd/bpfwd.rules.test.yml" >"$stage/promtool" 2>&1 || fail "promtool: $(<"$stage/promtool")"
	"$repo/selftests/dashboard/alert_faults.py" "$rules" "$share/bpfwd/bpfwd.rules.test.yml" >"$stage/promtool" ||
		fail "tests of alerts: $(<"$stage/promtool")"
	# the dashboard's queries, with Grafana's variables filled in
	jq '{ groups: [{ name: "dashboard", rules: [.panels[].targets[].expr |
		gsub("\\$__rate_interval|\\$__range"; "5m") | gsub("\\$instance"; ".*") | { record: "q", expr: . }] }] }' \
		"$dashboard" >"$stage/queries.json"
	promtool check rules --lint=none "$stage/queries.json" >"$stage/promtool" 2>&1 || fail "dashboard: $(<"$stage/promtool")"
fi

# --- The package ---
if tool lintian lintian; then
	"$repo/scripts/deb.sh" tool >"$stage/deb.log" 2>&1 || fail "deb.sh: $(<"$stage/deb.log")"
	lintian --fail-on error,warning "$O"/deb/bpfwd_*.deb >"$stage/lintian" 2>&1 || fail "lintian: $(<"$stage/lintian")"
fi

# --- Completion: every command, and the options of one ---
mapfile -t completed < <(PATH=$(dirname "$bpfwd"):$PATH bash -c '. "$1"; compopt() { :; }
	COMP_WORDS=(bpfwd "") COMP_CWORD=1; _bpfwd bpfwd; printf "%s\n" "${COMPREPLY[@]}"
	COMP_WORDS=(bpfwd ps --sc) COMP_CWORD=2; _bpfwd bpfwd; printf "%s\n" "${COMPREPLY[@]}"' - \
	"$share/bash-completion/completions/bpfwd")
[[ ${completed[*]} == "${commands[*]} --schema" ]] || fail "completion: ${completed[*]}"
exit $failed
