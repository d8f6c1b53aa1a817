/* input.h - files that are read: regular ones only, so that nothing hangs or never ends. */
#ifndef XBTAB_BASE_INPUT_H
#define XBTAB_BASE_INPUT_H

#include <stdio.h>

#include "check.h"

/** Open a regular file for reading. A folder, a device, a terminal or a pipe is refused without waiting for
 *  it. @param[out] out  the caller closes it with fclose(). @return XBTAB_ERR_IO (missing, unreadable),
 *  XBTAB_ERR_INPUT (not a regular file). */
xbtab_status xbtab__input_open(FILE **out, const char *path) XBTAB_MUST_CHECK;

/** The same without opening, for libraries that open files themselves. */
xbtab_status xbtab__input_check(const char *path) XBTAB_MUST_CHECK;

#endif
