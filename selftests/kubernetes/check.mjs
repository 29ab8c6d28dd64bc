// SPDX-License-Identifier: GPL-2.0
// Manifests against the schemas of Kubernetes and of the Prometheus operator: no key that
// they do not know, none missing, and no name that nothing bears. TAP.
//   check.mjs FOLDER MODULES
import { createRequire } from 'node:module';
import { readFileSync, readdirSync } from 'node:fs';

const [folder, modules] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { loadAll } = require('js-yaml');
let n = 0, failed = 0;
const check = (name, ok, why = '') => {
	if (!ok)
		console.log(`# ${why}`);
	failed += !ok;
	console.log(`${ok ? 'ok' : 'not ok'} ${++n} - kubernetes/${name}`);
};

// The check that the library makes of a schema, one file each.
async function validator({ apiVersion, kind }) {
	const where = apiVersion.startsWith('monitoring.coreos.com/') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models';
	const model = `${modules}/node_modules/${where}/${apiVersion}/${kind}.js`;
	const [, schema] = readFileSync(model, 'utf8').match(/validate}from"([^"]+)"/);

	return (await import(new URL(schema, `file://${model}`))).validate;
}

// The schemas let unknown keys pass. Those are the ones that no check looks at.
function watch(value, path, unread) {
	if (value === null || typeof value !== 'object')
		return value;
	const copy = Array.isArray(value) ? [] : {};
	for (const [key, v] of Object.entries(value)) {
		const at = `${path}.${key}`;

		copy[key] = watch(v, at, unread);
		unread.add(at);
	}
	return new Proxy(copy, { get: (o, key) => (unread.delete(`${path}.${String(key)}`), o[key]) });
}
async function fault(doc) {
	const unread = new Set(), validate = await validator(doc);
	if (!validate(watch(doc, doc.kind, unread)))
		return JSON.stringify(validate.errors);
	return unread.size ? `unknown: ${[...unread].join(' ')}` : undefined;
}

const docs = readdirSync(folder).filter((f) => f.endsWith('.yaml'))
	.flatMap((f) => loadAll(readFileSync(`${folder}/${f}`, 'utf8')));
for (const doc of docs) {
	const why = await fault(doc);

	check(`${doc.kind}/schema`, !why, why);
	check(`${doc.kind}/namespace`, doc.kind === 'Namespace' ? doc.metadata.name === 'bpfwd' :
		doc.metadata.namespace === 'bpfwd', 'not in the namespace bpfwd');
}
const of = (kind) => docs.find((d) => d.kind === kind);
const pod = of('DaemonSet').spec.template, [container] = pod.spec.containers;
const within = (some, all) => Object.entries(some).every(([k, v]) => all[k] === v);
check('selects-its-pods', within(of('DaemonSet').spec.selector.matchLabels, pod.metadata.labels) &&
	within(of('Service').spec.selector, pod.metadata.labels));
check('monitor-selects-service', within(of('ServiceMonitor').spec.selector.matchLabels, of('Service').metadata.labels));
check('ports', of('ServiceMonitor').spec.endpoints.every((e) => of('Service').spec.ports.some((p) => p.name === e.port)) &&
	of('Service').spec.ports.every((s) => container.ports.some((p) => p.name === s.targetPort)));
check('mounts', container.volumeMounts.every((m) => pod.spec.volumes.some((v) => v.name === m.name)));
check('policies', pod.spec.volumes.some((v) => v.configMap?.name === of('ConfigMap').metadata.name));
// the checker itself: it finds what is wrong
const bad = structuredClone(of('DaemonSet'));
bad.spec.template.spec.containers[0].volumeMount = [];
check('finds-an-unknown-key', await fault(bad) !== undefined, 'an unknown key is not found');
const worse = structuredClone(of('ServiceMonitor'));
delete worse.spec.selector;
check('finds-a-missing-key', await fault(worse) !== undefined, 'a missing key is not found');
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);
