/* Which variant of the inner loops runs here. */
#include "kernels/nt_kernels.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "neutone/nt_resampler.h"

#if defined(_MSC_VER) && (defined(NT_HAVE_KERNELS_AVX2) || defined(NT_HAVE_KERNELS_AVX512))
#include <immintrin.h>
#include <intrin.h>
#endif

static _Atomic(const nt_kernels *) forced = NULL;

#if defined(NT_HAVE_KERNELS_AVX2) || defined(NT_HAVE_KERNELS_AVX512)
#if defined(_MSC_VER)
/* Intel SDM vol. 2, CPUID: leaf 1 ecx bit 12 FMA, 27 OSXSAVE, 28 AVX; leaf 7 ebx bit 5 AVX2, 16 F, 17 DQ, 30 BW, 31 VL;
 * XCR0 bits 1-2 say that the system saves ymm, 5-7 zmm. */
static bool has_avx2(void)
{
    int leaf[4];
    __cpuid(leaf, 1);
    if ((leaf[2] & (1 << 12 | 1 << 27 | 1 << 28)) != (1 << 12 | 1 << 27 | 1 << 28) || (_xgetbv(0) & 6) != 6)
        return false;
    __cpuidex(leaf, 7, 0);
    return leaf[1] & (1 << 5);
}

static bool has_avx512(void)
{
    int leaf[4];
    if (!has_avx2() || (_xgetbv(0) & 0xe6) != 0xe6)
        return false;
    __cpuidex(leaf, 7, 0);
    unsigned wanted = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    return ((unsigned)leaf[1] & wanted) == wanted;
}
#else
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#endif
#endif

/* The variants that this build has and this processor can run, best first; ends with NULL. */
static void usable(const nt_kernels *variants[4])
{
    int count = 0;
#ifdef NT_HAVE_KERNELS_AVX512
    if (has_avx512())
        variants[count++] = &nt_kernels_avx512;
#endif
#ifdef NT_HAVE_KERNELS_AVX2
    if (has_avx2())
        variants[count++] = &nt_kernels_avx2;
#endif
    variants[count++] = &nt_kernels_generic;
    variants[count] = NULL;
}

const nt_kernels *nt_kernels_select(void)
{
    const nt_kernels *choice = atomic_load_explicit(&forced, memory_order_acquire);
    if (choice)
        return choice;
    const nt_kernels *variants[4];
    usable(variants);
    return variants[0];
}

const char *nt_kernels_name(void)
{
    return nt_kernels_select()->name;
}

nt_status nt_kernels_force(const char *name)
{
    const nt_kernels *variants[4];
    usable(variants);
    if (!name) {
        atomic_store_explicit(&forced, NULL, memory_order_release);
        return NT_OK;
    }
    for (int i = 0; variants[i]; i++) {
        if (strcmp(variants[i]->name, name) == 0) {
            atomic_store_explicit(&forced, variants[i], memory_order_release);
            return NT_OK;
        }
    }
    return NT_ERROR_ARGUMENT;
}
