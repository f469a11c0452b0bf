#define NT_KERNELS nt_kernels_generic
#define NT_KERNELS_NAME "generic"
#include "kernels/nt_kernels_body.h"
