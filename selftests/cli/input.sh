#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bad input: a clear error, the documented exit status, and nothing changed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

before=$(settings)
plan 42

# usage
expect no-command 2 'Commands:'
expect unknown-command 2 "no command 'pz'" pz
expect prefix-is-no-command 2 "no command 'stat'" stat
expect unknown-option 2 'unrecognized option' ps --nope
expect kill-what 2 'which program?' kill
expect set-what 2 'which program?' set --budget 1ms
expect set-nothing 2 'nothing to set' set 1
expect status-takes-nothing 2 'takes no argument' status 1
expect output-format 2 "no output format 'xml'" ps -o xml

# durations
for bad in 0 0ns 0s 9223372036854775808ns 18446744073709551616ns 99999999999999999999s; do
	expect "budget-$bad" 2 ERANGE set 1 --budget "$bad"
done
for bad in '' 10 ms -1ms 1.ms 1e3ms 10kg '1 ms' 0x10ms; do
	expect "budget-'${bad// /_}'" 2 EINVAL set 1 --budget "$bad"
done
expect default-budget-too-small 2 '100us to 2147s' enable --budget 99us
expect default-budget-too-large 2 ERANGE enable --budget 1h
expect default-budget-fraction 2 'whole microseconds' enable --budget 100.5us
expect period-too-large 2 '100us to 1s' enable --period 1.1s
expect quarantine-garbage 2 EINVAL enable --quarantine often
expect quarantine-too-large 2 ERANGE enable --quarantine 2147483648
expect slack-garbage 2 EINVAL enable --slack plenty
expect slack-too-large 2 ERANGE enable --slack 100001
expect min-budget-too-large 2 '1us to' enable --min-budget 3000s
expect action 2 'it is end, warn or detach' set 1 --action stop

# programs and columns
expect id-0 2 ERANGE ps id 0
expect id-too-large 2 ERANGE ps id 4294967296
expect tag 2 '16 hexadecimal digits' ps tag 12345
expect column 2 "no column 'colour'" ps -e colour
expect filter-value 2 'it is a duration' ps -f 'max>10'
expect no-such-id 5 ENOENT ps id 4294967295
expect no-such-name 5 'no program with name no_such_program' ps name no_such_program

check 'nothing-changed' [ "$before" = "$(settings)" ]
