// SPDX-License-Identifier: GPL-2.0
/*
 * The histogram of the kernel's kernel/bpf/run_samples.c, built for user space,
 * against times that are sorted. Exit status: 0, 1.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include "run_samples.h"

#define MOST 20000
/* Where the last bucket begins, which has no upper edge. */
#define LAST_NS (15ULL << 29)

static struct bpf_run_samples s;
static u64 times[MOST];

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Of any length: so many bits, by chance. */
static u64 any_time(unsigned int bits)
{
	u64 ns = (u64)rand() << 31 | rand();

	return ns >> (62 - rand() % (bits + 1));
}

/* p99 is that of the sorted times or above, by an eighth at most. */
static bool check_p99(const char *what, u32 n, u64 p99)
{
	u64 want;

	qsort(times, n, sizeof(times[0]), by_value);
	want = times[n - n / 100 - 1];
	if (p99 >= want && p99 - want <= want / 8 && p99 <= times[n - 1])
		return true;
	printf("%s, %u times: p99 is %llu, not %llu\n", what, n,
	       (unsigned long long)p99, (unsigned long long)want);
	return false;
}

static bool random_times(unsigned int bits, u32 n)
{
	u64 longest = 0;
	u32 i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < n; i++) {
		times[i] = any_time(bits);
		longest = max(longest, times[i]);
		bpf_run_samples_add(&s, times[i]);
	}
	return s.runs.counter == n &&
	       check_p99("random", n, bpf_run_samples_p99(&s, longest));
}

/* One time alone: each edge of a bucket, and what is beside it. */
static bool one_time(u64 ns)
{
	memset(&s, 0, sizeof(s));
	times[0] = ns;
	bpf_run_samples_add(&s, ns);
	/* Nothing is known to be longer. */
	return check_p99("one", 1, bpf_run_samples_p99(&s, ns)) &&
	       (ns >= LAST_NS ||
		bpf_run_samples_p99(&s, U64_MAX) - ns <= ns / 8);
}

/* A counter runs full: the shares stay, the number of runs goes on. */
static bool full_counter(void)
{
	u64 before, runs;
	u32 i;

	memset(&s, 0, sizeof(s));
	for (i = 0; i < 1000; i++)
		bpf_run_samples_add(&s, i < 985 ? 100 : 5000);
	for (i = 0; i < BPF_RUN_BUCKETS; i++)
		s.count[i].counter *= ((1U << 31) - 1) / 985;
	before = bpf_run_samples_p99(&s, U64_MAX);
	runs = s.runs.counter;
	for (i = 0; i < 2000; i++)
		bpf_run_samples_add(&s, 100);
	for (i = 0; i < BPF_RUN_BUCKETS; i++)
		if (s.count[i].counter < 0)
			return false;
	return before >= 5000 && bpf_run_samples_p99(&s, U64_MAX) == before &&
	       s.runs.counter == (long long)runs + 2000;
}

int main(void)
{
	bool ok = !bpf_run_samples_p99(&s, U64_MAX);
	int bits, i;

	for (bits = 1; bits <= 62; bits++) {
		for (i = -2; i <= 2; i++)
			ok = one_time((1ULL << bits) + i) && ok;
		for (i = 0; i < 8; i++)
			ok = one_time((1ULL << bits) +
				      (i * (1ULL << bits) >> 3)) &&
			     ok;
	}
	for (bits = 1; bits <= 32; bits++) {
		ok = random_times(bits, 1 + rand() % 300) && ok;
		ok = random_times(bits, MOST) && ok;
	}
	if (!full_counter()) {
		printf("a counter that is full\n");
		ok = false;
	}
	return !ok;
}
