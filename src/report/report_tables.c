/* report_tables.c - the fields of what tables say of themselves. */
#include <xbartab/report.h>
#include <xbartab/tables.h>

#define ERROR(member, ...) XBTAB_FIELD(xbtab_fit_error, member, __VA_ARGS__)

static const xbtab_field error[] = {
    {ERROR(rmse, "heldout_rmse_fs", NULL, "on held-out samples, a share of full scale"),
     .absent = XBTAB_ABSENT_NULL},
    {ERROR(max, "heldout_max_fs", NULL, "largest error"), .absent = XBTAB_ABSENT_NULL},
    {ERROR(full_scale, "full_scale", NULL, "what the shares are of, in the table's own unit"),
     .absent = XBTAB_ABSENT_NULL},
    {ERROR(samples, "samples", NULL, "held-out values compared")},
    {ERROR(failed, "failed", NULL, "SPICE samples that failed and were left out")},
};
const xbtab_form xbtab_form_fit_error = XBTAB_FORM(xbtab_fit_error, error);
