# Best, mean and worst per helper and kfunc, from `bpfwd calibrate show -o csv`.
set title 'What helpers and kfuncs cost on this machine (log scale)'
set ylabel 'ns per call'
set logscale y
set yrange [0.5:*]
set xtics rotate by -90 noenhanced font ',6'
set bmargin 18
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.95 noborder
svg = sprintf("svg size 3200,760 dynamic background rgb 'white' font 'DejaVu Sans,11'")
png = sprintf("pngcairo size 3200,760 background rgb 'white' font 'DejaVu Sans,9'")
file = sprintf("< awk -F, 'NR == 1 || ($1 !~ /^insn/ && $3 != \"\")' '%s' | sed 's/^helper bpf_//; s/^kfunc bpf_//'", csv)
plotall = "plot file using 'best_ns':xtic(1) lc rgb c3 title 'best', \
  file using 'mean_ns' lc rgb c1 title 'mean', file using 'worst_ns' lc rgb c4 title 'worst'"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
