//! The system calls of a program that reads, computes and answers.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::{c_int, c_long};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::MaskedEq;
use seccompiler::{BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, apply_filter};

/// Everything that ExifTool was seen to call on the corpus, and what the C library and Perl call instead on other machines.
///
/// Not among them: sockets, processes, signals to others, owners, modes, times, names, extended attributes, tracing.
const ALLOWED: &[c_long] = &[
    // open files
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_fadvise64,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_getcwd,
    libc::SYS_getdents64,
    libc::SYS_lseek,
    libc::SYS_newfstatat,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_readv,
    libc::SYS_statfs,
    libc::SYS_statx,
    libc::SYS_umask,
    libc::SYS_write,
    libc::SYS_writev,
    // what it is asked, and the descriptors that it is handed
    libc::SYS_ppoll,
    libc::SYS_pselect6,
    libc::SYS_recvmsg,
    // memory
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // itself; what may be executed is Landlock's affair, too
    libc::SYS_execve,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_sigaltstack,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    // time
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_times,
];

/// The same by their older names.
#[cfg(target_arch = "x86_64")]
const OLDER: &[c_long] = &[
    libc::SYS_access,
    libc::SYS_arch_prctl,
    libc::SYS_dup2,
    libc::SYS_getpgrp,
    libc::SYS_lstat,
    libc::SYS_poll,
    libc::SYS_readlink,
    libc::SYS_select,
    libc::SYS_stat,
    libc::SYS_time,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[c_long] = &[];

/// How a file may be opened: for reading, if it is there.
const READING: c_int = 0;

/// The bits of a call to open that say otherwise.
const WRITING: c_int = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;

/// All bits of an argument.
const ALL: c_int = -1;

/// What an argument of a call has to be: its number, its value, the bits that count.
type Argument = (u8, c_int, c_int);

/// Calls that are allowed only if all these arguments are as they have to be; a call that is here again, also in that way.
const NARROW: &[(c_long, &[Argument])] = &[
    (libc::SYS_openat, &[(2, READING, WRITING)]),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, &[(1, READING, WRITING)]),
    // a descriptor's copies and flags, but no signal to whoever uses the other end
    (libc::SYS_fcntl, &[(1, libc::F_DUPFD, ALL)]),
    (libc::SYS_fcntl, &[(1, libc::F_DUPFD_CLOEXEC, ALL)]),
    (libc::SYS_fcntl, &[(1, libc::F_GETFD, ALL)]),
    (libc::SYS_fcntl, &[(1, libc::F_SETFD, ALL)]),
    (libc::SYS_fcntl, &[(1, libc::F_GETFL, ALL)]),
    (libc::SYS_fcntl, &[(1, libc::F_SETFL, ALL), (2, 0, libc::O_ASYNC)]),
    // is this a terminal?
    (libc::SYS_ioctl, &[(1, libc::TCGETS as c_int, ALL)]),
    // its own limits, not another's
    (libc::SYS_prlimit64, &[(0, 0, ALL)]),
];

/// Refuses all other calls from now on, to this thread and to what it becomes: they fail as on a kernel that does not know them.
pub(super) fn restrict() -> Result<(), seccompiler::Error> {
    let refuse = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(OLDER).map(|&call| (call, Vec::new())).collect();
    for &(call, arguments) in NARROW {
        let mut conditions = Vec::new();
        for &(number, value, mask) in arguments {
            let [value, mask] = [value, mask].map(|bits| u64::from(bits.cast_unsigned()));
            conditions.push(SeccompCondition::new(number, Dword, MaskedEq(mask), value)?);
        }
        allowed.entry(call).or_default().push(SeccompRule::new(conditions)?);
    }
    let filter = SeccompFilter::new(allowed, refuse, SeccompAction::Allow, ARCH.try_into()?)?;
    let filter: BpfProgram = filter.try_into()?;
    apply_filter(&filter)
}
