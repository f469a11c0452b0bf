#include "allocation.h"

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

/* The fuzzer itself allocates too, in other threads: only what the fuzz target's thread asks for is counted. */
static _Thread_local bool is_limited;
static _Thread_local uint32_t until_failure, failures;

void allocation_begin(uint32_t fails_at)
{
    until_failure = fails_at;
    failures = 0;
    is_limited = true;
}

uint32_t allocation_end(void)
{
    is_limited = false;
    return failures;
}

static bool is_refused(size_t count, size_t size)
{
    if (!is_limited)
        return false;
    bool is_its_turn = until_failure && --until_failure == 0;
    bool is_too_large = size && count > ALLOCATION_LIMIT / size;
    failures += is_its_turn || is_too_large;
    return is_its_turn || is_too_large;
}

void *__wrap_malloc(size_t size)
{
    return is_refused(1, size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused(count, size) ? NULL : __real_calloc(count, size);
}
