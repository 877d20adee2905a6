/* seccomp.c - calls that a worker never makes; see sandbox.h. */
#include "base/sandbox_in.h"

#include <sys/prctl.h>

#ifdef WITH_SECCOMP

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

/* A list of what is refused, not of what is allowed: libraries below us call
 * what they like, and the next version of each something new. */
static const int refused[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks traces us */
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(kcmp),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setregid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(reboot),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(syslog),
	SCMP_SYS(personality),
};

static int add_sockets(scmp_filter_ctx ctx)
{
	const uint32_t no = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	int r = seccomp_rule_add(ctx, no, SCMP_SYS(socket), 1,
				 SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));

	for (scmp_datum_t af = AF_INET + 1; !r && af < AF_INET6; af++)
		r = seccomp_rule_add(ctx, no, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, af, 0));
	return r;
}

/* Threads, but no processes.  What clone3() is to make stands in memory that
 * a filter cannot see; the C library takes clone() where it is not there. */
static int add_clones(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
				 0);

#ifndef __SANITIZE_ADDRESS__
	if (!r)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
#endif
	return r;
}

static int add_rules(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; !r && i < COUNT(refused); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (!r)
		r = add_sockets(ctx);
	if (!r)
		r = add_clones(ctx);
	return r;
}

int seccomp_enter(struct err *e)
{
	scmp_filter_ctx ctx;
	int r;

	if (!seccomp_here())
		return 0;
	ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx)
		return err_set(e, ERR_CONFIG,
			       "seccomp does not start: set sandbox = false");
	/* The kernel's audit log names what was refused. */
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	r = add_rules(ctx);
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0)
		return err_set(e, ERR_CONFIG,
			       "seccomp: %s; set sandbox = false to run "
			       "without",
			       strerror(-r));
	return 1;
}

bool seccomp_here(void)
{
	return prctl(PR_GET_SECCOMP) >= 0;
}

#else

int seccomp_enter(struct err *e)
{
	(void)e;
	return 0;
}

bool seccomp_here(void)
{
	return false;
}

#endif
