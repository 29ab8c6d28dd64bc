/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers of newer kernels. */
#ifndef NEWER_H
#define NEWER_H

#define NEWER_MAP_TYPE_INSN_ARRAY 34
#define NEWER_MAP_TYPE_RHASH 35
#define NEWER_TERMINABLE_NO_INDIRECT 24
#define NEWER_REG_PARAMS 11 /* arguments on the stack */
#define NEWER_JCOND 0xe0 /* may_goto */

#endif
