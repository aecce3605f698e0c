/* SPDX-License-Identifier: MIT */

#include "conf/near.h"

#include "base/util.h"

#include <stdint.h>

bool near_same(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

size_t near_steps(struct span a, struct span b)
{
	/* steps[i][j] makes the first j of b out of the first i of a. */
	size_t steps[NEAR_MAX + 1][NEAR_MAX + 1];

	if (a.n > NEAR_MAX || b.n > NEAR_MAX)
		return SIZE_MAX;
	for (size_t i = 0; i <= a.n; i++)
		steps[i][0] = i;
	for (size_t j = 0; j <= b.n; j++)
		steps[0][j] = j;

	for (size_t i = 1; i <= a.n; i++) {
		for (size_t j = 1; j <= b.n; j++) {
			size_t least = MIN(steps[i - 1][j], steps[i][j - 1]) + 1;
			size_t change =
				steps[i - 1][j - 1] + !near_same(a.p[i - 1], b.p[j - 1]);
			bool swapped = i > 1 && j > 1 && near_same(a.p[i - 1], b.p[j - 2])
				       && near_same(a.p[i - 2], b.p[j - 1]);

			least = MIN(least, change);
			if (swapped)
				least = MIN(least, steps[i - 2][j - 2] + 1);
			steps[i][j] = least;
		}
	}
	return steps[a.n][b.n];
}

size_t near_enough(struct span typed)
{
	return typed.n < 4 ? 1 : 2;
}
