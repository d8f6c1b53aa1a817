/* apart.h - a reader that may crash, hang or take all memory is tried in a process of its own first. */
#ifndef XBTAB_STORE_APART_H
#define XBTAB_STORE_APART_H

#include <stddef.h>

#include "check.h"

typedef xbtab_status (*xbtab__apart_fn)(void *context);

/** Call look(context) in a forked process that ends with it: what it changes, opens or leaks is gone, and its
 *  standard error is closed.
 *  @param place    begins the message where the process does not come to an end by itself.
 *  @param seconds  of computing that it may take.
 *  @param memory   bytes of address space that it may take besides what this process has.
 *  @return what look() returned, with its message; XBTAB_ERR_INPUT where it crashed or took too long;
 *  XBTAB_ERR_INTERNAL where no process can be started. Threads: safe where look() is, on its own. */
xbtab_status xbtab__try_apart(xbtab__apart_fn look, void *context, const char *place, unsigned seconds,
                              size_t memory) XBTAB_MUST_CHECK;

#endif
