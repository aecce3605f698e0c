/* SPDX-License-Identifier: MIT */

#include "interp/hot.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLS     3u         /* that make notes before others rely on them */
#define MAPS_MAX  (1u << 20) /* bytes of /proc/self/maps */
#define AREAS_MAX 2048u      /* mappings, and */
#define PAGES_MAX \
	(1u << 18) /* pages that are looked at: 1 GiB; others come as they always did */

#define HUGE_BYTES  ((size_t)2 << 20)
#define SMALL_PAGES ((size_t)512) /* of 4 KiB, the only ones that are joined here */
#define SPARSE      64u           /* so many of them that are not there are left so */

#define WORD_BITS 64u
#define PIECE     512u /* pages whose entries are read at once */

/* A page's entry in /proc/PID/pagemap. */
#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_OF_FILE (1ull << 61)
#define ENTRY_OURS    (1ull << 56) /* no other process maps it */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* since Linux 6.1 */
#endif

/* A private mapping of the server's, and so of each executor's. */
struct area {
	uintptr_t from;
	size_t n_pages;
	size_t first_word; /* of its pages in notes.cold */
	bool is_written;   /* needed is what was written to; else what was mapped */
};

struct notes {
	atomic_uint n_calls;
	/* A bit for each page: some call did without it. */
	_Atomic uint64_t cold[PAGES_MAX / WORD_BITS];
};

struct hot {
	struct notes *notes; /* shared */
	size_t page_bytes;
	size_t n_areas;
	struct area areas[AREAS_MAX];
	size_t join_area; /* hot_join goes on here, */
	size_t join_huge; /* at this huge page of it */
};

static size_t words_of(const struct area *area)
{
	return (area->n_pages + WORD_BITS - 1) / WORD_BITS;
}

static void add_area(struct hot *hot, const struct area *area)
{
	struct area *to = hot->areas + hot->n_areas;
	const struct area *last = to - 1;

	if (hot->n_areas == AREAS_MAX)
		return;
	*to = *area;
	to->first_word = hot->n_areas ? last->first_word + words_of(last) : 0;
	if (to->first_word + words_of(to) <= ARRAY_LEN(hot->notes->cold))
		hot->n_areas++;
}

/* One line of /proc/self/maps. What is shared is not ours to touch, nor what the kernel
 * puts there, such as its clock. */
static void take_line(struct hot *hot, const char *line)
{
	unsigned long from, to;
	char may[5];

	if (sscanf(line, "%lx-%lx %4s", &from, &to, may) != 3 || may[0] != 'r'
		|| may[3] != 'p' || strstr(line, " [v"))
		return;
	add_area(hot, &(struct area){
			      .from = from,
			      .n_pages = (to - from) / hot->page_bytes,
			      .is_written = may[1] == 'w',
		      });
}

static void read_maps(struct hot *hot)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, "/proc/self/maps", O_RDONLY, 0);
	char *text = fd < 0 ? NULL : malloc(MAPS_MAX), *rest;
	ssize_t n = text ? file_read_at(fd, text, MAPS_MAX - 1, 0) : -1;

	if (n > 0) {
		text[n] = '\0';
		for (char *line = strtok_r(text, "\n", &rest); line;
			line = strtok_r(NULL, "\n", &rest))
			take_line(hot, line);
	}
	free(text);
}

struct hot *hot_new(void)
{
	struct hot *hot = calloc(1, sizeof(*hot));
	struct notes *notes = mmap(NULL, sizeof(*notes), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (hot && notes != MAP_FAILED) {
		hot->notes = notes;
		hot->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
		read_maps(hot);
		return hot;
	}
	if (notes != MAP_FAILED)
		(void)munmap(notes, sizeof(*notes));
	free(hot);
	return NULL;
}

/* The next aligned piece of what is written to, or NULL. */
static void *next_to_join(struct hot *hot)
{
	for (; hot->join_area < hot->n_areas; hot->join_area++, hot->join_huge = 0) {
		const struct area *area = hot->areas + hot->join_area;
		uintptr_t first = (area->from + HUGE_BYTES - 1) & -HUGE_BYTES;
		uintptr_t at = first + hot->join_huge * HUGE_BYTES;
		if (!area->is_written
			|| at + HUGE_BYTES > area->from + area->n_pages * hot->page_bytes)
			continue;
		hot->join_huge++;
		return (void *)at;
	}
	return NULL;
}

/* What set-up never filled would only take memory. */
static bool is_dense(void *at)
{
	unsigned char there[SMALL_PAGES];
	size_t n_missing = 0;

	if (mincore(at, HUGE_BYTES, there) < 0)
		return false;
	for (size_t i = 0; i < SMALL_PAGES; i++)
		n_missing += !(there[i] & 1);
	return n_missing < SPARSE;
}

bool hot_join(struct hot *hot)
{
	void *at = NULL;

	if (!hot || hot->page_bytes * SMALL_PAGES != HUGE_BYTES)
		return false;
	while ((at = next_to_join(hot)) && !is_dense(at))
		continue;
	/* EAGAIN: not just now, for this one. Else memory is too scattered, or the kernel
	 * too old: then all stays as it is. */
	return at && (madvise(at, HUGE_BYTES, MADV_COLLAPSE) == 0 || errno == EAGAIN);
}

static bool is_hot(const struct hot *hot, const struct area *area, size_t page)
{
	uint64_t cold = hot->notes->cold[area->first_word + page / WORD_BITS];

	return page < area->n_pages && !(cold >> page % WORD_BITS & 1);
}

static void fetch_area(const struct hot *hot, const struct area *area)
{
	int how = area->is_written ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;

	for (size_t page = 0; page < area->n_pages; page++) {
		size_t first = page;
		while (is_hot(hot, area, page))
			page++;
		/* What cannot be fetched, or never again, comes as it always did. */
		if (page > first)
			(void)madvise((void *)(area->from + first * hot->page_bytes),
				(page - first) * hot->page_bytes, how);
	}
}

bool hot_fetch(const struct hot *hot)
{
	if (!hot || hot->notes->n_calls < CALLS)
		return false;
	for (size_t i = 0; i < hot->n_areas; i++)
		fetch_area(hot, hot->areas + i);
	return true;
}

static bool was_needed(const struct area *area, uint64_t entry)
{
	bool is_of_file = entry & ENTRY_OF_FILE;

	if (!(entry & ENTRY_PRESENT))
		return false;
	/* What was not written to is the server's as well, or the file's. */
	return area->is_written ? !is_of_file && entry & ENTRY_OURS : is_of_file;
}

/* The notes of up to PIECE pages, from @page on. */
static void note_piece(
	const struct hot *hot, const struct area *area, size_t page, int pagemap)
{
	uint64_t entries[PIECE] = {0}; /* what cannot be read was not needed */
	size_t n = MIN(area->n_pages - page, PIECE);
	uint64_t at = (area->from / hot->page_bytes + page) * sizeof(*entries);

	(void)!file_read_at(pagemap, entries, n * sizeof(*entries), at);
	for (size_t word = 0; word * WORD_BITS < n; word++) {
		uint64_t cold = 0;
		for (size_t bit = 0; bit < WORD_BITS; bit++)
			if (!was_needed(area, entries[word * WORD_BITS + bit]))
				cold |= 1ull << bit;
		hot->notes->cold[area->first_word + page / WORD_BITS + word] |= cold;
	}
}

void hot_note(const struct hot *hot)
{
	AUTO_CLOSE int pagemap =
		hot ? file_open(AT_FDCWD, "/proc/self/pagemap", O_RDONLY, 0) : -1;

	if (pagemap < 0)
		return;
	for (size_t i = 0; i < hot->n_areas; i++)
		for (size_t page = 0; page < hot->areas[i].n_pages; page += PIECE)
			note_piece(hot, hot->areas + i, page, pagemap);
	hot->notes->n_calls++;
}
