/* wasi-libc refers to system calls that a sandbox does not have. Defining them here keeps every WASI import out of the
   component; none of them is reached in normal work. */
#include <stdint.h>

/* Errors of WASI preview 1. wasi-libc looks for open folders when it starts, and takes BAD_DESCRIPTOR as the end of them. */
enum { BAD_DESCRIPTOR = 8, NOT_SUPPORTED = 58 };

#define ANSWER(error, name, ...) \
  int32_t __imported_wasi_snapshot_preview1_##name(__VA_ARGS__) { return error; }
#define REFUSE(name, ...) ANSWER(NOT_SUPPORTED, name, __VA_ARGS__)

#pragma clang diagnostic ignored "-Wunused-parameter"
#pragma clang diagnostic ignored "-Wmissing-prototypes"

REFUSE(fd_close, int32_t a)
REFUSE(fd_seek, int32_t a, int64_t b, int32_t c, int32_t d)
REFUSE(fd_read, int32_t a, int32_t b, int32_t c, int32_t d)
REFUSE(fd_write, int32_t a, int32_t b, int32_t c, int32_t d)
REFUSE(fd_fdstat_get, int32_t a, int32_t b)
REFUSE(fd_fdstat_set_flags, int32_t a, int32_t b)
ANSWER(BAD_DESCRIPTOR, fd_prestat_get, int32_t a, int32_t b)
REFUSE(fd_prestat_dir_name, int32_t a, int32_t b, int32_t c)
REFUSE(fd_renumber, int32_t a, int32_t b)
REFUSE(path_open, int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int64_t f, int64_t g, int32_t h, int32_t i)
REFUSE(clock_time_get, int32_t a, int64_t b, int32_t c)
REFUSE(random_get, int32_t a, int32_t b)

void __imported_wasi_snapshot_preview1_proc_exit(int32_t code) { __builtin_trap(); }

int close(int descriptor) { return -1; }
