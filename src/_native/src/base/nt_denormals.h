/* Flush denormals to zero for a while: recurrent models decay into them, where one operation costs a hundred. */
#ifndef NT_DENORMALS_H
#define NT_DENORMALS_H

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>

/* MXCSR bits 15 (FTZ) and 6 (DAZ): Intel SDM vol. 1, 10.2.3. */
typedef unsigned int nt_denormals;

static inline nt_denormals nt_denormals_flush(void)
{
    nt_denormals before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);
    return before;
}

static inline void nt_denormals_restore(nt_denormals before)
{
    _mm_setcsr(before);
}

#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
#include <stdint.h>

/* FPCR bit 24 (FZ): Arm ARM, C5.2. */
typedef uint64_t nt_denormals;

static inline nt_denormals nt_denormals_flush(void)
{
    nt_denormals before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | (1ull << 24)));
    return before;
}

static inline void nt_denormals_restore(nt_denormals before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}

#else
typedef int nt_denormals;

static inline nt_denormals nt_denormals_flush(void)
{
    return 0;
}

static inline void nt_denormals_restore(nt_denormals before)
{
    (void)before;
}
#endif

#endif
