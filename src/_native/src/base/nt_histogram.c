#include "neutone/nt_histogram.h"

#include "base/nt_counter.h"

/* Below 16 a class is one value; above, the top five bits of the value name it. */
static uint32_t class_of(uint64_t nanoseconds)
{
    uint32_t octave = 0;
    while (nanoseconds >> octave >= 32)
        octave++;
    uint32_t index = 16 * octave + (uint32_t)(nanoseconds >> octave);
    return index < NT_HISTOGRAM_CLASSES ? index : NT_HISTOGRAM_CLASSES - 1;
}

uint64_t nt_histogram_upper(uint32_t class_index)
{
    if (class_index < 32)
        return class_index;
    uint32_t octave = class_index / 16 - 1, top = class_index % 16 + 16;
    return ((uint64_t)(top + 1) << octave) - 1;
}

void nt_histogram_add(nt_histogram *histogram, uint64_t nanoseconds)
{
    nt_count_shared(&histogram->counts[class_of(nanoseconds)], 1);
    nt_count_shared(&histogram->total, nanoseconds);
    uint64_t largest = atomic_load_explicit(&histogram->largest, memory_order_relaxed);
    while (nanoseconds > largest &&
           !atomic_compare_exchange_weak_explicit(&histogram->largest, &largest, nanoseconds, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

void nt_histogram_read(const nt_histogram *histogram, uint64_t counts[NT_HISTOGRAM_CLASSES])
{
    for (uint32_t i = 0; i < NT_HISTOGRAM_CLASSES; i++)
        counts[i] = nt_counted(&histogram->counts[i]);
}
