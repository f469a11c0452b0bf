/* Checks that stay in release builds: assert() goes with NDEBUG, these do not. The first that fails prints
 * where, what and the values, and ends the program with 1. */
#ifndef NEUTONE_TESTS_CHECK_H
#define NEUTONE_TESTS_CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char check_context[256]; /* the case at hand, printed with a failure */

static inline void check_case(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(check_context, sizeof check_context, format, values);
    va_end(values);
}

static inline void check_failed(const char *file, int line, const char *expression, const char *values)
{
    fprintf(stderr, "%s:%d: CHECK(%s) failed%s\n    case: %s\n", file, line, expression, values,
            check_context);
    exit(1);
}

static inline void check_equal(const char *file, int line, const char *expression, long long actual,
                               long long expected)
{
    if (actual == expected)
        return;
    char values[96];
    snprintf(values, sizeof values, ": %lld, expected %lld", actual, expected);
    check_failed(file, line, expression, values);
}

static inline void check_near(const char *file, int line, const char *expression, double actual,
                              double expected, double tolerance)
{
    if (fabs(actual - expected) <= tolerance) /* false for NaN */
        return;
    char values[160];
    snprintf(values, sizeof values, ": %.9g, expected %.9g within %.3g", actual, expected, tolerance);
    check_failed(file, line, expression, values);
}

/* Bits of floats, so that -0 and the payload of a NaN count. */
static inline void check_same_floats(const char *file, int line, const char *expression, const float *actual,
                                     const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(actual + i, expected + i, sizeof(float)) == 0)
            continue;
        char values[160];
        snprintf(values, sizeof values, ": [%zu of %zu] is %.9g, expected %.9g", i, count, (double)actual[i],
                 (double)expected[i]);
        check_failed(file, line, expression, values);
    }
}

#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition, ""))
#define CHECK_EQUAL(actual, expected) \
    check_equal(__FILE__, __LINE__, #actual " == " #expected, (long long)(actual), (long long)(expected))
#define CHECK_NEAR(actual, expected, tolerance) \
    check_near(__FILE__, __LINE__, #actual " ~ " #expected, (double)(actual), (double)(expected), tolerance)
#define CHECK_SAME_FLOATS(actual, expected, count) \
    check_same_floats(__FILE__, __LINE__, #actual " == " #expected, actual, expected, count)

/* Zeroed memory that is there: tests have no use for a failed allocation. */
static inline void *new_array(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    CHECK(memory != NULL);
    return memory;
}

static inline float *new_floats(size_t count)
{
    return new_array(count, sizeof(float));
}

/* Marsaglia's xorshift32 ("Xorshift RNGs", 2003): the same numbers everywhere. */
static uint32_t random_state = 2463534242u;

static inline uint32_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* 0 .. limit - 1 */
static inline uint32_t random_below(uint32_t limit)
{
    return random_word() % limit;
}

/* -1 .. 1 */
static inline float random_sample(void)
{
    return (float)(int32_t)random_word() / 2147483648.0f;
}

static inline float *new_noise(size_t count)
{
    float *noise = new_floats(count);
    for (size_t i = 0; i < count; i++)
        noise[i] = random_sample();
    return noise;
}

static inline uint64_t common_divisor(uint64_t a, uint64_t b)
{
    return b ? common_divisor(b, a % b) : a;
}

#endif
