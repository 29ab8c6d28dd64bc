// SPDX-License-Identifier: GPL-2.0
/* SHA-256 against the values of FIPS 180-4's examples and of sha256sum. */
#include "unit.h"
#include "progs/digest.h"

static void digest_is(const void *data, size_t size, const char *want)
{
	unsigned char digest[DIGEST_SIZE];
	char text[2 * DIGEST_SIZE + 1];

	sha256(data, size, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	assert_string_equal(text, want);
}

static void digests(void **state)
{
	char a[1000];

	digest_is("", 0,
		  "e3b0c44298fc1c149afbf4c8996fb924"
		  "27ae41e4649b934ca495991b7852b855");
	digest_is("abc", 3,
		  "ba7816bf8f01cfea414140de5dae2223"
		  "b00361a396177a9cb410ff61f20015ad");
	digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  56,
		  "248d6a61d20638b8e5c026930c3e6039"
		  "a33ce45964ff2167f6ecedd419db06c1");
	memset(a, 'a', sizeof(a));
	digest_is(a, 55,
		  "9f4390f8d30c2dd92ec9f095b65e2b9a"
		  "e9b0a925a5258e241c9f1e910f734318");
	digest_is(a, 63,
		  "7d3e74a05d7db15bce4ad9ec0658ea98"
		  "e3f06eeecf16b4c6fff2da457ddc2f34");
	digest_is(a, 64,
		  "ffe054fe7ae0cb6dc65c3af9b61d5209"
		  "f439851db43d0ba5997337df154668eb");
	digest_is(a, 1000,
		  "41edece42d63e8d9bf515a9ba6932e1c"
		  "20cbc9f5a5d134645adb5db1b9737ea3");
}

static void digest_of_nothing(void **state)
{
	assert_null(btf_digest(0));
}

static const struct CMUnitTest digest_tests[] = {
	cmocka_unit_test(digests),
	cmocka_unit_test(digest_of_nothing),
};

RUN(digest_tests)
