/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running program's own memory: see program.h. */
#include "base/program.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	char *strings; /* argv and environment */
	size_t strings_len;
	char *heap; /* page-aligned start */
} caller;

static void give_back(uintptr_t start, uintptr_t end)
{
	if (end > start)
		(void)madvise((void *)start, end - start, MADV_DONTNEED); /* best effort */
}

/*
 * Only what is not writable: relocated and written pages exist nowhere else. Segments that
 * follow one another go at once, or this would bring pages of the first back.
 */
static int release(struct dl_phdr_info *info, size_t size, void *data)
{
	const uintptr_t page = 4096; /* the least; a larger one makes madvise fail, which is fine */
	uintptr_t start = 0, end = 0;

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t at = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);

		if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W))
			continue;
		if (at - end > page) { /* end is the page that the last one ends in */
			give_back(start, end);
			start = at;
		}
		end = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);
	}
	give_back(start, end);
	return 1; /* the first object is the program itself */
}

void program_release_pages(void)
{
	(void)dl_iterate_phdr(release, NULL);
}

/* The strings lie in one piece, argv first: execve(2) puts them on the stack so. */
void program_note_caller(char **argv)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *end = argv[0] ? argv[0] : (char *)"";

	caller.strings = argv[0];
	for (char **list = argv; *list; list++)
		end = *list + strlen(*list) + 1;
	for (char **list = environ; *list; list++)
		end = *list + strlen(*list) + 1;
	caller.strings_len = argv[0] ? (size_t)(end - argv[0]) : 0;
	/* What libc allocated before main() stays: in a static program it holds the TLS. */
	caller.heap = (char *)(((uintptr_t)sbrk(0) + page - 1) & ~(page - 1));
}

void program_forget_strings(void)
{
	explicit_bzero(caller.strings, caller.strings_len);
}

void program_forget_heap(void)
{
	char *end = sbrk(0);

	if (end > caller.heap)
		(void)madvise(caller.heap, (size_t)(end - caller.heap),
			      MADV_DONTNEED); /* private memory: reads as zeroes from now on */
}
