/* sandbox.h - what a process that runs ngspice may still do.
 *
 * ngspice obeys "shell" and a dozen other commands, libngspice as well, and neither has a switch for it. The
 * text that goes in is a list of harmless lines (spice_allow.h); should something slip through all the same,
 * it meets the kernel: a seccomp filter, which binds the process, its threads and all that it may become, for
 * good. seccomp and not a limit on processes (RLIMIT_NPROC), because that counts all of a user's and does not
 * bind root. What is refused fails with EPERM; ngspice then says that it cannot. */
#ifndef XBTAB_CHARACTERIZE_SANDBOX_H
#define XBTAB_CHARACTERIZE_SANDBOX_H

#include "check.h"

/** For a worker whose libngspice is up: from now on no program starts, no process, no file is opened, made,
 * renamed, removed or changed, no socket made, nobody else traced or signaled. Threads, memory and what is
 * open stay. @return XBTAB_ERR_UNSUPPORTED: the kernel has no such filters; nothing of a stranger may be run
 * then. */
xbtab_status xbtab__sandbox_worker(void) XBTAB_MUST_CHECK;

/** For the process that becomes the ngspice program: the same, but files may be opened for reading, and it
 * may become the program. */
xbtab_status xbtab__sandbox_program(void) XBTAB_MUST_CHECK;

#endif
