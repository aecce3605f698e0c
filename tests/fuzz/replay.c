/* SPDX-License-Identifier: MIT */

/*
 * replay - runs a fuzz target over the files of its corpus, without libFuzzer.
 *
 * Usage: replay DIRECTORY. So that what once broke stays tested in every build.
 */

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as many bytes as the file has, so that ASan sees a read past them. */
static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	if (!file || fseek(file, 0, SEEK_END)) {
		perror(path);
		return 1;
	}

	size_t size = (size_t)ftell(file);
	uint8_t *data = malloc(size ? size : 1);
	rewind(file);
	if (!data || fread(data, 1, size, file) != size) {
		perror(path);
		return 1;
	}
	(void)fclose(file);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	int n = 0;

	if (!dir) {
		perror("usage: replay DIRECTORY");
		return 2;
	}
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay_file(path))
			return 1;
		n++;
	}
	(void)closedir(dir);
	printf("%d inputs replayed\n", n);
	return n ? 0 : 1;
}
