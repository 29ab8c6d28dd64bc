#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Documents against a JSON Schema: schema_check.py SCHEMA <DOCUMENTS, one a line.

Knows what `bpfwd --schema` uses, and is stricter than JSON Schema is: a key that the
schema does not tell of is an error, and so is a word that is not known here.
"""
import json
import sys

TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool,
    "integer": int, "number": (int, float), "null": type(None),
}
WORDS = {"type", "required", "properties", "items", "anyOf", "const", "additionalProperties"}
NOTES = {"$schema", "title", "description"}


def is_type(value, name):
    if isinstance(value, bool) and name in ("integer", "number"):
        return False
    return isinstance(value, TYPES[name])


def errors(value, schema, at="$"):
    unknown = set(schema) - WORDS - NOTES
    if unknown:
        return [f"{at}: the schema says {unknown}"]
    if "anyOf" in schema:
        each = [errors(value, s, at) for s in schema["anyOf"]]
        # those of the one that comes closest
        return min(each, key=len)
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r}, not {schema['const']!r}"] * 100
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(is_type(value, n) for n in names):
        return [f"{at}: {value!r} is not of type {names}"]
    if isinstance(value, list):
        return [e for i, v in enumerate(value) for e in errors(v, schema.get("items", {}), f"{at}[{i}]")]
    if not isinstance(value, dict):
        return []
    found = [f"{at}: no key {k}" for k in schema.get("required", []) if k not in value]
    for key, v in value.items():
        of = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if of is None:
            found.append(f"{at}: the schema has no key {key}")
        else:
            found += errors(v, of, f"{at}.{key}")
    return found


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    lines = [line for line in sys.stdin if line.strip()]
    found = [] if lines else ["no document"]
    for line in lines:
        found += errors(json.loads(line), schema)
    print("\n".join(found[:10]))
    sys.exit(1 if found else 0)


main()
