/* A host's block in one call: the three movements of a stream in a row. */
#include "stream/nt_stream_internal.h"

nt_status nt_stream_process(nt_stream *s, const float *const *in, const float *const *params, float *const *out,
                            uint32_t frames)
{
    nt_denormals before = nt_denormals_flush();
    nt_status status = nt_stream_write(s, in, params, frames);
    if (status == NT_OK) {
        status = nt_stream_run(s, NULL);
        nt_stream_read(s, out, frames);
    }
    nt_denormals_restore(before);
    return status;
}
