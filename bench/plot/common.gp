# Shared by the plots: `gnuplot -e "csv='X.csv'; out='X'" common.gp X.gp`.
# Colours are Okabe and Ito's, told apart by colour-blind readers too.
set datafile separator ','
set datafile commentschars '#'
set datafile columnheaders
c1 = '#0072B2'; c2 = '#E69F00'; c3 = '#009E73'; c4 = '#D55E00'; c5 = '#56B4E9'; c6 = '#CC79A7'
grey = '#999999'
set style line 1 lc rgb c1
set border 3 lc rgb '#444444'
set tics nomirror out
set grid ytics lc rgb '#dddddd' lt 1
set key top left Left reverse samplen 1.5
svg = sprintf("svg size 1100,560 dynamic background rgb 'white' font 'DejaVu Sans,13'")
png = sprintf("pngcairo size 1100,560 background rgb 'white' font 'DejaVu Sans,11'")
