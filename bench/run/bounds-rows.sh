#!/bin/bash
# Rows for `bench table bounds`: what was run with its bound, what was only estimated, and the
# worst cases by two models.
#   bounds-rows.sh FOLDER [FIELD.json]
# FOLDER has {adversarial,corpus}.csv of the runner, and estimate-LABEL.model{,2}.csv, which are
# `bpfwd estimate -o csv`; FIELD.json is that of test-field. What is not there has no rows.
set -euo pipefail
out=$1 field=${2:-}
# Which column has a name in the first line, and a value by its name.
# shellcheck disable=SC2016 # a program for awk
named='function of(name) { return $at[name] }
	FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }'

echo 'kind,set,program,measured_min_ns,measured_max_ns,best_ns,worst_ns,worst2_ns,reason'
for set in adversarial corpus; do
	if [[ -s $out/$set.csv ]]; then
		awk -F, -v set=$set 'NR > 1 { print "run", set, $1, $2, $3, $4, $5, "", "" }' OFS=, "$out/$set.csv"
	fi
done
if [[ -s $out/estimate-icount.model.csv ]]; then
	# objects of packages have a colon in their name, and are in the table of the field
	awk -F, "$named"'
		of("object") !~ /:/ { own = of("object") == "adversarial.bpf.o"
			print "estimate", own ? "adversarial" : "corpus", own ? of("name") : of("object") "/" of("name"),
				"", "", of("best_ns"), of("worst_ns"), "", of("reason") }' OFS=, "$out/estimate-icount.model.csv"
fi
if [[ -s $field ]]; then
	jq -r '.rows[] | ((.measured_max_ns // 0) > 0) as $ran |
		[if $ran then "run" else "estimate" end, "field", ("\(.package):\(.object)/\(.program // "")" | gsub(","; ";")),
		 "", .measured_max_ns, .best_ns, .worst_ns, "", if .loads then .reason else "not_loaded" end] |
		map(. // "") | join(",")' "$field"
fi
for label in icount mt native; do
	if [[ -s $out/estimate-$label.model.csv && -s $out/estimate-$label.model2.csv ]]; then
		awk -F, -v label=$label "$named"'
			{ program = of("object") "/" of("name") }
			NR == FNR { worst[program] = of("worst_ns"); next }
			of("reason") != "not_loaded" {
				print "model", label, program, "", "", "", worst[program], of("worst_ns"), "" }' \
			OFS=, "$out/estimate-$label.model.csv" "$out/estimate-$label.model2.csv"
	fi
done
