/* data.h - what comes with xbartab, and where runs find their files: models, presets, populations, data sets,
 * and tables that are made once.
 *
 * Files come from the folder that xbartab was built in, as long as that is there, else from the one that it
 * was installed to. This is the one part of the library that looks at the environment: XBARTAB_DATA,
 * XDG_CACHE_HOME and HOME, where a function says so. Threads: safe, as long as no other thread changes the
 * environment. */
#ifndef XBARTAB_DATA_H
#define XBARTAB_DATA_H

#include <stddef.h>

#include <xbartab/arch.h>
#include <xbartab/characterize.h>
#include <xbartab/models.h>
#include <xbartab/population.h>
#include <xbartab/progress.h>
#include <xbartab/spec.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The folder with tiles/, architectures/, populations/ and networks/. Static. */
const char *xbtab_data_folder(void);

/** The folder with the shipped models. Static. */
const char *xbtab_models_folder(void);

/** The shipped models and those of a folder of the user's.
 *  @param folder  NULL = the shipped ones alone.
 *  @return as xbtab_models_open(). */
xbtab_status xbtab_models_open_with(xbtab_models **out, const char *folder) XBTAB_MUST_CHECK;

/** A preset by its name, or by its file: a path with a / in it, or one that ends in .yaml.
 *  @return as xbtab_arch_open(); XBTAB_ERR_INPUT where no preset has the name. */
xbtab_status xbtab_arch_find(xbtab_arch **out, const char *name_or_file,
                             const xbtab_models *models) XBTAB_MUST_CHECK;

/** Names of the shipped presets, in the order of the alphabet.
 *  @param[out] names  names[*n]; end with xbtab_arch_names_free().
 *  @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. */
xbtab_status xbtab_arch_names(char ***names, int *n) XBTAB_MUST_CHECK;
void xbtab_arch_names_free(char ***names, int n);

/** A population by its name or its file, as of xbtab_arch_find(). */
xbtab_status xbtab_population_find(xbtab_population **out, const char *name_or_file) XBTAB_MUST_CHECK;

/** A data file by its path within a data folder: that of XBARTAB_DATA, then the shipped one, then the path
 * itself.
 *  @param[out] out  out[size].
 *  @return out; the path as it is where there is no such file. */
const char *xbtab_data_file(char *out, size_t size, const char *path);

/** The tables of a tile, made where the cache has none that fit tile, models and version. Runs that want the
 * same tables wait for one another.
 *  @param[out] path     where they are; end with xbtab_path_free(). Untouched on failure.
 *  @param      spec     its selector is sized where it asks for it.
 *  @param      folder   of the cache; NULL: $XDG_CACHE_HOME/xbartab, or $HOME/.cache/xbartab.
 *  @param      options  as of xbtab_characterize(); NULL = defaults. Always resumes.
 *  @return as xbtab_characterize(); XBTAB_ERR_IO where the folder cannot be made or written. Threads: as
 * xbtab_characterize(). */
xbtab_status xbtab_tables_cached(char **path, xbtab_spec *spec, const xbtab_models *models,
                                 const char *folder,
                                 const xbtab_characterize_options *options) XBTAB_MUST_CHECK;
void xbtab_path_free(char **path);

#ifdef __cplusplus
}
#endif
#endif
