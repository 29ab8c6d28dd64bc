// SPDX-License-Identifier: GPL-2.0
/* SHA-256 (FIPS 180-4) of BTF data. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/digest.h"

static const u32 rounds[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 right(u32 x, int n)
{
	return x >> n | x << (32 - n);
}

static void add_block(u32 h[8], const unsigned char *block)
{
	u32 w[64], s[8];

	for (int i = 0; i < 16; i++, block += 4)
		w[i] = (u32)block[0] << 24 | block[1] << 16 | block[2] << 8 |
		       block[3];
	for (int i = 16; i < 64; i++) {
		u32 a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
		       (right(a, 7) ^ right(a, 18) ^ a >> 3) +
		       (right(b, 17) ^ right(b, 19) ^ b >> 10);
	}
	memcpy(s, h, sizeof(s));
	for (int i = 0; i < 64; i++) {
		u32 a = s[0], e = s[4];
		u32 t1 = s[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) +
			 ((e & s[5]) ^ (~e & s[6])) + rounds[i] + w[i];
		u32 t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) +
			 ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += s[i];
}

void sha256(const void *data, size_t size, unsigned char digest[DIGEST_SIZE])
{
	u32 h[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	unsigned char last[128] = {};
	const unsigned char *at = data;
	size_t rest = size % 64, end = rest < 56 ? 64 : 128;

	for (size_t i = 0; i < size / 64; i++, at += 64)
		add_block(h, at);
	if (rest)
		memcpy(last, at, rest);
	last[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		last[end - 1 - i] = (u64)size * 8 >> 8 * i;
	for (size_t i = 0; i < end; i += 64)
		add_block(h, last + i);
	for (int i = 0; i < DIGEST_SIZE; i++)
		digest[i] = h[i / 4] >> (24 - i % 4 * 8);
}

/* Of what a program may hold, all of it. 0 or -1. */
static int btf_read(u32 btf_id, void **data, u32 *size)
{
	struct bpf_btf_info info = {};
	u32 len = sizeof(info);
	int fd = bpf_btf_get_fd_by_id(btf_id), err;

	*data = NULL;
	if (fd < 0)
		return -1;
	err = bpf_btf_get_info_by_fd(fd, &info, &len);
	*size = info.btf_size;
	*data = err ? NULL : malloc(*size + 1);
	if (*data) {
		info = (struct bpf_btf_info){ .btf = (uintptr_t)*data,
					      .btf_size = *size };
		len = sizeof(info);
		err = bpf_btf_get_info_by_fd(fd, &info, &len);
	}
	close(fd);
	if (*data && !err && info.btf_size == *size)
		return 0;
	free(*data);
	return -1;
}

const char *btf_digest(u32 btf_id)
{
	/* ids are not used again soon; what is pointed to stays where it is */
	static struct kept {
		struct kept *next;
		u32 id;
		char text[2 * DIGEST_SIZE + 1];
	} *kept;
	unsigned char digest[DIGEST_SIZE];
	struct kept *k;
	void *data;
	u32 size;

	for (k = kept; k; k = k->next)
		if (k->id == btf_id)
			return k->text;
	if (!btf_id || btf_read(btf_id, &data, &size))
		return NULL;
	sha256(data, size, digest);
	free(data);
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	for (int i = 0; i < DIGEST_SIZE; i++)
		sprintf(k->text + 2 * i, "%02x", digest[i]);
	k->id = btf_id;
	k->next = kept;
	kept = k;
	return k->text;
}
