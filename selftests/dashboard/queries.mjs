// SPDX-License-Identifier: GPL-2.0
// Asks Prometheus what a Grafana dashboard asks, and makes of it what Grafana does: by
// Grafana's own library, in node_modules of the folder that is given.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

export function load(modules) {
	// what the library looks for in a browser
	globalThis.window = globalThis;
	const require = createRequire(`${modules}/package.json`);
	const data = require('@grafana/data');
	const { lastValueFrom } = require('rxjs');
	const known = new Map(Object.values(data.standardTransformers).map((t) => [t.id, t]));
	data.standardTransformersRegistry.setInit(() => [...known.values()].map((t) =>
		({ id: t.id, aliasIds: [], name: t.name, transformation: t, editor: () => null })));
	return {
		name: (field, frame, frames) => data.getFieldDisplayName(field, frame, frames),
		frame: (f) => data.toDataFrame(f),
		transform: (list, frames) => lastValueFrom(data.transformDataFrame(list, frames)),
	};
}

const number = (s) => (s === '+Inf' ? Infinity : s === '-Inf' ? -Infinity : Number(s));

export class Source {
	// from, to: the range that is shown, in seconds
	constructor(url, from, to, step) {
		Object.assign(this, { url, from, to, step });
	}

	async get(api, query) {
		const reply = await (await fetch(`${this.url}/api/v1/${api}?${new URLSearchParams(query)}`)).json();
		if (reply.status !== 'success')
			throw new Error(`${query.query}: ${reply.error}`);
		return reply.data.result;
	}

	// Grafana's variables
	fill(expr, instance) {
		return expr.replaceAll('$__rate_interval', `${this.step * 4}s`)
			.replaceAll('$__range', `${this.to - this.from}s`)
			.replaceAll('$instance', instance);
	}

	// A target's result as the frames that Grafana's Prometheus data source makes of it.
	async frames(target, lib, instance = '.+') {
		const query = this.fill(target.expr, instance), ref = target.refId;
		const rows = target.instant ?
			(await this.get('query', { query, time: this.to })).map((r) => ({ ...r, values: [r.value] })) :
			await this.get('query_range', { query, start: this.from, end: this.to, step: this.step });
		if (target.format === 'table') {
			const labels = [...new Set(rows.flatMap((r) => Object.keys(r.metric)))].sort();
			return [lib.frame({ refId: ref, fields: [
				{ name: 'Time', type: 'time', values: rows.map((r) => r.value[0] * 1000) },
				...labels.map((l) => ({ name: l, type: 'string', values: rows.map((r) => r.metric[l] ?? '') })),
				{ name: `Value #${ref}`, type: 'number', values: rows.map((r) => number(r.value[1])) },
			] })];
		}
		return rows.map((r) => lib.frame({ refId: ref,
			name: target.legendFormat.replace(/{{(\w+)}}/g, (_, l) => r.metric[l] ?? ''),
			fields: [
				{ name: 'Time', type: 'time', values: r.values.map((v) => v[0] * 1000) },
				{ name: 'Value', type: 'number', labels: r.metric, values: r.values.map((v) => number(v[1])) },
			] }));
	}

	// What a panel shows: frames, after its transformations.
	async panel(panel, lib, instance) {
		const all = [];
		for (const target of panel.targets)
			all.push(...await this.frames(target, lib, instance));
		return panel.transformations ? lib.transform(panel.transformations, all) : all;
	}
}

export const panels = (path) => JSON.parse(readFileSync(path, 'utf8')).panels;
