/* The status that every fallible function of the core returns, and its message.
 *
 * Thread tags, used on every declaration of the core:
 *   [main-thread]   may allocate; never from an audio callback
 *   [audio-thread]  bounded time: no allocation, no lock, no system call
 *   [pool-thread]   where models run: it may wait, allocate and take locks
 *   [any-thread]    as [audio-thread], and safe beside it
 */
#ifndef NEUTONE_NT_STATUS_H
#define NEUTONE_NT_STATUS_H

typedef enum nt_status {
    NT_OK = 0,
    NT_ERROR_MEMORY = -1,      /* an allocation failed; nothing was created */
    NT_ERROR_RATE = -2,        /* a sample rate outside NT_RATE_MIN..NT_RATE_MAX Hz */
    NT_ERROR_BLOCK = -3,       /* a block size of 0 or above NT_BLOCK_MAX frames */
    NT_ERROR_CHANNELS = -4,    /* a channel count of 0 or above NT_CHANNELS_MAX */
    NT_ERROR_TAPS = -5,        /* sinc taps outside NT_TAPS_MIN..NT_TAPS_MAX, or odd */
    NT_ERROR_KIND = -6,        /* not one of nt_resampler_kind */
    NT_ERROR_ARGUMENT = -7,    /* a null pointer or another value that the contract forbids */
    NT_ERROR_FRAMES = -8,      /* more frames than the stream was made for, or not its fixed block */
    NT_ERROR_NAN = -9,         /* a parameter curve holds NaN */
    NT_ERROR_SESSION = -10,    /* the session's run reported a failure; its block became silence */
    NT_ERROR_FULL = -11,       /* more engines than a pool has slots for */
    NT_ERROR_BUSY = -12,       /* another thread is inside the same call */
    NT_ERROR_CLOSED = -13      /* the player is closed */
} nt_status;

enum {
    NT_RATE_MIN = 1000,
    NT_RATE_MAX = 768000,
    NT_BLOCK_MAX = 1 << 20,
    NT_CHANNELS_MAX = 1024
};

/* [any-thread] A sentence without a full stop; never NULL. */
const char *nt_strerror(nt_status status);

#endif
