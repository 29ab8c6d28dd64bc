# JIT image and what the fast-path image adds, from memory.csv, programs with one.
set title 'Memory of programs that can overrun (bytes)'
set ylabel 'bytes'
set yrange [0:*]
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.95 noborder
set xtics rotate by -60 noenhanced font ',8'
set bmargin 9
file = sprintf("< awk -F, '/^object,/ || (!/^#/ && $5 > 0)' '%s'", csv)
plotall = "plot file using 'jited_bytes':xtic(2) title 'JIT image' lc rgb grey, \
  file using 'extra_bytes' title 'fast-path image (extra)' lc rgb c1"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
