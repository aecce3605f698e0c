/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/verify.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>

/* What is hashed against where the table is empty; no password has this hash. */
#define NOBODYS_HASH "$y$j9T$7WdjDfYVRk1QGCCHXaoEM0$"

/*
 * The hash an unknown name is measured with: that of some user, and always the
 * same one for the same name. Where a table mixes kinds, unknown names then take
 * as different times as known ones, and each the same every time.
 */
static const char *stand_in(const struct users *users, struct span name)
{
	uint64_t mixed = 0;

	if (!users->n)
		return NOBODYS_HASH;
	for (size_t i = 0; i < name.n; i++)
		mixed = (mixed ^ (unsigned char)name.p[i]) * 0x9e3779b97f4a7c15u;
	return users->list[(mixed >> 32) % users->n].hash;
}

static bool same_hash(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

int verify_password(const struct users *users, struct span name, struct span password,
	const struct user **user)
{
	const struct user *found = users_find(users, name);
	const char *hash = found ? found->hash : stand_in(users, name);
	bool usable = password.n <= VERIFY_PASSWORD_MAX
		      && span_find(password, '\0') == password.n;
	char phrase[VERIFY_PASSWORD_MAX + 1] = {0};

	struct crypt_data *work = calloc(1, sizeof(*work)); /* 32 KiB */
	if (!work)
		return -ENOMEM;
	if (usable && password.n)
		memcpy(phrase, password.p, password.n);

	const char *got = crypt_r(phrase, hash, work);
	bool match = got && got[0] != '*' && same_hash(got, hash);

	explicit_bzero(phrase, sizeof(phrase));
	explicit_bzero(work, sizeof(*work));
	free(work);
	if (!match || !found || !usable)
		return VERIFY_DENIED;
	*user = found;
	return VERIFY_OK;
}
