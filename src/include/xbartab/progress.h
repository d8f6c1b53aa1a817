/* progress.h - how long calls tell how far they are, and how a caller stops them. */
#ifndef XBARTAB_PROGRESS_H
#define XBARTAB_PROGRESS_H

#ifdef __cplusplus
extern "C" {
#endif

/** How far a long call is. */
typedef struct xbtab_progress {
    const char *what;    /* the step, a few words; a static string */
    long done;           /* finished items, failed ones included */
    long total;          /* all items of this step */
    long failed;         /* finished items that failed */
    double seconds;      /* since the step began [s] */
    double seconds_left; /* estimate [s]; negative while unknown */
} xbtab_progress;

/** Called from the thread that made the long call, now and then and at the end of each step.
 *  @param payload  the pointer given beside the function.
 *  @return non-zero cancels: the call returns XBTAB_ERR_CANCELED and keeps what is finished. */
typedef int (*xbtab_progress_fn)(const xbtab_progress *progress, void *payload);

/** Called with one line of talk (no line end), for a person to read; never with a failure, which is a status.
 */
typedef void (*xbtab_note_fn)(const char *line, void *payload);

#ifdef __cplusplus
}
#endif
#endif
