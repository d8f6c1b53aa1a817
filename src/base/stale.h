/* stale.h - whose a file or a folder is that some run left or is writing: locks that go with the process. */
#ifndef XBTAB_BASE_STALE_H
#define XBTAB_BASE_STALE_H

#include <stdbool.h>

/** Lock what was just made under this name. @return false: a run that looked for stale ones took it for one
 *  and removed it before it was locked; make it again. */
bool xbtab__claim(const char *path, int file);

/** Remove the files PATH.NUMBER.tmp that no living run writes. */
void xbtab__remove_stale_files(const char *path);

/** Remove the folders base/PREFIX...-NUMBER-XXXXXX of this user that no living run uses, with their files. */
void xbtab__remove_stale_folders(const char *base, const char *prefix);

/** Remove a folder and the files in it; folders within are left, and then it stays. */
void xbtab__remove_folder(const char *path);

#endif
