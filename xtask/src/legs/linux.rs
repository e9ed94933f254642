//! The legs for Linux on other processors: one that runs its programs too, and ones that are emulated.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use super::binfmt::Processor;
use super::foreign::{Foreign, PACKAGES, TESTS, directory, under};
use super::{Stop, not_set_up};
use crate::cmd::{found, run, succeeds};

/// A processor that is emulated, and the target that is built for it.
pub(super) struct Emulated {
    triple: &'static str,
    processor: Processor,
}

pub(super) const AARCH64: Emulated = Emulated {
    triple: "aarch64-unknown-linux-gnu",
    processor: Processor { name: "aarch64", machine: 183, big_endian: false },
};

pub(super) const RISCV64: Emulated = Emulated {
    triple: "riscv64gc-unknown-linux-gnu",
    processor: Processor { name: "riscv64", machine: 243, big_endian: false },
};

pub(super) const S390X: Emulated = Emulated {
    triple: "s390x-unknown-linux-gnu",
    processor: Processor { name: "s390x", machine: 22, big_endian: true },
};

/// Tests that can't be passed under qemu, and why. It forks, whatever is asked for, with its own threads as they
/// are, and translates only those calls that it knows.
const BEYOND_QEMU: &[(&str, &str)] = &[
    ("forked::", "it tears its own state in the child of several threads"),
    ("a_child_that_is_forked_in_the_middle_of_anything_can_lock", "the same"),
    ("a_program_that_is_not_there_is_not_found", "it forks for vfork, so the error is lost"),
    ("a_command_that_does_not_exist_is_an_error", "the same"),
    ("a_doorbell_that_was_handed_over_takes_no_handles", "it doesn't know SO_PASSRIGHTS"),
    ("who_peeks_elsewhere_hides_no_message", "it doesn't know SO_PEEK_OFF"),
    ("what_is_read_without_handles_closes_them", "it keeps handles that find no room"),
    ("no_descriptor_is_left_whatever_fails", "the same"),
    ("large_memory_of_a_peer_is_not_touched", "memory is elsewhere than /proc says"),
    ("children_that_nobody_wants_to_hear_of_vanish", "it doesn't know SA_NOCLDWAIT"),
    ("signals_storm::", "it delivers fewer signals than a storm has"),
    ("what_pretends_to_be_another_users_is_refused", "its namespace has one user only"),
    ("what_is_not_open_yet_is_waited_for", "the same"),
];

/// The tests with 32 bits, which this processor runs itself.
pub(super) fn i686() -> Result<(), Stop> {
    let mut command = narrow()?.cargo(["test", "--no-fail-fast"]);
    Ok(run(command.args(PACKAGES).args(TESTS))?)
}

/// Builds programs of 32 bits that run here.
pub(super) fn narrow() -> Result<Foreign, Stop> {
    let target = Foreign::new("i686-unknown-linux-gnu")?;
    if !links_and_runs_narrow_programs() {
        return Err(not_set_up("no linker for programs of 32 bits, or no C library of theirs"));
    }
    Ok(target)
}

fn links_and_runs_narrow_programs() -> bool {
    let program = directory().join("narrow");
    let compiled = fs::create_dir_all(directory()).is_ok()
        && succeeds_on(Command::new("cc").args(["-m32", "-xc", "-", "-o"]).arg(&program));
    compiled && succeeds(&mut Command::new(program))
}

/// Whether the compiler takes the smallest of all programs.
fn succeeds_on(compiler: &mut Command) -> bool {
    let quiet = compiler.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = quiet.spawn() else { return false };
    let written = child.stdin.take().map(|mut input| input.write_all(b"int main(){return 0;}"));
    child.wait().is_ok_and(|status| status.success()) && matches!(written, Some(Ok(())))
}

/// The tests on an emulated processor.
pub(super) fn emulated(emulated: &Emulated) -> Result<(), Stop> {
    let Emulated { triple, processor } = emulated;
    let linker = processor.linker();
    if found(&linker).is_none() {
        return Err(not_set_up(&format!("no {linker}")));
    }
    let wrapper = processor.wrapper()?;
    let target = Foreign::new(triple)?
        .linked_by(&linker)
        .optimised()
        .with("QEMU_LD_PREFIX", processor.libraries())
        // The suite allows itself so many times as long.
        .with("STRAIT_PATIENCE", "4");
    let mut command = target.cargo(["test", "--no-fail-fast"]);
    command.args(PACKAGES).args(TESTS).arg("--");
    for (test, why) in BEYOND_QEMU {
        println!("left out: {test}: {why}");
        command.args(["--skip", test]);
    }
    Ok(run(&mut under(&wrapper, &command))?)
}
