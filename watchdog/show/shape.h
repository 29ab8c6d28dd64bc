/* SPDX-License-Identifier: GPL-2.0 */
/* JSON Schema, from a short notation of what a document looks like. */
#ifndef BPFWD_SHAPE_H
#define BPFWD_SHAPE_H

#include <jansson.h>

/* "{id:i name:s at?:{file:s} hooks:[s]}": keys, each with what it is: s a text, b true or
 * false, i an integer, n a number, i! or null, [of each], {keys} or {*:each of any key}.
 * A key with ? may be missing. NULL: there is no memory, or the notation is wrong.
 */
json_t *shape_schema(const char *shape);

/* Of a document that says its own name by the key "schema"; shape: its other keys. */
json_t *shape_document(const char *name, const char *shape);

#endif
