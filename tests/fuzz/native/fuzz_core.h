/* One subject a file. Each reads a program from the input, runs it, and checks what comes out. */
#ifndef NEUTONE_FUZZ_CORE_H
#define NEUTONE_FUZZ_CORE_H

#include "fuzz_input.h"

void fuzz_ring(fuzz_input *input);
void fuzz_resampler(fuzz_input *input);
void fuzz_schedule(fuzz_input *input);
void fuzz_stream(fuzz_input *input);
void fuzz_stream_config(fuzz_input *input);

#endif
