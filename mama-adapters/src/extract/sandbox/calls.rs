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
    libc::SYS_fcntl,
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
const READING: u64 = 0;

/// The bits of a call to open that say otherwise.
const WRITING: c_int = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;

/// Calls that are allowed with one value of one argument only: the call, the argument's number, its value, the bits that count.
const NARROW: &[(c_long, u8, u64, c_int)] = &[
    (libc::SYS_openat, 2, READING, WRITING),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1, READING, WRITING),
    // is this a terminal?
    (libc::SYS_ioctl, 1, libc::TCGETS, -1),
    // its own limits, not another's
    (libc::SYS_prlimit64, 0, 0, -1),
];

/// Refuses all other calls from now on, to this thread and to what it becomes: they fail as on a kernel that does not know them.
pub(super) fn restrict() -> Result<(), seccompiler::Error> {
    let refuse = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().chain(OLDER).map(|&call| (call, Vec::new())).collect();
    for &(call, argument, value, mask) in NARROW {
        let mask = u64::from(mask.cast_unsigned());
        let only = SeccompCondition::new(argument, Dword, MaskedEq(mask), value)?;
        allowed.insert(call, vec![SeccompRule::new(vec![only])?]);
    }
    let filter = SeccompFilter::new(allowed, refuse, SeccompAction::Allow, ARCH.try_into()?)?;
    let filter: BpfProgram = filter.try_into()?;
    apply_filter(&filter)
}
