#define NT_KERNELS nt_kernels_avx2
#define NT_KERNELS_NAME "avx2"
#include "kernels/nt_kernels_body.h"
