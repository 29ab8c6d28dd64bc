# Starting the timer takes long, and is the time of the program that it is started for.
# test: ends/own_time
# kernel/bpf/runtime/timer.c
/^static bool bpf_watchdog_arm(/,/^}/{
	s/claimed = bpf_invocation_claim(inv)/claimed = MUTANT(arming) || bpf_invocation_claim(inv)/
	s/^\t\tbpf_watchdog_begin_entry(wd, irqs_on);/\t{\n&\n\t\tif (MUTANT(arming)) {\n\t\t\tbpf_watchdog_watch_me();\n\t\t\tmdelay(5);\n\t\t}\n\t}/
}
# kernel/bpf/runtime/account.c
/^bool bpf_invocation_see/,/^}/s/st->began = now->when;/st->began = MUTANT(arming) ? then->when : now->when;/
