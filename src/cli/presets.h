/* presets.h - where the program finds presets, data and tables. */
#ifndef XBTAB_CLI_PRESETS_H
#define XBTAB_CLI_PRESETS_H

#include <xbartab/arch.h>

#include "cli.h"

/** A preset by its name or its file. @return an exit code. */
int cli_open_arch(xbtab_arch **out, const char *name_or_file, const xbtab_models *models);

/** Names of the shipped presets, sorted: names[*n], free each and the list. @return an exit code. */
int cli_arch_names(char ***names, int *n);

/** A file by its path within a data folder: XBARTAB_DATA, then the project's own data, then the path itself.
 *  @return out; the path as it is where there is no such file. */
const char *cli_data_file(char *out, size_t size, const char *path);

/** Fails with what to do where a preset's own file cannot be read. NULL is no file. @return an exit code. */
int cli_need_data_file(const char *name, const char *path);

/** The tables of a tile, made where the folder has none that fit tile, models and version.
 *  @param      folder  NULL: $XDG_CACHE_HOME/xbartab or ~/.cache/xbartab.
 *  @param[out] path    where they are; free(). @return an exit code. */
int cli_cached_tables(char **path, xbtab_spec *spec, const xbtab_models *models, const char *folder,
                      int workers);

#endif
