#define NT_KERNELS nt_kernels_avx512
#define NT_KERNELS_NAME "avx512"
#include "kernels/nt_kernels_body.h"
