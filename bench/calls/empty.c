/* SPDX-License-Identifier: MIT */

/* empty - what it takes to run any program at all. */
int main(void)
{
	return 0;
}
