/* sandbox.c - seccomp filters for the processes that run ngspice. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

/* New processes, and programs in this one's place. clone3() hides its flags behind a pointer: glibc takes
 * clone() where there is none. */
static const int of_processes[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execveat)};
static const int absent[] = {SCMP_SYS(clone3), SCMP_SYS(openat2)};

/* Files by name, but for plain opening. */
static const int of_files[] = {SCMP_SYS(creat),     SCMP_SYS(open_by_handle_at),
                               SCMP_SYS(rename),    SCMP_SYS(renameat),
                               SCMP_SYS(renameat2), SCMP_SYS(unlink),
                               SCMP_SYS(unlinkat),  SCMP_SYS(link),
                               SCMP_SYS(linkat),    SCMP_SYS(symlink),
                               SCMP_SYS(symlinkat), SCMP_SYS(mkdir),
                               SCMP_SYS(mkdirat),   SCMP_SYS(rmdir),
                               SCMP_SYS(mknod),     SCMP_SYS(mknodat),
                               SCMP_SYS(truncate),  SCMP_SYS(chmod),
                               SCMP_SYS(fchmodat),  SCMP_SYS(chown),
                               SCMP_SYS(lchown),    SCMP_SYS(fchownat),
                               SCMP_SYS(utime),     SCMP_SYS(utimes),
                               SCMP_SYS(utimensat), SCMP_SYS(futimesat),
                               SCMP_SYS(setxattr),  SCMP_SYS(lsetxattr),
                               SCMP_SYS(chroot),    SCMP_SYS(pivot_root),
                               SCMP_SYS(mount),     SCMP_SYS(umount2)};

/* Ways around this filter, and to others. */
static const int of_others[] = {SCMP_SYS(io_uring_setup),
                                SCMP_SYS(socket),
                                SCMP_SYS(connect),
                                SCMP_SYS(bind),
                                SCMP_SYS(ptrace),
                                SCMP_SYS(process_vm_readv),
                                SCMP_SYS(process_vm_writev),
                                SCMP_SYS(pidfd_getfd),
                                SCMP_SYS(pidfd_open),
                                SCMP_SYS(bpf),
                                SCMP_SYS(perf_event_open),
                                SCMP_SYS(keyctl),
                                SCMP_SYS(memfd_create),
                                SCMP_SYS(pidfd_send_signal)};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* A call that this machine does not have needs no rule. */
static bool is_there(int call)
{
    return call >= 0;
}

static int refuse_all(scmp_filter_ctx filter, uint32_t how, const int *calls, size_t n)
{
    int bad = 0;
    for (size_t k = 0; k < n && !bad; k++) {
        if (is_there(calls[k])) bad = seccomp_rule_add(filter, how, calls[k], 0);
    }
    return bad;
}

/* Any of the flags with which a file is written or made. */
static int refuse_writing(scmp_filter_ctx filter, int call, unsigned argument)
{
    static const int flags[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC};
    int bad = 0;
    for (size_t k = 0; k < COUNT(flags) && !bad && is_there(call); k++) {
        const scmp_datum_t flag = (scmp_datum_t)flags[k];
        bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
                               SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, flag, flag));
    }
    return bad;
}

/* Threads are clones that share everything; all others are processes. Signals go to this process only. */
static int refuse_by_arguments(scmp_filter_ctx filter)
{
    const uint32_t how = SCMP_ACT_ERRNO(EPERM);
    const int signals[] = {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo),
                           SCMP_SYS(rt_tgsigqueueinfo)};
    int bad = seccomp_rule_add(filter, how, SCMP_SYS(clone), 1,
                               SCMP_CMP(0, SCMP_CMP_MASKED_EQ, (scmp_datum_t)CLONE_THREAD, 0));
    for (size_t k = 0; k < COUNT(signals) && !bad; k++)
        bad =
            seccomp_rule_add(filter, how, signals[k], 1, SCMP_CMP(0, SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    return bad;
}

static xbtab_status enter(bool is_program)
{
    const uint32_t how = SCMP_ACT_ERRNO(EPERM);
    static const int opens[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(execve)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter) XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "cannot lock ngspice in: no memory for a seccomp filter");
    int bad = refuse_all(filter, how, of_processes, COUNT(of_processes));
    if (!bad) bad = refuse_all(filter, SCMP_ACT_ERRNO(ENOSYS), absent, COUNT(absent));
    if (!bad) bad = refuse_all(filter, how, of_files, COUNT(of_files));
    if (!bad) bad = refuse_all(filter, how, of_others, COUNT(of_others));
    if (!bad) bad = refuse_by_arguments(filter);
    if (is_program) {
        if (!bad) bad = refuse_writing(filter, SCMP_SYS(open), 1);
        if (!bad) bad = refuse_writing(filter, SCMP_SYS(openat), 2);
    } else if (!bad) {
        bad = refuse_all(filter, how, opens, COUNT(opens));
    }
    if (!bad) bad = seccomp_load(filter);
    seccomp_release(filter);
    if (bad) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "cannot lock ngspice in: the kernel takes no seccomp filter: %s",
                   strerror(-bad));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__sandbox_worker(void)
{
    return enter(false);
}

xbtab_status xbtab__sandbox_program(void)
{
    return enter(true);
}
