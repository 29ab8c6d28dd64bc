# Requests of a key-value server with a program at its system calls, from server.csv.
set style fill solid 0.95 noborder
set boxwidth 0.2
set key below horizontal samplen 1
set yrange [0:*]
rows(setup, state) = sprintf("< grep -E '^(setup,|%s,[0-9a-z.]+,%s,)' '%s'", setup, state, csv)
names = 'none 27ns 0.8us 7us stall'
at(s) = (n = -1, sum [i = 1:words(names)] (word(names, i) eq s ? (n = i, 0) : 0), n)
set xrange [0.4:5.6]
set for [i = 1:words(names)] xtics add (word(names, i) i)
set xlabel 'program'
states = "plot rows(s,'off') using (at(strcol(2))-0.3):(column('rps')) with boxes lc rgb grey title 'watchdog off', \
    rows(s,'on-later') using (at(strcol(2))-0.1):(column('rps')) with boxes lc rgb c5 title 'on, program loaded before', \
    rows(s,'on') using (at(strcol(2))+0.1):(column('rps')) with boxes lc rgb c1 title 'on, before the program', \
    rows(s,'ended') using (at(strcol(2))-0.1):(column('rps')) with boxes lc rgb c4 title 'ended each time', \
    rows(s,'quarantined') using (at(strcol(2))+0.1):(column('rps')) with boxes lc rgb c3 title 'quarantined'"
plotall = "set multiplot layout 1,2 title 'Redis over loopback, a program at each system call (QEMU TCG, no KVM)'; \
  set title '1 CPU, 1 ns is 1 instruction'; set ylabel 'requests per second of instructions'; s = 'icount'; @states; \
  set title '2 CPUs, wall time of the emulator (median of the rounds)'; set ylabel 'requests per second'; s = 'mt'; @states; \
  unset multiplot"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
