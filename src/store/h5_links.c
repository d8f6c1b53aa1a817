/* h5_links.c - refuses what leads out of a file, before libhdf5 follows it. */
#include "h5.h"

#include <stdio.h>

#include <hdf5.h>

typedef struct walk {
    const xbtab__h5_file *file;
    xbtab_status status;
    int objects, depth;
} walk;

static herr_t refuse(walk *w, const char *name, const char *what)
{
    w->status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: \"%.200s\" %s", w->file->path, name, what);
    return -1;
}

/* What libhdf5 itself does not read. */
static herr_t refuse_damage(walk *w, const char *name)
{
    return refuse(w, name, "cannot be read: the file is damaged");
}

static herr_t check_dataset(walk *w, hid_t set, const char *name)
{
    hid_t create = H5Dget_create_plist(set);
    H5D_layout_t layout = create < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(create);
    int n_files = layout == H5D_CONTIGUOUS ? H5Pget_external_count(create) : 0;
    if (create >= 0) H5Pclose(create);
    if (layout == H5D_LAYOUT_ERROR || n_files < 0) return refuse_damage(w, name);
    if (layout == H5D_VIRTUAL || n_files > 0)
        return refuse(w, name, "has its values in another file; a table file holds all of its own");
    return 0;
}

static herr_t check_link(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    walk *w = context;
    herr_t result = 0;
    if (info->type != H5L_TYPE_HARD)
        return refuse(w, name, "is a link to another place or file; a table file holds all of its own");
    if (++w->objects > XBTAB__H5_MOST_OBJECTS)
        return refuse(w, name, "is one object too many for a table file");
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0) return refuse_damage(w, name);
    H5I_type_t type = H5Iget_type(object);
    if (type == H5I_DATASET) {
        result = check_dataset(w, object, name);
    } else if (type == H5I_GROUP && w->depth == XBTAB__H5_MOST_DEPTH) {
        result = refuse(w, name, "is deeper than a table file goes");
    } else if (type == H5I_GROUP) {
        w->depth++;
        result = H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, check_link, w);
        w->depth--;
        if (result < 0 && w->status == XBTAB_OK) refuse_damage(w, name);
    }
    H5Oclose(object);
    return result < 0 ? -1 : 0;
}

xbtab_status xbtab__h5_check_links(const xbtab__h5_file *file)
{
    walk w = {.file = file};
    herr_t result = H5Literate((hid_t)file->id, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, check_link, &w);
    if (result < 0 && w.status == XBTAB_OK) refuse_damage(&w, "/");
    return w.status;
}
