#include "neutone/nt_status.h"

const char *nt_strerror(nt_status status)
{
    switch (status) {
    case NT_OK: return "no error";
    case NT_ERROR_MEMORY: return "out of memory";
    case NT_ERROR_RATE: return "a sample rate must be an integer from 1000 to 768000 Hz";
    case NT_ERROR_BLOCK: return "a block must have from 1 to 1048576 frames";
    case NT_ERROR_CHANNELS: return "there must be from 1 to 1024 channels";
    case NT_ERROR_TAPS: return "sinc taps must be an even number from 8 to 128";
    case NT_ERROR_KIND: return "a resampler is linear, hermite or sinc";
    case NT_ERROR_ARGUMENT: return "an argument breaks the contract of the function";
    case NT_ERROR_FRAMES: return "the number of frames is not what the stream was made for";
    case NT_ERROR_NAN: return "a parameter curve holds NaN";
    case NT_ERROR_SESSION: return "the model's session failed; its block became silence";
    case NT_ERROR_FULL: return "more engines run in the background than the pool has room for (256)";
    case NT_ERROR_BUSY: return "another thread is processing with the same engine";
    case NT_ERROR_CLOSED: return "the engine is closed";
    }
    return "unknown status";
}
