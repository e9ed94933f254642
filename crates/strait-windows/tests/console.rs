#![cfg(windows)]
//! Control events of a real console, between real processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]
#![expect(unsafe_code, reason = "sends control events")]

use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::windows::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Barrier,
    time::Duration,
};
use strait_core::{Deadline, Liveness, Signal, Signals, Subscription};
use strait_windows::Windows;
use windows_sys::Win32::System::{
    Console::{CTRL_C_EVENT, GenerateConsoleCtrlEvent, SetConsoleCtrlHandler},
    Threading::{CREATE_NEW_CONSOLE, CREATE_NEW_PROCESS_GROUP},
};

/// What a process that this file starts is to do.
const ROLE: &str = "STRAIT_CONSOLE_ROLE";

#[test]
fn ctrl_c_arrives_as_interrupt_from_nobody() {
    let test = "ctrl_c_arrives_as_interrupt_from_nobody";
    if env::var_os(ROLE).is_some() {
        let signals = Windows::subscribe(&[Signal::Interrupt]).unwrap();
        // It may have been started by who doesn't hear Ctrl-C, as that is inherited.
        Windows::reset(Signal::Interrupt).unwrap();
        press_ctrl_c();
        let arrival = signals.receive(soon()).unwrap();
        assert_eq!((arrival.signal, arrival.sender), (Signal::Interrupt, None));
        return;
    }
    let (ended, said) = end(&mut start(test, "receive", CREATE_NEW_CONSOLE));
    if !is_unavailable(&said) {
        assert!(ended.success(), "{ended}: {said}");
    }
}

#[test]
fn ctrl_c_that_is_ignored_does_nothing() {
    let test = "ctrl_c_that_is_ignored_does_nothing";
    if env::var_os(ROLE).is_some() {
        let signals = Windows::subscribe(&[Signal::Interrupt]).unwrap();
        Windows::reset(Signal::Interrupt).unwrap();
        Windows::ignore(Signal::Interrupt).unwrap();
        drop(signals);
        press_ctrl_c();
        return;
    }
    let (ended, said) = end(&mut start(test, "ignore", CREATE_NEW_CONSOLE));
    if !is_unavailable(&said) {
        assert!(ended.success(), "{ended}: {said}");
    }
}

/// Installing and removing handlers wait until those that run have returned.
#[test]
fn dropping_a_subscription_waits_for_no_handler() {
    let test = "dropping_a_subscription_waits_for_no_handler";
    if env::var_os(ROLE).is_some() {
        let signals = Windows::subscribe(&[Signal::Interrupt, Signal::HangUp]).unwrap();
        Windows::reset(Signal::Interrupt).unwrap();
        // SAFETY: the handler may be called at any time, on any thread.
        assert_ne!(unsafe { SetConsoleCtrlHandler(Some(wait_for_the_drop), 1) }, 0);
        press_ctrl_c();
        RUNS.wait();
        drop(signals);
        drop(Windows::subscribe(&[Signal::Terminate]).unwrap());
        Windows::ignore(Signal::Quit).unwrap();
        DROPPED.wait();
        return;
    }
    let (ended, said) = end(&mut start(test, "drop", CREATE_NEW_CONSOLE));
    if !is_unavailable(&said) {
        assert!(ended.success(), "{ended}: {said}");
    }
}

static RUNS: Barrier = Barrier::new(2);
static DROPPED: Barrier = Barrier::new(2);

unsafe extern "system" fn wait_for_the_drop(_: u32) -> i32 {
    RUNS.wait();
    DROPPED.wait();
    1
}

#[test]
fn ctrl_break_reaches_a_group_and_nobody_else() {
    let test = "ctrl_break_reaches_a_group_and_nobody_else";
    match env::var(ROLE).as_deref() {
        Ok("lead") => {
            let signals = Windows::subscribe(&[Signal::Quit]).unwrap();
            println!("ready");
            let arrival = signals.receive(soon()).unwrap();
            assert_eq!((arrival.signal, arrival.sender), (Signal::Quit, None));
        }
        Ok(_) => {
            let signals = Windows::subscribe(&[Signal::Quit]).unwrap();
            let mut leader = start(test, "lead", CREATE_NEW_PROCESS_GROUP);
            let mut lines = BufReader::new(leader.stdout.take().unwrap()).lines();
            while lines.next().unwrap().unwrap() != "ready" {}
            let process = Windows::identify(leader.id()).unwrap();
            let sent = Windows::send_break_to_group(&process);
            let ended = sent.is_ok() && Windows::wait_for_end(&process, soon()).unwrap();
            // Where it has ended it stays as it is.
            let _ = leader.kill();
            let status = leader.wait().unwrap();
            match sent {
                Err(error) => println!("{UNAVAILABLE} {error}"),
                Ok(()) => assert!(ended && status.success(), "{status}"),
            }
            signals.receive(Deadline::now()).unwrap_err();
        }
        Err(_) if is_wine() => println!("{UNAVAILABLE} wine: no Ctrl-Break reaches a group"),
        Err(_) => {
            let (ended, said) = end(&mut start(test, "share", CREATE_NEW_CONSOLE));
            if !is_unavailable(&said) {
                assert!(ended.success(), "{ended}: {said}");
            }
        }
    }
}

#[test]
fn a_process_that_has_another_console_leads_no_group_here() {
    let this = Windows::current_process().unwrap();
    let other = strait_core::ProcessIdentity { pid: 4, start: 0, ..this };
    Windows::send_break_to_group(&other).unwrap_err();
}

/// Runs one test of this file in a process of its own.
fn start(test: &str, role: &str, flags: u32) -> Child {
    let args = ["--exact", test, "--nocapture", "--test-threads", "1"];
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(args).env(ROLE, role).creation_flags(flags);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Waits for its end; how it ended, and what it said until then.
fn end(child: &mut Child) -> (ExitStatus, String) {
    let process = Windows::identify(child.id());
    let in_time = process.is_err() || Windows::wait_for_end(&process.unwrap(), soon()).unwrap();
    if !in_time {
        child.kill().unwrap();
        panic!("it didn't end");
    }
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap(), said)
}

fn press_ctrl_c() {
    // SAFETY: it takes numbers only.
    if unsafe { GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) } == 0 {
        println!("{UNAVAILABLE} {}", std::io::Error::last_os_error());
        std::process::exit(0);
    }
}

const UNAVAILABLE: &str = "unavailable:";

fn is_wine() -> bool {
    let root = env::var_os("SystemRoot").map(PathBuf::from);
    root.is_some_and(|root| root.join("system32/winecfg.exe").exists())
}

/// Whether it said that the system can't do it, as Wine can't where it has no terminal.
fn is_unavailable(said: &str) -> bool {
    let why = said.lines().find(|line| line.contains(UNAVAILABLE));
    if let Some(why) = why {
        println!("{why}");
    }
    why.is_some()
}

fn soon() -> Deadline<'static> {
    Deadline::after(Duration::from_secs(20))
}
