# Time of the verifier for each program, unpatched against patched, from verification.csv.
set title 'Time of the verifier for each program (us; a point on the line: no difference)'
set xlabel 'unpatched'
set ylabel 'patched'
set logscale xy
set key off
file = sprintf("< awk -F, '/^file,/ || $3 == \"success\"' '%s'", csv)
plotall = "plot file using 'vanilla_us':'patched_us' with points pt 7 ps 0.4 lc rgb c1, x with lines lc rgb grey"
set terminal @svg
set output out.'.svg'
@plotall
set terminal @png
set output out.'.png'
@plotall
