/* file_fixture.h - one temporary file for a whole test program: cmocka's group set-up and tear-down. */
#ifndef XBTAB_TESTS_FILE_FIXTURE_H
#define XBTAB_TESTS_FILE_FIXTURE_H

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/xbartab-test-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

#endif
