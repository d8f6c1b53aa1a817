/* status.h - how every call of xbartab reports success or failure.
 *
 * A call either returns XBTAB_OK, or a negative status together with one line of text that says where,
 * what, and what would be allowed. The text belongs to the calling thread and stays until that thread's
 * next failing call. */
#ifndef XBARTAB_STATUS_H
#define XBARTAB_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* name, value, text */
#define XBTAB_STATUS_LIST(X)                                                                                 \
    X(XBTAB_OK, 0, "success")                                                                                \
    X(XBTAB_ERR_INTERNAL, -1, "internal error")                                                              \
    X(XBTAB_ERR_INPUT, -2, "invalid input (file, option or argument)")                                       \
    X(XBTAB_ERR_IO, -3, "a file cannot be read or written")                                                  \
    X(XBTAB_ERR_SPICE, -4, "ngspice refused or aborted the run")                                             \
    X(XBTAB_ERR_NOMEM, -5, "out of memory")                                                                  \
    X(XBTAB_ERR_SOLVE, -6, "a solver or a fit did not reach its tolerance")                                  \
    X(XBTAB_ERR_UNSUPPORTED, -7, "not supported")                                                            \
    X(XBTAB_ERR_CANCELED, -8, "canceled; finished work is kept")                                             \
    X(XBTAB_ERR_OPTION, -9, "an option does not fit the file that it is for")

/** Status of a call: zero is success, negative is failure. */
typedef enum xbtab_status {
#define XBTAB_STATUS_ENUM(name, value, text) name = (value),
    XBTAB_STATUS_LIST(XBTAB_STATUS_ENUM)
#undef XBTAB_STATUS_ENUM
} xbtab_status;

#if defined(__GNUC__)
#define XBTAB_MUST_CHECK __attribute__((warn_unused_result))
#else
#define XBTAB_MUST_CHECK
#endif

/** One line for a status code; a static string. Never NULL, also for numbers that are no status. */
const char *xbtab_status_text(xbtab_status status);

/** The message of this thread's last failing call: one line without a line end; "" if none failed yet.
 *  Borrowed: valid until this thread's next failing call. */
const char *xbtab_error_message(void);

#ifdef __cplusplus
}
#endif
#endif
