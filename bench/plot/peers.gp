# Ways to end the same stalled programs, from peers.csv.
set logscale y
set ylabel 'microseconds (log axis)'
set xtics rotate by -40 noenhanced
set style fill solid 0.95 noborder
set boxwidth 0.2
set key below horizontal samplen 1
set yrange [0.5:*]
rows(setup, way, budget) = sprintf("< grep -E '^(setup,|%s,[a-z_]+,%s,%d,)' '%s'", setup, way, budget, csv)
us(c) = column(c) / 1000.0 > 0.5 ? column(c) / 1000.0 : 0.5
lab(c) = sprintf('%.0f', column(c) / 1000.0)
# by the number of the reproducer, as some ways end some of them only
names = 'loop_inlined loop_called for_each_array for_each_hash iter_num may_goto may_goto_call user_ringbuf subprogs subprogs_global tail_call spin_lock'
at(s) = (n = -1, sum [i = 1:words(names)] (word(names, i) eq s ? (n = i, 0) : 0), n)
set xrange [0.4:12.6]
set for [i = 1:words(names)] xtics add (word(names, i) i)
plotall = "set multiplot layout 1,2 title 'Ending the same programs, budget 10 ms (QEMU TCG, no KVM)'; \
  set title 'decision to return, p50 (2 CPUs, wall time of the emulator)'; \
  plot rows('mt','watchdog',10000000) using (at(strcol(2))-0.2):(us('stop_p50_ns')) with boxes lc rgb c1 title 'this', \
    rows('mt','patching',10000000) using (at(strcol(2))):(us('stop_p50_ns')) with boxes lc rgb c4 title 'patching the text', \
    rows('mt','throw',10000000) using (at(strcol(2))+0.2):(us('stop_p50_ns')) with boxes lc rgb c3 title 'bpf_throw()' noenhanced; \
  set title 'over the budget, max (1 CPU, 1 ns is 1 instruction)'; \
  plot rows('icount','watchdog',10000000) using (at(strcol(2))-0.2):(us('overshoot_max_ns')) with boxes lc rgb c1 title 'this', \
    rows('icount','throw',10000000) using (at(strcol(2))):(us('overshoot_max_ns')) with boxes lc rgb c3 title 'bpf_throw()' noenhanced, \
    rows('icount','may_goto',10000000) using (at(strcol(2))+0.2):(us('overshoot_max_ns')) with boxes lc rgb c2 title 'limit of may_goto' noenhanced, \
    rows('icount','nothing',10000000) using (at(strcol(2))+0.2):(us('overshoot_max_ns')) with boxes lc rgb grey title 'nothing'; \
  unset multiplot"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
