//! What the parent of this process has handed to it.

use crate::endpoint::{Endpoint, EndpointKind, Parcel};
use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use strait_core::{Backend, Capability, Deadline, Error, ErrorKind, Result, Socket, Transfer};
use strait_protocol::{Greeting, Label};

/// Takes what the parent [passed](crate::generic::Command::pass) under `name`. It can be taken once.
///
/// # Errors
///
/// `NotFound` where nothing was passed under that name, or it was taken already; `TypeMismatch` where it
/// is another sort of endpoint, which stays there; `VersionMismatch` where the parent has another version
/// of strait; `PeerCorrupt`.
pub fn inherited<B: Backend, T: Endpoint<B>>(name: &str) -> Result<T> {
    B::CAPABILITIES.require(Capability::HandlePassing, TAKE)?;
    let parcel = with_estate::<B, _>(|estate| estate.take(name, T::KIND))?;
    T::from_parcel(parcel).map_err(|error| error.on(name))
}

/// What the parent passed that wasn't taken yet, by name.
///
/// # Errors
///
/// `VersionMismatch` where the parent has another version of strait; `PeerCorrupt`.
pub fn inherited_names<B: Backend>() -> Result<Vec<String>> {
    B::CAPABILITIES.require(Capability::HandlePassing, TAKE)?;
    with_estate::<B, _>(|estate| Ok(estate.left.keys().cloned().collect()))
}

const TAKE: &str = "take what the parent passed as";

/// What is left of what the parent has passed.
struct Estate<B: Backend> {
    left: BTreeMap<String, Parcel<B>>,
}

/// Those of all backends: one, as a rule. A static can't be generic.
static ESTATES: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

fn with_estate<B: Backend, R>(use_it: impl FnOnce(&mut Estate<B>) -> Result<R>) -> Result<R> {
    let mut estates = ESTATES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(estate) = estates.iter_mut().find_map(|any| any.downcast_mut::<Estate<B>>()) {
        return use_it(estate);
    }
    let mut estate = Estate::<B>::receive()?;
    let used = use_it(&mut estate);
    estates.push(Box::new(estate));
    used
}

impl<B: Backend> Estate<B> {
    /// Takes all from the parent, and answers.
    fn receive() -> Result<Self> {
        let Some(handle) = B::inherit()? else { return Ok(Self { left: BTreeMap::new() }) };
        let parent = B::Socket::from_handle(handle)?;
        let (greeting, _) = next::<B>(&parent)?;
        let received = Greeting::from_bytes(&greeting, TAKE).and_then(|greeting| {
            let mut left = BTreeMap::new();
            for _ in 0..greeting.endpoints {
                let (bytes, handles) = next::<B>(&parent)?;
                let label = Label::from_bytes(&bytes, TAKE)?;
                if label.handles as usize != handles.len() {
                    let why = format!("{} of {} handles came", handles.len(), label.handles);
                    return Err(Error::new(ErrorKind::PeerCorrupt, TAKE, why).on(label.name));
                }
                let kind = EndpointKind::from_u32(label.kind);
                left.insert(
                    label.name.to_owned(),
                    Parcel { kind, state: label.state.to_vec(), handles },
                );
            }
            Ok(left)
        });
        // Also where it isn't understood, so that the parent knows. It may be gone.
        let endpoints = received.as_ref().map_or(0, |left| left.len() as u32);
        let _ = parent.send(&Greeting { endpoints }.to_bytes(), &[], Deadline::now());
        received.map(|left| Self { left })
    }

    fn take(&mut self, name: &str, expected: EndpointKind) -> Result<Parcel<B>> {
        match self.left.get(name) {
            None => {
                let error =
                    Error::new(ErrorKind::NotFound, TAKE, "there is no such thing").on(name);
                Err(error.hint(match self.left.is_empty() {
                    true => "start this process by `strait::Command`, and `pass` it".to_owned(),
                    false => {
                        let names: Vec<_> = self.left.keys().map(String::as_str).collect();
                        format!("there is {}", names.join(", "))
                    }
                }))
            }
            Some(parcel) if parcel.kind != expected => {
                let why = format!("it is {} and not {expected}", parcel.kind);
                Err(Error::new(ErrorKind::TypeMismatch, TAKE, why).on(name))
            }
            Some(_) => self.left.remove(name).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, TAKE, "there is no such thing").on(name)
            }),
        }
    }
}

/// What the parent sent before this process began: it is there, or never will be.
fn next<B: Backend>(parent: &B::Socket) -> Result<(Vec<u8>, Vec<B::Handle>)> {
    let less = || Error::new(ErrorKind::PeerCorrupt, TAKE, "the parent has sent less than it said");
    let in_time = |error: Error| if error.kind() == ErrorKind::TimedOut { less() } else { error };
    let mut bytes = vec![0; parent.pending(Deadline::now()).map_err(in_time)?];
    let mut handles = Vec::new();
    let came = parent.receive(&mut bytes, Some(&mut handles), Deadline::now()).map_err(in_time)?;
    match (came.is_end, came.handles_are_lost) {
        (true, _) => Err(less()),
        (_, true) => {
            let why = "this process has no room for the handles that come";
            Err(Error::new(ErrorKind::LimitReached, TAKE, why)
                .hint("raise its limit of open files"))
        }
        _ => Ok((bytes, handles)),
    }
}
