//! When it is worth it to try the ends that there are.

use super::{Waitable, Worth, sealed::Signals};
use crate::{
    WindowsPipeReader, WindowsPipeWriter, WindowsSocket, WindowsSocketListener,
    WindowsSubscription, pending::PendingRead, signalled::Signal,
};
use std::{
    io,
    os::windows::io::{AsHandle, OwnedHandle},
    sync::Arc,
};
use windows_sys::Win32::System::Threading::INFINITE;

/// How often to try where nothing is signalled: milliseconds.
const NOW_AND_THEN: u32 = 10;

fn when(signals: Vec<Signal>) -> Worth {
    Worth { signals, within: INFINITE }
}

/// Signalled when there is something to read from an end, which takes nothing of it.
fn data(end: Arc<OwnedHandle>) -> io::Result<Signal> {
    Ok(Arc::new(PendingRead::start(end, 0)?))
}

fn copy(of: impl AsHandle) -> io::Result<Arc<OwnedHandle>> {
    of.as_handle().try_clone_to_owned().map(Arc::new)
}

impl Waitable for WindowsPipeReader {}

#[allow(private_interfaces)]
impl Signals for WindowsPipeReader {
    fn readable(&self) -> io::Result<Worth> {
        let (ends, others_may_come) = self.ends()?;
        let signals = ends.into_iter().map(data).collect::<io::Result<_>>()?;
        // Nothing is signalled when another writer opens a pipe with a name.
        Ok(Worth { signals, within: if others_may_come { NOW_AND_THEN } else { INFINITE } })
    }

    fn writable(&self) -> io::Result<Worth> {
        Ok(when(Vec::new()))
    }
}

impl Waitable for WindowsPipeWriter {}

#[allow(private_interfaces)]
impl Signals for WindowsPipeWriter {
    fn readable(&self) -> io::Result<Worth> {
        Ok(when(Vec::new()))
    }

    fn writable(&self) -> io::Result<Worth> {
        Ok(match self.under_way()? {
            Some(ended) => when(vec![Arc::new(ended)]),
            // Another thread is waiting for it just now.
            None => Worth { signals: Vec::new(), within: NOW_AND_THEN },
        })
    }
}

impl Waitable for WindowsSocket {}

#[allow(private_interfaces)]
impl Signals for WindowsSocket {
    fn readable(&self) -> io::Result<Worth> {
        Ok(when(vec![data(copy(self)?)?, copy(self.filled())?]))
    }

    /// The system doesn't tell when there is room in a pipe, except who is writing to it already; and that can't
    /// be taken back exactly where it is given up.
    fn writable(&self) -> io::Result<Worth> {
        Ok(Worth { signals: Vec::new(), within: NOW_AND_THEN })
    }
}

impl Waitable for WindowsSocketListener {}

#[allow(private_interfaces)]
impl Signals for WindowsSocketListener {
    fn readable(&self) -> io::Result<Worth> {
        Ok(when(vec![copy(self)?]))
    }

    fn writable(&self) -> io::Result<Worth> {
        Ok(when(Vec::new()))
    }
}

impl Waitable for WindowsSubscription {}

#[allow(private_interfaces)]
impl Signals for WindowsSubscription {
    fn readable(&self) -> io::Result<Worth> {
        Ok(when(vec![copy(self)?]))
    }

    fn writable(&self) -> io::Result<Worth> {
        Ok(when(Vec::new()))
    }
}
