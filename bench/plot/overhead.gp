# Instructions per invocation on each entry path, from overhead.csv.
set title 'Instructions per invocation (guest instructions, QEMU icount)'
set ylabel 'instructions'
set yrange [0:*]
set offsets 0, 0, 20, 0
set style data histograms
set style histogram clustered gap 1.2
set style fill solid 0.95 noborder
set xtics rotate by -25 noenhanced
# the system call row is a whole bpf() call, those of sparse programs have interrupts: they would flatten the others
file = sprintf("< grep -Ev '^(syscall|sparse|sparse_loop),' '%s'", csv)
half = 1.0 / 5.2
plotall = "plot file using 'vanilla':xtic(1) title 'unpatched' lc rgb grey, \
  file using 'off' title 'off' lc rgb c1, \
  file using 'vanilla_stats' title 'unpatched, bpf\\_stats' lc rgb c2, \
  file using 'on' title 'watchdog on' lc rgb c4, \
  file using ($0 - 1.5*half):'vanilla':(sprintf('%.0f', column('vanilla'))) with labels rotate by 90 left font ',8' offset 0,0.3 notitle, \
  file using ($0 - 0.5*half):'off':(sprintf('%.0f', column('off'))) with labels rotate by 90 left font ',8' offset 0,0.3 notitle, \
  file using ($0 + 0.5*half):'vanilla_stats':(sprintf('%.0f', column('vanilla_stats'))) with labels rotate by 90 left font ',8' offset 0,0.3 notitle, \
  file using ($0 + 1.5*half):'on':(sprintf('%.0f', column('on'))) with labels rotate by 90 left font ',8' offset 0,0.3 notitle"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
