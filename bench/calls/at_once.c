/* SPDX-License-Identifier: MIT */

/*
 * at_once - a script of which nothing is left: what a call of it takes is the launcher's
 * and the server's own.
 */

#include "interp/prefork_interp.h"

int main(void)
{
	struct pfi_call call = {.size = sizeof(call)};

	if (pfi_init_complete(NULL, &call, NULL, 0) == PFI_EXECUTOR)
		pfi_executor_exit(0);
	return 1; /* cold: the benchmark is to notice */
}
