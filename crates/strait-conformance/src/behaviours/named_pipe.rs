//! The ends of pipes that are found by a name.

use super::kind_of;
use crate::{
    Actor, Backend, Failure, Peer, Stage, Verdict, actors, behaviours, is_linux, is_root, is_unix,
    unavailable, unique, wait_until,
};
use std::{
    io::{Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use strait::{
    ErrorKind,
    generic::{LocalDatagram, NamedPipe, PipeReader, PipeWriter},
};

behaviours! {
    named_pipe;
    a_reader_waits_for_the_first_writer needs [NamedPipes],
    a_writer_that_comes_later_writes_to_all_readers needs [NamedPipes],
    a_writer_waits_for_a_reader needs [NamedPipes],
    many_writers_wait_for_one_reader needs [NamedPipes],
    a_writer_waits_for_a_reader_without_being_told_of_it needs [NamedPipes],
    opening_waits_until_somebody_creates_it needs [NamedPipes],
    opening_gives_up_at_its_deadline needs [NamedPipes],
    pieces_of_several_processes_are_not_mixed needs [NamedPipes],
    the_end_comes_when_the_last_writer_is_killed needs [NamedPipes],
    the_end_comes_to_a_reader_that_was_handed_over_after_it needs [NamedPipes, LocalSockets, HandlePassing],
    a_killed_reader_is_an_error_to_the_writer needs [NamedPipes],
    another_program_reads_whoever_comes_first needs [NamedPipes],
    another_program_writes needs [NamedPipes],
}

pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    actors![read_all::<B>, read_once::<B>, write_lines::<B>, write_pieces::<B>]
}

fn a_reader_waits_for_the_first_writer<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("first"))?;
    let reader = pipe.reader()?;
    let begin = Instant::now();
    assert_eq!(kind_of(reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    assert!(begin.elapsed() >= SOON);
    let mut peer = Peer::with_args(write_lines::<B>, [pipe.name()])?;
    peer.expect("opening")?;
    peer.expect("open")?;
    peer.tell("one");
    assert_eq!(text(&reader, 3)?, "one");
    // One that comes after a writer has left waits for the next; the first has seen its end.
    peer.finish()?;
    let second = pipe.reader()?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    assert_eq!(kind_of(second.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    drop(second);
    // Now there is one again.
    let mut peer = Peer::with_args(write_lines::<B>, [pipe.name()])?;
    peer.expect("opening")?;
    peer.expect("open")?;
    assert_eq!(kind_of(reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    peer.tell("two");
    assert_eq!(text(&reader, 3)?, "two");
    peer.finish()?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn a_writer_that_comes_later_writes_to_all_readers<B: Backend>() -> Verdict {
    if !is_unix() {
        return unavailable("on Windows a writer writes to one of the readers");
    }
    let pipe = NamedPipe::<B>::create(unique("all"))?;
    let reader = pipe.reader()?;
    drop(pipe.writer_timeout(PATIENCE)?);
    let second = pipe.reader()?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    assert_eq!(kind_of(second.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    let writer = pipe.writer_timeout(PATIENCE)?;
    assert_eq!(kind_of(reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    (&writer).write_all(b"two")?;
    assert_eq!(text(&second, 3)?, "two");
    drop(writer);
    assert_eq!(second.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn a_writer_waits_for_a_reader<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let pipe = NamedPipe::<B>::create(unique("reader"))?;
        let begin = Instant::now();
        assert_eq!(kind_of(pipe.writer_timeout(SOON)), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= SOON);
        assert_eq!(kind_of(pipe.writer_timeout(Duration::ZERO)), ErrorKind::TimedOut);
        let mut peer = Peer::with_args(write_lines::<B>, [pipe.name()])?;
        peer.expect("opening")?;
        let reader = pipe.reader()?;
        peer.expect("open")?;
        peer.tell("waited");
        assert_eq!(text(&reader, 6)?, "waited");
        peer.finish()?;
        // The one that gave up has left no end behind.
        assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    }
    Ok(())
}

fn many_writers_wait_for_one_reader<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("many"))?;
    let start = |_| Peer::with_args(write_lines::<B>, [pipe.name()]);
    let mut peers = (0..8).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("opening")?;
    }
    // None of them takes another for a reader.
    assert_eq!(kind_of(pipe.writer_timeout(SOON)), ErrorKind::TimedOut);
    let reader = pipe.reader()?;
    for peer in &mut peers {
        peer.expect("open")?;
        peer.tell("x");
    }
    assert_eq!(text(&reader, 8)?, "xxxxxxxx");
    for peer in peers {
        peer.finish()?;
    }
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn a_writer_waits_for_a_reader_without_being_told_of_it<B: Backend>() -> Verdict {
    if !is_linux() || !is_root() {
        return unavailable("needs root on Linux, to leave a process without inotify");
    }
    let script = "echo 0 > /proc/sys/user/max_inotify_instances && exec \"$0\" \"$@\"";
    let without = ["unshare", "--user", "--map-root-user", "sh", "-c", script];
    let pipe = NamedPipe::<B>::create(unique("untold"))?;
    let mut peer = Peer::under(without, write_lines::<B>, [pipe.name()])?;
    peer.expect("opening")?;
    assert_eq!(kind_of(pipe.writer_timeout(SOON)), ErrorKind::TimedOut);
    let reader = pipe.reader()?;
    peer.expect("open")?;
    peer.tell("found");
    assert_eq!(text(&reader, 5)?, "found");
    Ok(peer.finish()?)
}

fn opening_waits_until_somebody_creates_it<B: Backend>() -> Verdict {
    for _ in 0..20 {
        let name = unique("appears");
        let mut writer = Peer::with_args(write_lines::<B>, [&name])?;
        let mut reader = Peer::with_args(read_all::<B>, [&name])?;
        writer.expect("opening")?;
        reader.expect("opening")?;
        let _pipe = NamedPipe::<B>::create(&name)?;
        writer.expect("open")?;
        writer.tell("hello");
        writer.finish()?;
        reader.expect("open")?;
        reader.expect("hello")?;
        reader.finish()?;
    }
    Ok(())
}

fn opening_gives_up_at_its_deadline<B: Backend>() -> Verdict {
    let name = unique("gives-up");
    let begin = Instant::now();
    let reader = NamedPipe::<B>::open_reader_timeout(&name, SOON);
    assert_eq!(kind_of(reader), ErrorKind::NotFound);
    assert!(begin.elapsed() >= SOON);
    let begin = Instant::now();
    let writer = NamedPipe::<B>::open_writer_timeout(&name, SOON);
    assert_eq!(kind_of(writer), ErrorKind::NotFound);
    assert!(begin.elapsed() >= SOON);
    Ok(())
}

fn pieces_of_several_processes_are_not_mixed<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("pieces"))?;
    let reader = pipe.reader()?;
    let start = |number: u8| {
        Peer::with_args(write_pieces::<B>, [pipe.name().as_str(), &number.to_string()])
    };
    let mut peers = (0..4).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("open")?;
    }
    for peer in &peers {
        peer.tell("go");
    }
    let mut counts = [0; 4];
    let mut piece = vec![0; PipeWriter::<B>::ATOMIC];
    for _ in 0..4 * PIECES {
        reader.until(PATIENCE).read_exact(&mut piece)?;
        assert!(piece.iter().all(|&byte| byte == piece[0]), "pieces are mixed");
        counts[usize::from(piece[0])] += 1;
    }
    assert_eq!(counts, [PIECES; 4]);
    for peer in peers {
        peer.finish()?;
    }
    assert_eq!(reader.read_timeout(&mut piece, PATIENCE)?, 0);
    Ok(())
}

fn the_end_comes_when_the_last_writer_is_killed<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("last"))?;
    let reader = pipe.reader()?;
    let start = |_| Peer::with_args(write_lines::<B>, [pipe.name()]);
    let mut peers = (0..2).map(start).collect::<Result<Vec<_>, _>>()?;
    for peer in &mut peers {
        peer.expect("opening")?;
        peer.expect("open")?;
        peer.tell("sent");
    }
    assert_eq!(text(&reader, 8)?, "sentsent");
    peers[0].kill()?;
    assert_eq!(kind_of(reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    peers[1].kill()?;
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    Ok(())
}

fn the_end_comes_to_a_reader_that_was_handed_over_after_it<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("handed"))?;
    let mut reader = pipe.reader()?;
    pipe.writer_timeout(PATIENCE)?.until(PATIENCE).write_all(b"all")?;
    // Also by one to whom it was handed over.
    for rest in ["a", "l", "l", "", ""] {
        let (here, there) = LocalDatagram::<B>::pair()?;
        here.send_endpoint(reader)?;
        reader = there.recv_endpoint_timeout(PATIENCE)?;
        let clone = reader.try_clone()?;
        let mut one = [0];
        let read = clone.read_timeout(&mut one, PATIENCE)?;
        assert_eq!(one[..read], *rest.as_bytes());
    }
    // Another writer may come, as to one that wasn't.
    let writer = pipe.writer_timeout(PATIENCE)?;
    assert_eq!(kind_of(reader.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    (&writer).write_all(b"more")?;
    drop(writer);
    assert_eq!(text(&reader, 4)?, "more");
    assert_eq!(reader.read_timeout(&mut [0], PATIENCE)?, 0);
    // One that never had a writer waits for the first still.
    let (here, there) = LocalDatagram::<B>::pair()?;
    here.send_endpoint(pipe.reader()?)?;
    let first: PipeReader<B> = there.recv_endpoint_timeout(PATIENCE)?;
    assert_eq!(kind_of(first.read_timeout(&mut [0], SOON)), ErrorKind::TimedOut);
    Ok(())
}

fn a_killed_reader_is_an_error_to_the_writer<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("reader-dies"))?;
    let mut peer = Peer::with_args(read_once::<B>, [pipe.name()])?;
    peer.expect("open")?;
    let writer = pipe.writer_timeout(PATIENCE)?;
    assert_eq!(writer.write_timeout(b"x", PATIENCE)?, 1);
    peer.expect("read")?;
    peer.kill()?;
    assert_eq!(kind_of(writer.write_timeout(b"x", PATIENCE)), ErrorKind::Disconnected);
    // The same of one that waits for room.
    let mut peer = Peer::with_args(read_once::<B>, [pipe.name()])?;
    peer.expect("open")?;
    let writer = pipe.writer_timeout(PATIENCE)?;
    let big = vec![0; 1 << 20];
    std::thread::scope(|scope| -> Verdict {
        let waiter = scope.spawn(|| writer.until(PATIENCE).write_all(&big).map_err(|e| e.kind()));
        peer.expect("read")?;
        peer.kill()?;
        let told = waiter.join().map_err(|_| "the writer panicked")?;
        assert_eq!(told, Err(std::io::ErrorKind::BrokenPipe));
        Ok(())
    })
}

fn another_program_reads_whoever_comes_first<B: Backend>() -> Verdict {
    if !is_linux() {
        return unavailable("no command here reads a pipe by its path");
    }
    for _ in 0..10 {
        for program_first in [true, false] {
            let pipe = NamedPipe::<B>::create(unique("cat"))?;
            let cat = || Program::start(Command::new("cat").arg(pipe.path()));
            let (mut child, writer) = std::thread::scope(|scope| -> Result<_, Failure> {
                let early = program_first.then(cat).transpose()?;
                if let Some(child) = &early {
                    // It waits in `open` for a writer.
                    let stat = format!("/proc/{}/stat", child.0.id());
                    let waits =
                        || std::fs::read_to_string(&stat).is_ok_and(|at| at.contains("(cat) S"));
                    wait_until("the program waits in open", waits)?;
                }
                let writer = scope.spawn(|| pipe.writer_timeout(PATIENCE));
                let child = match early {
                    Some(child) => child,
                    None => cat()?,
                };
                Ok((child, writer.join().map_err(|_| "the writer panicked")??))
            })?;
            (&writer).write_all(b"for another program")?;
            drop(writer);
            assert_eq!(child.output()?, "for another program");
        }
    }
    Ok(())
}

fn another_program_writes<B: Backend>() -> Verdict {
    let pipe = NamedPipe::<B>::create(unique("echo"))?;
    for reader_first in [true, false] {
        let early = reader_first.then(|| pipe.reader()).transpose()?;
        if early.is_none() && !is_unix() {
            // There a program finds nothing to open before somebody reads.
            continue;
        }
        let mut child = Program::start(&mut echo(pipe.path()))?;
        let reader = match early {
            Some(reader) => reader,
            None => pipe.reader()?,
        };
        let mut all = String::new();
        reader.until(PATIENCE).read_to_string(&mut all)?;
        assert_eq!(all.trim_end(), "of another program");
        assert_eq!(child.output()?, "");
    }
    Ok(())
}

/// What writes to the file with that path, as any other program does.
fn echo(path: &Path) -> Command {
    let mut command;
    if is_unix() {
        command = Command::new("sh");
        command.args(["-c", "printf 'of another program' > \"$0\""]).arg(path);
    } else {
        command = Command::new("cmd");
        // It would print quotes around spaces, and one before `>`.
        let redirected = format!("echo of another program>{}", path.display());
        command.arg("/c").args(redirected.split(' '));
    }
    command
}

fn read_all<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("opening");
    let reader = NamedPipe::<B>::open_reader_timeout(stage.arg(0), PATIENCE)?;
    stage.say("open");
    let mut all = String::new();
    reader.until(PATIENCE).read_to_string(&mut all)?;
    stage.say(all);
    Ok(())
}

fn read_once<B: Backend>(stage: &mut Stage) -> Verdict {
    let reader = NamedPipe::<B>::open_reader_timeout(stage.arg(0), PATIENCE)?;
    stage.say("open");
    reader.read_timeout(&mut [0], PATIENCE)?;
    stage.say("read");
    stage.wait_for_end_of_input();
    Ok(())
}

pub(super) fn write_lines<B: Backend>(stage: &mut Stage) -> Verdict {
    stage.say("opening");
    let writer = NamedPipe::<B>::open_writer_timeout(stage.arg(0), PATIENCE)?;
    stage.say("open");
    while let Some(line) = stage.hear() {
        (&writer).write_all(line.as_bytes())?;
    }
    Ok(())
}

fn write_pieces<B: Backend>(stage: &mut Stage) -> Verdict {
    let writer = NamedPipe::<B>::open_writer_timeout(stage.arg(0), PATIENCE)?;
    stage.say("open");
    stage.expect("go")?;
    let piece = vec![stage.arg(1).parse::<u8>()?; PipeWriter::<B>::ATOMIC];
    for _ in 0..PIECES {
        assert_eq!(writer.write_timeout(&piece, PATIENCE)?, piece.len());
    }
    Ok(())
}

/// Another program. Dropping it ends it, whatever it waits for.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        Ok(Self(command.stdout(Stdio::piped()).spawn()?))
    }

    /// What it has printed, when it has ended well.
    fn output(&mut self) -> Result<String, Failure> {
        let mut all = String::new();
        self.0.stdout.take().ok_or("it was read before")?.read_to_string(&mut all)?;
        assert!(self.0.wait()?.success());
        Ok(all)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const PIECES: usize = 500;

pub(super) const SOON: Duration = Duration::from_millis(20);

/// Longer than anything here takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The next `len` bytes.
pub(super) fn text<B: Backend>(reader: &PipeReader<B>, len: usize) -> Result<String, Failure> {
    let mut bytes = vec![0; len];
    reader.until(PATIENCE).read_exact(&mut bytes)?;
    Ok(String::from_utf8(bytes)?)
}
