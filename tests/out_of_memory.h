/* out_of_memory.h - an operation again and again, each time with one allocation more before memory runs out:
 * until it succeeds it says that memory is short, and nothing else. What it leaves behind the sanitizers see.
 */
#ifndef XBTAB_TESTS_OUT_OF_MEMORY_H
#define XBTAB_TESTS_OUT_OF_MEMORY_H

#include <string.h>

#include <xbartab/status.h>

#include "memory.h"

typedef xbtab_status (*starved_fn)(void *context);

/* most: allocations that are tried one by one; of more, some only. Needs cmocka. */
static inline void starve(const char *what, starved_fn run, void *context, long most)
{
    for (long n = 0; n < 100000000; n += n < most ? 1 : 1 + n / 3) {
        xbtab__alloc_fail_after(n);
        xbtab_status status = run(context);
        xbtab__alloc_fail_after(-1);
        if (status == XBTAB_OK) {
            if (n == 0) fail_msg("%s allocates nothing", what);
            return;
        }
        if (status != XBTAB_ERR_NOMEM || !strstr(xbtab_error_message(), "out of memory"))
            fail_msg("%s with %ld allocations: status %d, %s", what, n, (int)status, xbtab_error_message());
    }
    fail_msg("%s never succeeds", what);
}

#endif
