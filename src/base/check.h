/* check.h - setting a status and its message in one breath, and passing it on.
 *
 * Lower layers speak; upper layers may only prefix a place ("sample 12: ..."). */
#ifndef XBTAB_BASE_CHECK_H
#define XBTAB_BASE_CHECK_H

#include <xbartab/status.h>

#if defined(__GNUC__)
#define XBTAB_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define XBTAB_PRINTF(fmt, args)
#endif

/** Set this thread's message and return code. */
xbtab_status xbtab__error_set(xbtab_status code, const char *format, ...) XBTAB_PRINTF(2, 3);

/** Put "place: " in front of this thread's message and return code (a failing status) unchanged. */
xbtab_status xbtab__error_prefix(xbtab_status code, const char *format, ...) XBTAB_PRINTF(2, 3);

/** Fail with a code and a message. */
#define XBTAB_FAIL(code, ...) return xbtab__error_set((code), __VA_ARGS__)

/** Pass a failure on; for functions that own nothing yet. */
#define XBTAB_TRY(call)                                                                                      \
    do {                                                                                                     \
        xbtab_status try_ = (call);                                                                          \
        if (try_ < 0) return try_;                                                                           \
    } while (0)

/** Pass a failure on through the label done; needs a variable xbtab_status status. */
#define XBTAB_TRY_DONE(call)                                                                                 \
    do {                                                                                                     \
        status = (call);                                                                                     \
        if (status < 0) goto done;                                                                           \
    } while (0)

/** Fail through the label done; needs a variable xbtab_status status. */
#define XBTAB_FAIL_DONE(code, ...)                                                                           \
    do {                                                                                                     \
        status = xbtab__error_set((code), __VA_ARGS__);                                                      \
        goto done;                                                                                           \
    } while (0)

#endif
