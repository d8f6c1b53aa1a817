/* version.c - the version of the library that is linked. */
#include <xbartab/version.h>

const char *xbtab_version(void)
{
    return XBTAB_VERSION;
}
