/* The libFuzzer target: the first byte picks the subject, the second the compiled variant of the inner loops. */
#include "fuzz_core.h"

#include "neutone/nt_resampler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const subjects[])(fuzz_input *) = {fuzz_ring, fuzz_resampler, fuzz_schedule, fuzz_stream,
                                                     fuzz_stream_config};
    static const char *const variants[] = {NULL, "generic", "avx2", "avx512"};
    fuzz_input input = {data, data + size};
    uint32_t subject = read_below(&input, sizeof subjects / sizeof *subjects);
    const char *variant = variants[read_below(&input, sizeof variants / sizeof *variants)];
    if (nt_kernels_force(variant) != NT_OK) /* this processor lacks it */
        nt_kernels_force(NULL);
    subjects[subject](&input);
    return 0;
}
