/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running program's own pages: see program.h. */
#include "base/program.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/* Only what is not writable: relocated and written pages exist nowhere else. */
static int release(struct dl_phdr_info *info, size_t size, void *data)
{
	const uintptr_t page = 4096; /* the least; a larger one makes madvise fail, which is fine */

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t end =
			(info->dlpi_addr + segment->p_vaddr + segment->p_memsz) & ~(page - 1);

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && end > start)
			(void)madvise((void *)start, end - start, MADV_DONTNEED); /* best effort */
	}
	return 1; /* the first object is the program itself */
}

void program_release_pages(void)
{
	(void)dl_iterate_phdr(release, NULL);
}
