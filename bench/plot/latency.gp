# Decision to return, and deadline to decision, from latency.csv; p50, p99, max.
set logscale y
set yrange [0.1:*]
set ylabel 'microseconds (log axis)'
set xtics rotate by -40 noenhanced
set style fill solid 0.95 noborder
set boxwidth 0.22
set key below horizontal samplen 1
file = sprintf("< grep -E '^(setup|icount),' '%s'", csv)
tight = sprintf("< grep -E '^(setup|tight),' '%s'", csv)
us(c) = column(c) / 1000.0 > 0.1 ? column(c) / 1000.0 : 0.1
lab(c) = sprintf('%.1f', column(c) / 1000.0)
plotall = "set multiplot layout 1,2 title 'Ending a stalled program (deterministic VM: 1 ns is 1 instruction)'; \
  set title 'decision to return'; \
  plot file using ($0-0.25):(us('stop_p50_ns')):xtic(2) with boxes lc rgb c5 title 'p50', \
    file using ($0):(us('stop_p99_ns')) with boxes lc rgb c1 title 'p99', \
    file using ($0+0.25):(us('stop_max_ns')) with boxes lc rgb c4 title 'max', \
    file using ($0):(us('stop_p99_ns')):(lab('stop_p99_ns')) with labels font ',8' offset 0,0.5 notitle, \
    4 with lines lc rgb '#444444' dt 2 title 'target 4 us (p99)'; \
  set title 'deadline to decision'; \
  plot file using ($0-0.25):(us('detect_p50_ns')):xtic(2) with boxes lc rgb c5 title 'p50, budget 2 ms', \
    file using ($0):(us('detect_max_ns')) with boxes lc rgb c4 title 'max, budget 2 ms', \
    tight using ($0+0.25):(us('detect_max_ns')) with boxes lc rgb c2 title 'max, budget 1 ms (first sight)', \
    50 with lines lc rgb '#444444' dt 2 title 'target 50 us (seen once)', \
    1000 with lines lc rgb '#444444' dt 3 title 'target 1 ms'; \
  unset multiplot"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
