/* The fuzzer's bytes, read as numbers. Past the end every byte is 0, so any input is a whole program. */
#ifndef NEUTONE_FUZZ_INPUT_H
#define NEUTONE_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct fuzz_input {
    const uint8_t *next, *end;
} fuzz_input;

static inline bool has_more(const fuzz_input *input)
{
    return input->next < input->end;
}

static inline uint8_t read_byte(fuzz_input *input)
{
    return has_more(input) ? *input->next++ : 0;
}

static inline uint32_t read_word(fuzz_input *input)
{
    uint32_t word = 0;
    for (int i = 0; i < 4; i++)
        word = word << 8 | read_byte(input);
    return word;
}

/* 0 .. limit - 1, from one byte if that is enough: short inputs are mutated to better effect. */
static inline uint32_t read_below(fuzz_input *input, uint32_t limit)
{
    if (limit <= 256)
        return read_byte(input) % limit;
    uint32_t high = read_byte(input);
    return (high << 8 | read_byte(input)) % limit;
}

static inline uint32_t read_between(fuzz_input *input, uint32_t low, uint32_t high)
{
    return low + read_below(input, high - low + 1);
}

/* A value that a careless caller could pass: limits, values just beyond them, or anything. */
static inline uint32_t read_silly(fuzz_input *input)
{
    static const uint32_t values[] = {0,          1,          2,           7,          999,       1000,
                                      1023,       1024,       1025,        768000,     768001,    1u << 20,
                                      (1u << 20) + 1, 1u << 28, (1u << 28) + 1, 1u << 30, 0x3fffffffu, 0x40000000u,
                                      0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu};
    uint32_t choice = read_below(input, sizeof values / sizeof *values + 1);
    return choice < sizeof values / sizeof *values ? values[choice] : read_word(input);
}

/* Two in three are rates of real devices, the rest any rate that the core takes. */
static inline uint32_t read_rate(fuzz_input *input)
{
    static const uint32_t rates[] = {8000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000, 384000};
    uint32_t choice = read_below(input, 16);
    if (choice < sizeof rates / sizeof *rates)
        return rates[choice];
    return 1000 + read_word(input) % 383001;
}

/* A finite sample; now and then a very large or a very small one. */
static inline float read_sample(fuzz_input *input)
{
    uint8_t byte = read_byte(input);
    switch (byte) {
    case 0xfd:
        return 1e-42f;
    case 0xfe:
        return -3e38f;
    case 0xff:
        return 3e38f;
    default:
        return (float)(int8_t)byte / 128.0f;
    }
}

#endif
