//! Receiving and sending signals.

use super::waiting::PATIENCE;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root, nobody,
    unavailable,
};
use std::{env, fs, process::Command, thread, time::Duration};
use strait::{
    Error, ErrorKind, Signal,
    generic::{CancelToken, Process, Signals, signal},
    signal::Arrival,
};

behaviours! {
    signals;
    a_signal_arrives_with_its_sender needs [Signals],
    a_signal_of_another_user_says_whose_it_is needs [Signals],
    every_signal_that_can_be_handled_arrives needs [Signals],
    every_subscriber_receives_every_signal_once needs [Signals],
    only_what_was_subscribed_to_arrives needs [Signals],
    what_a_child_does_arrives_with_its_number needs [Signals],
    receiving_ends_at_the_deadline needs [Signals],
    receiving_can_be_cancelled needs [Signals],
    what_can_not_be_handled_is_refused_and_nothing_is_subscribed_to needs [Signals],
    another_users_process_can_not_be_sent_to needs [Signals],
    a_process_that_is_gone_is_not_found needs [Signals],
    a_process_that_is_not_reaped_is_not_found needs [Signals],
    a_process_that_got_the_number_is_not_hit needs [Signals, Liveness],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![obey::<B>, obey_as_nobody::<B>, send_to_a_zombie::<B>, reuse_a_number::<B>]
}

fn a_signal_arrives_with_its_sender<B: Backend>() -> Verdict {
    let mut receiver = subject::<B>()?;
    let mut sender = subject::<B>()?;
    let user = own_user::<B>()?;
    ask(&mut receiver, "subscribe user1 user2", "done")?;
    for name in ["user2", "user1", "user1"] {
        ask(&mut sender, &format!("send {name} {}", receiver.id()), "done")?;
        let said = answer(&mut receiver, "receive")?;
        assert_eq!(said, format!("{name} from {} of {user}", sender.id()));
    }
    ask(&mut receiver, "receive at once", "WouldBlock")?;
    // From itself, too.
    let this = receiver.id();
    ask(&mut receiver, &format!("send user1 {this}"), "done")?;
    let said = answer(&mut receiver, "receive")?;
    assert_eq!(said, format!("user1 from {this} of {user}"));
    Ok(())
}

fn a_signal_of_another_user_says_whose_it_is<B: Backend>() -> Verdict {
    let mut receiver = nobody(obey_as_nobody::<B>, [""; 0])?;
    let mut sender = nobody(obey_as_nobody::<B>, [""; 0])?;
    ask(&mut receiver, "subscribe user1", "done")?;
    ask(&mut sender, &format!("send user1 {}", receiver.id()), "done")?;
    let said = format!("user1 from {} of 65534", sender.id());
    ask(&mut receiver, "receive", &said)?;
    // And where the superuser sends to them.
    signal::send::<B>(receiver.id(), Signal::User1)?;
    ask(&mut receiver, "receive", &format!("user1 from {} of 0", std::process::id()))
}

fn every_signal_that_can_be_handled_arrives<B: Backend>() -> Verdict {
    let mut receiver = subject::<B>()?;
    let all = Signal::ALL.iter().filter(|signal| !UNCATCHABLE.contains(signal));
    let (all, lacking): (Vec<&Signal>, Vec<&Signal>) =
        all.partition(|signal| B::number(**signal).is_some());
    for signal in lacking {
        for verb in ["subscribe", "handle", "ignore", "reset"] {
            ask(&mut receiver, &format!("{verb} {signal}"), "Unsupported")?;
        }
        let sent = kind(signal::send::<B>(receiver.id(), *signal));
        assert_eq!(sent, Some(ErrorKind::Unsupported), "{signal}");
    }
    let names: Vec<String> = all.iter().map(|signal| signal.to_string()).collect();
    ask(&mut receiver, &format!("subscribe {}", names.join(" ")), "done")?;
    for signal in all {
        signal::send::<B>(receiver.id(), *signal)?;
        let said = answer(&mut receiver, "receive")?;
        assert!(said.starts_with(&format!("{signal} from {} of", std::process::id())), "{said}");
    }
    Ok(())
}

fn every_subscriber_receives_every_signal_once<B: Backend>() -> Verdict {
    let mut receiver = subject::<B>()?;
    for _ in 0..3 {
        ask(&mut receiver, "subscribe user1 hang-up", "done")?;
    }
    for _ in 0..3 {
        signal::send::<B>(receiver.id(), Signal::User1)?;
        for _ in 0..3 {
            let said = answer(&mut receiver, "receive")?;
            assert!(said.starts_with("user1 from"), "{said}");
            ask(&mut receiver, "receive at once", "WouldBlock")?;
            ask(&mut receiver, "rotate", "done")?;
        }
    }
    Ok(())
}

fn only_what_was_subscribed_to_arrives<B: Backend>() -> Verdict {
    let mut receiver = subject::<B>()?;
    ask(&mut receiver, "subscribe user1", "done")?;
    ask(&mut receiver, "subscribe user2", "done")?;
    signal::send::<B>(receiver.id(), Signal::User1)?;
    signal::send::<B>(receiver.id(), Signal::User2)?;
    for name in ["user2", "user1"] {
        let said = answer(&mut receiver, "receive")?;
        assert!(said.starts_with(name), "{said}");
        ask(&mut receiver, "receive at once", "WouldBlock")?;
        ask(&mut receiver, "rotate", "done")?;
    }
    Ok(())
}

fn what_a_child_does_arrives_with_its_number<B: Backend>() -> Verdict {
    children_are_told_of::<B>()?;
    let mut receiver = subject::<B>()?;
    ask(&mut receiver, "subscribe child", "done")?;
    let child = answer(&mut receiver, "start true")?;
    let said = answer(&mut receiver, "receive")?;
    assert_eq!(said, format!("child from {child} of {}", own_user::<B>()?));
    Ok(())
}

fn receiving_ends_at_the_deadline<B: Backend>() -> Verdict {
    let mut receiver = subject::<B>()?;
    ask(&mut receiver, "subscribe user1", "done")?;
    ask(&mut receiver, "receive at once", "WouldBlock")?;
    let begin = std::time::Instant::now();
    ask(&mut receiver, "receive in 30 ms", "TimedOut")?;
    assert!(begin.elapsed() >= Duration::from_millis(30));
    Ok(())
}

fn receiving_can_be_cancelled<B: Backend>() -> Verdict {
    // In this process, as nobody sends it this.
    let signals = Signals::<B>::subscribe([Signal::Alarm])?;
    let token = CancelToken::<B>::new()?;
    let ended = thread::scope(|scope| {
        let waiter = scope.spawn(|| signals.recv_deadline(&token).map_err(|error| error.kind()));
        token.cancel();
        waiter.join().map_err(|_| "the waiter panicked")
    })?;
    assert_eq!(ended, Err(ErrorKind::Cancelled));
    Ok(())
}

fn what_can_not_be_handled_is_refused_and_nothing_is_subscribed_to<B: Backend>() -> Verdict {
    let mut subject = subject::<B>()?;
    ask(&mut subject, "subscribe", "InvalidInput")?;
    for signal in UNCATCHABLE {
        for verb in ["subscribe user1", "subscribe", "handle", "ignore", "reset"] {
            ask(&mut subject, &format!("{verb} {signal}"), "InvalidInput")?;
        }
    }
    let error = Signals::<B>::subscribe([Signal::Kill]).err().ok_or("it was subscribed to")?;
    let why = "cannot receive signals \"kill\": the system lets no process handle it";
    assert_eq!(error.to_string(), why);
    // Had it been subscribed to it would do nothing.
    signal::send::<B>(subject.id(), Signal::User1)?;
    ended_by(&mut subject, "SIGUSR1")
}

fn another_users_process_can_not_be_sent_to<B: Backend>() -> Verdict {
    let mut stranger = nobody(obey_as_nobody::<B>, [""; 0])?;
    let mut subject = subject::<B>()?;
    ask(&mut stranger, &format!("send user1 {}", subject.id()), "PermissionDenied")?;
    ask(&mut stranger, &format!("send kill {}", subject.id()), "PermissionDenied")?;
    ask(&mut subject, "subscribe user1", "done")
}

fn a_process_that_is_gone_is_not_found<B: Backend>() -> Verdict {
    let mut peer = subject::<B>()?;
    let process = Process::<B>::with_id(peer.id())?;
    peer.kill()?;
    assert_eq!(kind(signal::send::<B>(&process, Signal::User1)), Some(ErrorKind::NotFound));
    assert_eq!(kind(signal::send::<B>(peer.id(), Signal::User1)), Some(ErrorKind::NotFound));
    // What other calls take for everybody, or for a group of processes, is nobody.
    for pid in [0, i32::MAX as u32, -1_i32 as u32, -2_i32 as u32] {
        assert_eq!(kind(signal::send::<B>(pid, Signal::Kill)), Some(ErrorKind::NotFound));
    }
    Ok(())
}

fn a_process_that_is_not_reaped_is_not_found<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("there are no zombies here");
    }
    let mut peer = Peer::start(send_to_a_zombie::<B>)?;
    peer.expect("NotFound NotFound")?;
    Ok(peer.finish()?)
}

fn send_to_a_zombie<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut child = Command::new("sleep").arg("60").spawn()?;
    let process = Process::<B>::with_id(child.id())?;
    signal::send::<B>(&process, Signal::Terminate)?;
    process.wait_exit_timeout(PATIENCE)?;
    let by_number = signal::send::<B>(child.id(), Signal::Terminate);
    let by_process = signal::send::<B>(&process, Signal::Terminate);
    stage.say(format!("{} {}", said(by_number), said(by_process)));
    child.wait()?;
    Ok(())
}

fn a_process_that_got_the_number_is_not_hit<B: Backend>() -> Verdict {
    // In a namespace of its own, where nobody else takes the number.
    if !is_linux() || !is_root() {
        return unavailable("needs root on Linux, to make a PID namespace");
    }
    let wrapper = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut peer = Peer::under(wrapper, reuse_a_number::<B>, [""; 0])?;
    peer.expect("not hit")?;
    Ok(peer.finish()?)
}

fn reuse_a_number<B: Backend>(stage: &mut Stage) -> Verdict {
    let sleep = || Command::new("sleep").arg("60").spawn();
    let mut first = sleep()?;
    let old = Process::<B>::with_id(first.id())?;
    first.kill()?;
    first.wait()?;
    // Starts are counted in ticks of the system's clock: let one pass.
    let later = || -> Result<bool, Failure> {
        let mut child = sleep()?;
        let start = Process::<B>::with_id(child.id())?.identity().start;
        child.kill()?;
        child.wait()?;
        Ok(start > old.identity().start)
    };
    while !later()? {}
    fs::write("/proc/sys/kernel/ns_last_pid", (old.id() - 1).to_string())?;
    let mut second = sleep()?;
    let new = Process::<B>::with_id(second.id())?;
    assert_eq!(new.id(), old.id(), "the number was not reused");
    let sent = kind(signal::send::<B>(&old, Signal::Kill));
    let lives = new.wait_exit_timeout(Duration::from_millis(20)).is_err() && new.is_alive();
    signal::send::<B>(&new, Signal::Kill)?;
    second.wait()?;
    assert_eq!((sent, lives), (Some(ErrorKind::NotFound), true));
    stage.say("not hit");
    Ok(())
}

/// What no process can handle.
const UNCATCHABLE: [Signal; 3] = [Signal::Kill, Signal::Stop, Signal::Abort];

/// A peer that does what it is told about signals.
pub(super) fn subject<B: Backend>() -> Result<Peer, Failure> {
    Ok(Peer::start(obey::<B>)?)
}

/// The same, started by a shell after it has done something.
pub(super) fn subject_after<B: Backend>(command: &str) -> Result<Peer, Failure> {
    if !is_linux() {
        return unavailable("there is no shell here");
    }
    let command = format!("{command}; exec \"$0\" \"$@\"");
    Ok(Peer::under(["sh", "-c", &command], obey::<B>, [""; 0])?)
}

/// Where no process is told what its children do, there is nothing to show.
pub(super) fn children_are_told_of<B: Backend>() -> Verdict {
    match B::number(Signal::Child) {
        None => unavailable("this system tells no process what its children do"),
        Some(_) if !is_linux() => unavailable("no command here ends at once"),
        Some(_) => Ok(()),
    }
}

/// Tells it something, and what it says to that.
pub(super) fn answer(peer: &mut Peer, command: &str) -> Result<String, Failure> {
    peer.tell(command);
    Ok(peer.hear()?)
}

/// Tells it something, to which it has to say that.
pub(super) fn ask(peer: &mut Peer, command: &str, answer: &str) -> Verdict {
    peer.tell(command);
    Ok(peer.expect(answer)?)
}

/// Waits until it has ended, which that very signal has to have done.
pub(super) fn ended_by(peer: &mut Peer, signal: &str) -> Verdict {
    let status = peer.wait()?;
    match env::consts::OS {
        "linux" => assert!(status.to_string().contains(signal), "{status}"),
        "windows" => assert_eq!(status.code(), exit_code(signal.parse()?), "{signal}"),
        _ => {}
    }
    Ok(())
}

/// What a process ends with on Windows that a signal has ended.
fn exit_code(signal: Signal) -> Option<i32> {
    const CONTROL_C_EXIT: u32 = 0xc000_013a;
    match signal {
        Signal::Interrupt => Some(CONTROL_C_EXIT as i32),
        _ => strait::signal::number(signal).map(|number| 128 + number),
    }
}

fn obey_as_nobody<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("started");
    obey::<B>(stage)
}

/// Does what it is told, and says what came of it.
pub(super) fn obey<B: Backend>(stage: &mut Stage) -> Verdict {
    let mut subscriptions: Vec<Signals<B>> = Vec::new();
    let mut children = Vec::new();
    while let Some(command) = stage.hear() {
        let words: Vec<&str> = command.split(' ').collect();
        let signals = || words[1..].iter().map(|word| word.parse::<Signal>());
        let answer = match words[0] {
            "subscribe" => {
                let signals = signals().collect::<strait::Result<Vec<_>>>()?;
                said(Signals::subscribe(signals).map(|new| subscriptions.push(new)))
            }
            "drop" => {
                drop(subscriptions.pop());
                "done".to_owned()
            }
            "rotate" => {
                subscriptions.rotate_right(1);
                "done".to_owned()
            }
            "receive" => {
                let signals = subscriptions.last().ok_or("there is no subscription")?;
                match words.get(1) {
                    None => received(signals.recv_timeout(PATIENCE)),
                    Some(&"at") => received(signals.try_recv()),
                    Some(_) => {
                        let timeout = Duration::from_millis(words[2].parse()?);
                        received(signals.recv_timeout(timeout))
                    }
                }
            }
            "send" => said(signal::send::<B>(words[2].parse::<u32>()?, words[1].parse()?)),
            "handle" => {
                let mut count = 0;
                said(signal::handle::<B>(words[1].parse()?, move |arrival| {
                    count += 1;
                    println!("closure: {}, {count}", arrival.signal);
                    assert!(count != 1, "this one is meant to panic");
                }))
            }
            "ignore" => said(signal::ignore::<B>(words[1].parse()?)),
            "reset" => said(signal::reset::<B>(words[1].parse()?)),
            "is_ignored" => signal::is_ignored::<B>(words[1].parse()?)?.to_string(),
            "start" => {
                let child = Command::new(words[1]).spawn()?;
                children.push(child);
                children.last().map(|child| child.id().to_string()).unwrap_or_default()
            }
            other => return Err(format!("nobody knows how to {other:?}").into()),
        };
        stage.say(answer);
    }
    children.iter_mut().try_for_each(|child| child.wait().map(drop))?;
    Ok(())
}

fn said(result: strait::Result<()>) -> String {
    result.map_or_else(|error| format!("{:?}", error.kind()), |()| "done".to_owned())
}

fn received(arrival: strait::Result<Arrival>) -> String {
    match arrival {
        Ok(Arrival { signal, sender: Some(sender), .. }) => {
            format!("{signal} from {} of {}", sender.pid, sender.user)
        }
        Ok(Arrival { signal, .. }) => format!("{signal} from nobody"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

fn kind<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

/// The number of the user of this process.
fn own_user<B: Backend>() -> Result<String, Failure> {
    if is_linux() {
        let id = Command::new("id").arg("-u").output()?.stdout;
        return Ok(String::from_utf8_lossy(id.trim_ascii()).into_owned());
    }
    // No command tells it there; what is sent here has to come from the same one.
    let signals = Signals::<B>::subscribe([Signal::WindowChange])?;
    signal::send::<B>(std::process::id(), Signal::WindowChange)?;
    let sender = signals.recv_timeout(PATIENCE)?.sender.ok_or("nobody sent it")?;
    Ok(sender.user.to_string())
}
