# Best, shortest and longest measured, worst per program, from estimate.csv.
set title 'Time of one run: estimated and measured (log scale)'
set ylabel 'ns'
set logscale y
set xtics rotate by -60 noenhanced font ',8'
set bmargin 13
set rmargin 14
set offsets 0.5, 0.5, 0, 0
file = sprintf("< awk -F, '/^set,/ || (!/^#/ && $4 != \"\")' '%s'", csv)
plotall = "plot file using 0:'best_ns':xtic(2) with points pt 8 ps 1 lc rgb c3 title 'best (estimated)', \
  file using 0:(($4+$5)/2):4:5 with yerrorbars pt 7 ps 0.5 lw 3 lc rgb grey title 'measured, shortest to longest', \
  file using 0:'worst_ns' with points pt 10 ps 1 lc rgb c4 title 'worst (estimated; none: unbounded)'"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
