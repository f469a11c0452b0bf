/* Counts every call of the C allocator in a process: preloaded in front of libc (LD_PRELOAD).
 *   cc -O2 -shared -fPIC malloc_counter.c -o malloc_counter.so -ldl
 * glibc's own entry points do the work, so nothing is looked up while the dynamic linker is still at work. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_ulong allocations;
static atomic_ulong releases;

unsigned long malloc_counter_allocations(void)
{
    return atomic_load_explicit(&allocations, memory_order_relaxed);
}

unsigned long malloc_counter_releases(void)
{
    return atomic_load_explicit(&releases, memory_order_relaxed);
}

static void count(atomic_ulong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count(&allocations);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    count(&allocations);
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    count(&allocations);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    count(&allocations);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory)
        count(&releases);
    __libc_free(memory);
}
