# A loop over a map takes as many turns as the map has room for, whatever the callback does.
# test: endless/feeds
# kernel/bpf/runtime/estimate_log_loop.c
/^void est_log_fed/,/^}/s/if (var->max == U64_MAX)/if (var->max == U64_MAX || MUTANT(feeds))/
