// SPDX-License-Identifier: GPL-2.0
/* Calls and jumps in machine code of x86-64, by Zydis. */
#ifndef BPFWD_WITHOUT_CALLS
#include <Zydis/Zydis.h>
#endif
#include "callgraph/priv.h"

#ifdef BPFWD_WITHOUT_CALLS
bool cg_can_decode(void)
{
	return false;
}

void cg_decode(const unsigned char *bytes, u64 size, u64 addr,
	       cg_take_branch take, void *arg)
{
	(void)bytes, (void)size, (void)addr, (void)take, (void)arg;
}
#else
bool cg_can_decode(void)
{
	return true;
}

static bool is_direct(const ZydisDecodedInstruction *i)
{
	if (i->opcode_map == ZYDIS_OPCODE_MAP_0F)
		return (i->opcode & 0xf0) == 0x80;
	return i->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       (i->opcode == 0xe8 || i->opcode == 0xe9 || i->opcode == 0xeb ||
		(i->opcode & 0xf0) == 0x70);
}

void cg_decode(const unsigned char *bytes, u64 size, u64 addr,
	       cg_take_branch take, void *arg)
{
	ZydisDecoder decoder;
	u64 at = 0;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
	while (bytes && at < size) {
		ZydisDecodedInstruction i;

		if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(
			    &decoder, NULL, bytes + at, size - at, &i))) {
			at++;
			continue;
		}
		at += i.length;
		if (i.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
			continue;
		if (i.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
		    i.opcode == 0xff)
			take(arg, &(struct cg_branch){
					  .indirect = true,
					  .call = i.raw.modrm.reg == 2 });
		else if (is_direct(&i))
			take(arg,
			     &(struct cg_branch){ .to = addr + at +
							i.raw.imm[0].value.s });
	}
}
#endif
