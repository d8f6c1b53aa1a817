/* clean.h - text of files, fit to be shown on a terminal. */
#ifndef XBTAB_BASE_CLEAN_H
#define XBTAB_BASE_CLEAN_H

/** Printable text of at most most characters (plus "..."): without control characters, marks that turn the
 * direction of writing, or broken UTF-8, each of which becomes "?". @param[out] out  4 most + 4 bytes.
 * @return out. */
char *xbtab__clean(char *out, const char *text, int most);

#endif
