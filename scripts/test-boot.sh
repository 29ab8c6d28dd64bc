#!/bin/bash
# The package under systemd as PID 1 of the VM, with policies that stand on call graphs, over
# a reboot: nothing but what is on its disk is left for the second boot.
#   test-boot.sh        prints TAP; the journals are in $O/log/console-boot-N.log
set -euo pipefail
. "$(dirname "$0")/lib.sh"

for tool in /lib/systemd/systemd /usr/bin/curl /usr/bin/dpkg; do
	[[ -x $tool ]] || { echo "ok - boot # SKIP there is no $tool"; exit 4; }
done
package=$(ls "$O"/deb/bpfwd_*.deb 2>/dev/null) || die 'no package; try: make deb'
mkdir -p "$O/boot"
KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage}
module=$O/boot/module/bpf_test_modorder_x.ko
test_module bpf_test_modorder_x "$O/boot/module" "${KERNEL%/arch/*}"
# A VM of its own, since the folder that it shares is its disk.
boot_folder=$O/boot/vm/scratch
rm -rf "$O/boot/vm"
mkdir -p "$boot_folder" "$O/log"
"$repo/selftests/boot/disk.sh" "$package" "$module" "$boot_folder"
failed=0
for n in 1 2; do
	echo $n >"$boot_folder/boot"
	rm -f "$boot_folder"/{results,errors,stopped}
	rc=0
	APPEND=systemd.journald.forward_to_console=1 SMP=1 AS_INIT=1 O=$O/boot KERNEL=$KERNEL TIMEOUT=${TIMEOUT:-600} \
		"$repo/selftests/vm/run.sh" "exec $repo/selftests/boot/init.sh $boot_folder/disk.tar" \
		>"$O/log/boot-$n.log" 2>&1 || rc=$?
	cp "$O/boot/vm/console.log" "$O/log/console-boot-$n.log"
	if [[ ! -e $boot_folder/results ]]; then
		echo "not ok - boot_$n # the VM ended with $rc, see $O/log/console-boot-$n.log"
		exit 1
	fi
	cat "$boot_folder/results"
	(( !rc )) || { failed=1; echo "# the VM ended with $rc, see $O/log/console-boot-$n.log"; }
	grep -q '^not ok' "$boot_folder/results" && failed=1
	if [[ $(cat "$boot_folder/stopped" 2>/dev/null) == success ]]; then
		echo "ok - boot_$n/stopped-at-shutdown"
	else
		echo "not ok - boot_$n/stopped-at-shutdown"
		failed=1
	fi
done
exit $failed
