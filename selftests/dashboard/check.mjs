// SPDX-License-Identifier: GPL-2.0
// Every panel of the dashboard has an answer, and the table one row for each program. TAP.
//   check.mjs DASHBOARD.json URL FROM TO STEP MODULES
import { load, panels, Source } from './queries.mjs';

const [path, url, from, to, step, modules] = process.argv.slice(2);
const lib = load(modules), source = new Source(url, Number(from), Number(to), Number(step));
let n = 0, failed = 0;
const check = (name, ok, why = '') => {
	if (!ok)
		console.log(`# ${why}`);
	failed += !ok;
	console.log(`${ok ? 'ok' : 'not ok'} ${++n} - dashboard/${name}`);
};
const slug = (s) => s.toLowerCase().replace(/[^a-z0-9]+/g, '-');

const infos = await source.get('query', { query: 'bpfwd_program_info', time: source.to });
const instances = new Set(infos.map((i) => i.metric.instance));
check('two-machines', instances.size === 2 && infos.length >= 8, `${infos.length} programs on ${[...instances]}`);
for (const panel of panels(path)) {
	const frames = await source.panel(panel, lib), at = slug(panel.title);
	const numbers = frames.flatMap((f) => f.fields.filter((x) => x.type === 'number'));

	check(`${at}/answers`, numbers.some((x) => [...x.values].some((v) => v !== null && v !== undefined)),
		'nothing to show');
	check(`${at}/thresholds`, panel.fieldConfig.defaults.thresholds?.steps.length > 0,
		'without them Grafana turns red at 80');
	if (panel.type === 'stat')
		check(`${at}/one-a-machine`, frames.length === instances.size, `${frames.length} values`);
	if (panel.type === 'timeseries')
		check(`${at}/has-a-name`, frames.every((f) => f.name && !/^[\s:()]*$/.test(f.name)), 'no legend');
	if (panel.type !== 'table')
		continue;
	const [table] = frames, rows = table.length;
	const names = table.fields.map((f) => lib.name(f, table, frames));
	const column = (name) => [...table.fields[names.indexOf(name)].values];
	const keys = column('id').map((id, i) => `${column('instance')[i]} ${id}`);

	check(`${at}/one-table`, frames.length === 1, `${frames.length} frames`);
	check(`${at}/columns`, names.join() ===
		'instance,id,name,hook,budget,p99,longest run,of budget,ended,longest stop,stop bound', names.join());
	check(`${at}/one-row-a-program`, rows === infos.length && new Set(keys).size === rows,
		`${rows} rows, ${new Set(keys).size} different ones, ${infos.length} programs`);
	check(`${at}/joined`, column('ended').every((v, i) =>
		(v > 0) === (column('longest run')[i] > column('budget')[i]) || column('longest run')[i] > 0.8 * column('budget')[i]),
		'runs were ended, but none was longer than the budget');
	for (const set of panel.fieldConfig.overrides)
		check(`${at}/override-${slug(set.matcher.options)}`, names.includes(set.matcher.options), 'no such column');
}
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);
