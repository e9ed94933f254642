//! Who may do what others may not: the start of a path, and the reason why.

/// Where `unsafe` may be written.
pub(super) const UNSAFE: &[(&str, &str)] = &[
    ("crates/strait-protocol/src/shared.rs", "touches memory that other processes share"),
    ("crates/strait-protocol/src/shareable.rs", "promises which types can be shared"),
    ("crates/strait-protocol/src/sync/mutex.rs", "shows what it guards to who holds it"),
    ("crates/strait-protocol/src/sync/rwlock.rs", "promises that threads can share it"),
    ("crates/strait-protocol/src/sync/rwlock_guard.rs", "shows what it guards to who holds it"),
    ("crates/strait-protocol/src/sync/once_lock.rs", "shows a value that is complete"),
    ("crates/strait-protocol/src/sync/seqlock.rs", "reads what may be written at the same time"),
    ("crates/strait-protocol/tests/loom_sync.rs", "touches data whose every access is checked"),
    ("crates/strait-protocol/src/ring/", "lends and shows messages in such memory"),
    ("crates/strait-protocol/tests/loom.rs", "promises where the memory of a ring is"),
    ("crates/strait-bench/src/futex.rs", "calls the bare futex, which std doesn't have"),
    ("crates/strait-bench/src/robust_mutex.rs", "uses a mutex of pthreads in shared memory"),
    ("crates/strait-macros/src/shareable/output.rs", "writes an implementation of `Shareable`"),
    ("crates/strait-core/src/segment.rs", "what is above relies on where the memory is"),
    ("crates/strait/tests/fork", "forks"),
    ("crates/strait/tests/sys/mod.rs", "forks, and has the place of the last error"),
    ("crates/strait/tests/signals/", "forks, and installs handlers as other libraries do"),
    ("crates/strait/tests/linux/sockets_hostile.rs", "sets an option that rustix lacks"),
    ("crates/strait-posix/src/segment.rs", "promises where the memory is"),
    ("crates/strait-posix/src/fork.rs", "std has no hooks for forks"),
    ("crates/strait-posix/src/inherit.rs", "gives a descriptor to one child, which takes it"),
    ("crates/strait-posix/src/quiet_write.rs", "rustix has no masks of signals"),
    ("crates/strait-posix/src/mapping.rs", "maps and unmaps memory"),
    ("crates/strait-posix/src/truncation.rs", "handles a signal and maps pages in the handler"),
    ("crates/strait-posix/src/ready.rs", "promises tokio that a descriptor stays open"),
    ("crates/strait-posix/src/signals/replaced.rs", "frees what no handler reads any more"),
    ("crates/strait-posix/src/signals/handler.rs", "is a signal handler"),
    ("crates/strait-posix/src/signals/action.rs", "sets what signals do"),
    ("crates/strait-posix/src/sys/linux/control.rs", "takes a descriptor that a peer caused"),
    ("crates/strait-posix/src/sys/linux/errno.rs", "std doesn't set the last error"),
    ("crates/strait-posix/src/sys/linux/lane.rs", "sets an option that rustix lacks"),
    ("crates/strait-posix/src/sys/linux/lock.rs", "rustix has no open file description locks"),
    ("crates/strait-posix/src/sys/linux/net.rs", "asks the kernel who the peer is"),
    ("crates/strait-posix/src/sys/linux/pass_rights.rs", "sets an option that rustix lacks"),
    ("crates/strait-posix/src/sys/linux/quiet.rs", "rustix has no masks of signals"),
    ("crates/strait-posix/src/sys/bsd/errno.rs", "std doesn't set the last error"),
    ("crates/strait-posix/src/sys/bsd/lock.rs", "rustix can't look up who holds a lock"),
    ("crates/strait-posix/src/sys/bsd/low_water.rs", "sets options that rustix lacks"),
    ("crates/strait-posix/src/sys/bsd/queue.rs", "promises kqueue that descriptors stay open"),
    ("crates/strait-posix/src/sys/macos/", "calls what neither std nor rustix has"),
    ("crates/strait-posix/src/sys/freebsd/", "calls what neither std nor rustix has"),
    ("crates/strait-posix/src/receive.rs", "takes descriptors out of what a peer sent"),
    ("crates/strait-windows/src/offer.rs", "duplicates handles out of other processes"),
    ("crates/strait-windows/src/inherit.rs", "removes an environment variable"),
    ("crates/strait-windows/src/claim.rs", "releases a mutex"),
    ("crates/strait-windows/src/file.rs", "makes sections of files"),
    ("crates/strait-windows/src/courier.rs", "begins writes that go on"),
    ("crates/strait-windows/src/handover.rs", "duplicates handles out of other processes"),
    ("crates/strait-windows/src/name_claim.rs", "maps who has a name"),
    ("crates/strait-windows/src/named.rs", "makes and opens kernel objects"),
    ("crates/strait-windows/src/persistent.rs", "std doesn't rename without replacing"),
    ("crates/strait-windows/src/section.rs", "queries sections"),
    ("crates/strait-windows/src/segment.rs", "promises where the memory is"),
    ("crates/strait-windows/src/turn.rs", "releases a mutex"),
    ("crates/strait-windows/src/view.rs", "maps and unmaps memory"),
    ("crates/strait-windows/src/wait_address.rs", "sleeps on addresses"),
    ("crates/strait-windows/src/credentials.rs", "asks who is at the other end of a pipe"),
    ("crates/strait-windows/src/instances.rs", "waits for clients while nobody waits"),
    ("crates/strait-windows/src/message_pipe.rs", "makes, opens and queries pipes"),
    ("crates/strait-windows/src/rendezvous/advert.rs", "maps what a listener shows"),
    ("crates/strait-windows/src/rendezvous/rings.rs", "writes while nobody waits"),
    ("crates/strait-windows/src/object.rs", "makes kernel objects"),
    ("crates/strait-windows/src/overlapped.rs", "starts and cancels operations"),
    ("crates/strait-windows/src/pending.rs", "reads into memory while nobody waits"),
    ("crates/strait-windows/src/peer_end.rs", "asks for the state of a pipe"),
    ("crates/strait-windows/src/signalled.rs", "has the system's thread pool wait"),
    ("crates/strait-windows/src/test_pipe.rs", "makes pipes for tests"),
    ("crates/strait-windows/src/pipe_end.rs", "makes and queries pipes"),
    ("crates/strait-windows/src/process.rs", "opens and queries processes"),
    ("crates/strait-windows/src/signals/action.rs", "ends processes"),
    ("crates/strait-windows/src/signals/bell.rs", "makes, opens and resets events"),
    ("crates/strait-windows/src/signals/console.rs", "installs a handler of control events"),
    ("crates/strait-windows/src/signals/group.rs", "sends control events"),
    ("crates/strait-windows/src/signals/mailbox.rs", "maps memory that other processes share"),
    ("crates/strait-windows/src/signals/owner.rs", "asks who has made an object"),
    ("crates/strait-windows/src/signals/session.rs", "asks which session a process is in"),
    ("crates/strait-windows/src/security.rs", "makes security descriptors"),
    ("crates/strait-windows/tests/console.rs", "sends control events"),
    ("crates/strait-windows/src/user.rs", "queries tokens"),
    ("crates/strait-windows/src/wait.rs", "waits"),
    ("crates/strait-windows/src/waiting_ends.rs", "waits for many pipes"),
    ("crates/strait-posix/tests/descriptor_zero.rs", "closes descriptor 0"),
];

/// Where a thread may sleep for a time.
pub(super) const SLEEP: &[(&str, &str)] = &[];

/// Where operating systems may be told apart by `cfg`, in the whole file.
pub(super) const SYSTEM_CFG: &[(&str, &str)] = &[
    ("crates/strait/src/platform.rs", "picks the backend"),
    ("crates/strait-posix/src/sys/mod.rs", "picks the system's file"),
    ("crates/strait-windows/src/sys/mod.rs", "picks the system's file"),
    ("crates/strait-portable/src/sys/mod.rs", "picks the system's file"),
    ("crates/strait/tests/sys/mod.rs", "has what tests need of one system alone"),
    ("crates/strait/tests/linux/main.rs", "picks what can be tested on Linux alone"),
    ("crates/strait-posix/tests/linux/main.rs", "picks what can be tested on Linux alone"),
];

/// Where the first line of code may tell operating systems apart, so that a backend is empty elsewhere, and so is
/// what checks things that only some systems have.
pub(super) const SYSTEM_CFG_FIRST: &[(&str, &str)] = &[
    ("crates/strait-posix/src/lib.rs", "is a backend"),
    ("crates/strait-windows/src/lib.rs", "is a backend"),
    ("crates/strait-windows/tests/", "tests a backend"),
    ("crates/strait-portable/src/lib.rs", "is a backend"),
    ("crates/strait-posix/tests/", "tests a backend"),
    ("crates/strait/tests/duplex.rs", "what it checks is POSIX's: programs like cat as children"),
    ("crates/strait/tests/fork", "what it checks is POSIX's: forks"),
    ("crates/strait/tests/pipe.rs", "what it checks is POSIX's: programs like cat as children"),
    ("crates/strait/tests/signals/main.rs", "what it checks is POSIX's: handlers of signals"),
    ("crates/strait/tests/tokio/main.rs", "what it checks with is POSIX's: cat, sleep, kill"),
    ("crates/strait-cli/tests/commands/main.rs", "what it checks with is POSIX's: shells, signals"),
];

/// Where paths of machines may be written.
pub(super) const MACHINE_PATHS: &[(&str, &str)] =
    &[("xtask/src/tidy/words.rs", "names what it looks for")];

/// Whether `path` is on the list.
pub(super) fn allows(list: &[(&str, &str)], path: &str) -> bool {
    list.iter().any(|(start, _why)| path.starts_with(start))
}
