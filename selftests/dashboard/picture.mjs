// SPDX-License-Identifier: GPL-2.0
// The dashboard as a picture: the panels where Grafana has them, from the same queries.
//   picture.mjs DASHBOARD.json URL FROM TO STEP MODULES INSTANCE >dashboard.svg
import { load, panels, Source } from './queries.mjs';

const [path, url, from, to, step, modules, instance] = process.argv.slice(2);
const lib = load(modules), source = new Source(url, Number(from), Number(to), Number(step));
const UNIT_W = 46, UNIT_H = 26, PAD = 8;
const ink = { text: '#d0d3d9', dim: '#8e939c', panel: '#181b1f', back: '#111217', grid: '#2c3036' };
const named = { blue: '#5794f2', orange: '#ff9830', red: '#f2495c' };
// told apart by eyes that see fewer colours, too
const palette = ['#5794f2', '#ff9830', '#b3b3b3', '#e0b400', '#44c1c1', '#d683ce', '#8a6d3b', '#f2495c'];
const escape = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const text = (x, y, s, { size = 11, fill = ink.text, anchor = 'start', bold } = {}) =>
	`<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"` +
	`${bold ? ' font-weight="bold"' : ''}>${escape(s)}</text>`;
const three = (v) => String(Number(v.toPrecision(3)));

function shown(v, unit) {
	if (v === null || v === undefined || Number.isNaN(v))
		return '';
	if (!Number.isFinite(v))
		return 'inf';
	if (unit === 'percentunit')
		return `${three(v * 100)} %`;
	if (unit !== 's')
		return three(v) + (unit === 'ops' ? '/s' : '');
	for (const [size, name] of [[1, 's'], [1e-3, 'ms'], [1e-6, 'us']])
		if (v >= size)
			return three(v / size) + name;
	return `${three(v * 1e9)}ns`;
}

function color(v, thresholds) {
	let at = 'blue';
	for (const s of thresholds.steps)
		if (s.value === null || v >= s.value)
			at = s.color;
	return named[at];
}

// the next of 1, 2, 5, 10, ...
function round(v) {
	const size = 10 ** Math.floor(Math.log10(v));

	return size * [1, 2, 5, 10].find((n) => n * size >= v * 0.999);
}

const values = (frame) => [...frame.fields.find((f) => f.type === 'number').values];

function stat({ fieldConfig: { defaults: d } }, frames, x, y, w, h) {
	const v = frames.length ? values(frames[0]).at(-1) : undefined;
	const mapping = d.mappings?.[0].options[v];

	return text(x + w / 2, y + h / 2 + 18, v === undefined ? d.noValue ?? '' : mapping?.text ?? shown(v, d.unit), {
		size: (mapping?.text.length ?? 0) > 8 ? 18 : 26, anchor: 'middle', bold: true,
		fill: mapping ? named[mapping.color] : color(v, d.thresholds),
	});
}

function series({ fieldConfig: { defaults: d } }, frames, x, y, w, h) {
	const left = x + 52, top = y + 28, right = x + w - 12, shown_frames = frames.slice(0, palette.length);
	const bottom = y + h - 30 - 13 * Math.ceil(shown_frames.length / 2);
	// what has no bound is above all others
	const finite = shown_frames.flatMap(values).filter(Number.isFinite);
	const limits = d.custom ? d.thresholds.steps.map((s) => s.value ?? 0) : [];
	const most = d.max ?? Math.max(...finite, ...limits, 1e-9), tick = round(most / 4);
	const max = Math.max(most * 1.1, tick * Math.ceil(most / tick)), infinite = d.max ?? max * 0.98;
	const at_x = (ms) => left + (ms / 1000 - source.from) / (source.to - source.from) * (right - left);
	const at_y = (v) => bottom - Math.min(v, infinite) / max * (bottom - top);
	const out = [];

	for (let v = 0; v <= max; v += tick) {
		out.push(`<path d="M${left} ${at_y(v).toFixed(1)}H${right}" stroke="${ink.grid}"/>`,
			text(left - 6, at_y(v) + 4, shown(v, d.unit) || '0', { size: 10, fill: ink.dim, anchor: 'end' }));
	}
	for (const s of d.custom ? d.thresholds.steps.filter((t) => t.value !== null) : [])
		out.push(`<path d="M${left} ${at_y(s.value).toFixed(1)}H${right}" stroke="${named[s.color]}" stroke-dasharray="5 4"/>`);
	for (const minutes of [0, 1, 2].map((i) => (source.from - source.to) / 60 * (1 - i / 2)))
		out.push(text(at_x((source.to + minutes * 60) * 1000), bottom + 13,
			minutes ? `${three(minutes)} min` : 'now', { size: 10, fill: ink.dim, anchor: minutes ? 'middle' : 'end' }));
	shown_frames.forEach((frame, i) => {
		const times = [...frame.fields[0].values], ys = values(frame);
		const points = ys.map((v, k) => (Number.isNaN(v) ? null : `${at_x(times[k]).toFixed(1)} ${at_y(v).toFixed(1)}`));
		const lx = left + (i % 2) * (right - left) / 2, ly = bottom + 28 + 13 * Math.floor(i / 2);

		out.push(`<path d="M${points.filter(Boolean).join('L')}" fill="none" stroke="${palette[i]}" stroke-width="1.6"/>`,
			`<path d="M${lx} ${ly - 4}h12" stroke="${palette[i]}" stroke-width="3"/>`,
			text(lx + 17, ly, frame.name + (ys.some((v) => v === Infinity) ? ' (no bound)' : ''), { size: 10 }));
	});
	return out.join('\n');
}

function table({ fieldConfig, options }, frames, x, y, w) {
	const [frame] = frames, names = frame.fields.map((f) => lib.name(f, frame, frames));
	const sort = [...frame.fields[names.indexOf(options.sortBy[0].displayName)].values];
	const rows = sort.map((_, i) => i).sort((a, b) => (sort[b] ?? 0) - (sort[a] ?? 0)).slice(0, 8);
	const share = [1.2, 0.5, 1.3, 2, 0.8, 0.8, 1, 0.9, 0.7, 1, 1], sum = share.reduce((a, b) => a + b);
	const out = [];
	let cx = x + 12;

	names.forEach((name, i) => {
		const cw = share[i] / sum * (w - 24), f = frame.fields[i], number = f.type === 'number';
		const own = fieldConfig.overrides.find((o) => o.matcher.options === name)?.properties ?? [];
		const set = (id) => own.find((p) => p.id === id)?.value ?? fieldConfig.defaults[id];
		const place = { anchor: number ? 'end' : 'start' }, px = number ? cx + cw - 10 : cx;

		out.push(text(px, y + 44, name, { ...place, fill: ink.dim, bold: true }));
		rows.forEach((r, k) => {
			const v = [...f.values][r];

			out.push(text(px, y + 64 + k * 19, number ? shown(v, set('unit')) : v, { ...place,
				fill: number && own.length ? color(v, set('thresholds')) : ink.text }));
		});
		cx += cw;
	});
	return out.join('\n');
}

const draw = { stat, timeseries: series, table };
const all = panels(path), out = [];
const height = Math.max(...all.map((p) => p.gridPos.y + p.gridPos.h)) * UNIT_H + PAD;
for (const p of all) {
	const x = p.gridPos.x * UNIT_W + PAD, y = p.gridPos.y * UNIT_H + PAD;
	const w = p.gridPos.w * UNIT_W - PAD, h = p.gridPos.h * UNIT_H - PAD;
	const frames = await source.panel(p, lib, instance);

	out.push(`<rect x="${x}" y="${y}" width="${w}" height="${h}" rx="3" fill="${ink.panel}" stroke="${ink.grid}"/>`,
		text(x + 10, y + 18, p.title, { bold: true }), draw[p.type](p, frames, x, y, w, h));
}
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * UNIT_W + PAD} ${height}" font-family="sans-serif">`);
console.log(`<rect width="100%" height="100%" fill="${ink.back}"/>`);
console.log(out.join('\n'));
console.log('</svg>');
