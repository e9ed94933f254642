//! What the parent of this process has handed to it.

use crate::endpoint::{Endpoint, EndpointKind, Parcel};
use std::{
    any::Any,
    collections::{BTreeMap, btree_map::Entry},
    sync::{Mutex, PoisonError},
};
use strait_core::{
    Backend, Capability, Deadline, Error, ErrorKind, ProcessIdentity, Result, Socket, Transfer,
};
use strait_protocol::{Greeting, Label};

/// Takes what the parent [passed](crate::generic::Command::pass) under `name`. It can be taken once.
///
/// # Errors
///
/// `NotFound` where nothing was passed under that name, or it was taken already; `TypeMismatch` where it
/// is another sort of endpoint, which stays there; `VersionMismatch` where the parent has another version
/// of strait; `LimitReached` where this process has no room for the handles; `PeerCorrupt`. What couldn't be
/// taken over as a whole is gone, and the error stays the same.
pub fn inherited<B: Backend, T: Endpoint<B>>(name: &str) -> Result<T> {
    B::CAPABILITIES.require(Capability::HandlePassing, TAKE)?;
    with_estate::<B, _>(|left| take(left, name, T::KIND))
        .and_then(T::from_parcel)
        .map_err(|error| error.on(name))
}

/// What the parent passed that wasn't taken yet, by name.
///
/// # Errors
///
/// `VersionMismatch` where the parent has another version of strait; `PeerCorrupt`.
pub fn inherited_names<B: Backend>() -> Result<Vec<String>> {
    B::CAPABILITIES.require(Capability::HandlePassing, TAKE)?;
    with_estate::<B, _>(|left| Ok(left.keys().cloned().collect()))
}

const TAKE: &str = "take what the parent passed as";
const TAKE_OVER: &str = "take over what the parent passed";

/// What is left of what the parent has passed.
struct Estate<B: Backend> {
    /// Whose it is: a forked child has its parent's estate before its eyes, and has inherited nothing.
    heir: ProcessIdentity,
    left: Left<B>,
}

enum Left<B: Backend> {
    /// By name.
    Parcels(BTreeMap<String, Parcel<B>>),
    /// It couldn't be taken over, and never will be: why.
    Nothing(ErrorKind, String),
}

/// Those of all backends: one, as a rule. A static can't be generic.
static ESTATES: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

fn with_estate<B: Backend, R>(
    use_it: impl FnOnce(&mut BTreeMap<String, Parcel<B>>) -> Result<R>,
) -> Result<R> {
    let me = B::current_process()?;
    let mut estates = ESTATES.lock().unwrap_or_else(PoisonError::into_inner);
    if !estates.iter().any(|any| any.is::<Estate<B>>()) {
        let left = match receive::<B>() {
            Ok(parcels) => Left::Parcels(parcels),
            Err(error) => Left::Nothing(error.kind(), error.to_string()),
        };
        estates.push(Box::new(Estate { heir: me, left }));
    }
    let Some(estate) = estates.iter_mut().find_map(|any| any.downcast_mut::<Estate<B>>()) else {
        return Err(Error::new(ErrorKind::NotFound, TAKE, "nothing was passed"));
    };
    if estate.heir != me {
        *estate = Estate { heir: me, left: Left::Parcels(BTreeMap::new()) };
    }
    match &mut estate.left {
        Left::Parcels(parcels) => use_it(parcels),
        Left::Nothing(kind, why) => Err(Error::new(*kind, TAKE, why.clone())),
    }
}

/// Takes all from the parent, and answers.
fn receive<B: Backend>() -> Result<BTreeMap<String, Parcel<B>>> {
    let Some(handle) = B::inherit()? else { return Ok(BTreeMap::new()) };
    let parent = B::Socket::from_handle(handle)?;
    let (greeting, _) = next::<B>(&parent)?;
    let received = Greeting::from_bytes(&greeting, TAKE_OVER)
        .and_then(|greeting| parcels::<B>(&parent, greeting.endpoints));
    // Also where it isn't understood, so that the parent knows. It may be gone.
    let endpoints = received.as_ref().map_or(0, |parcels| parcels.len() as u32);
    let _ = parent.send(&Greeting { endpoints }.to_bytes(), &[], Deadline::now());
    received
}

fn parcels<B: Backend>(parent: &B::Socket, count: u32) -> Result<BTreeMap<String, Parcel<B>>> {
    let mut parcels = BTreeMap::new();
    for _ in 0..count {
        let (bytes, handles) = next::<B>(parent)?;
        let label = Label::from_bytes(&bytes, TAKE_OVER)?;
        if label.handles as usize != handles.len() {
            let why = format!("{} of {} handles came", handles.len(), label.handles);
            return Err(Error::new(ErrorKind::PeerCorrupt, TAKE_OVER, why).on(label.name));
        }
        let (kind, state) = (EndpointKind::from_u32(label.kind), label.state.to_vec());
        parcels.insert(label.name.to_owned(), Parcel { kind, state, handles });
    }
    Ok(parcels)
}

fn take<B: Backend>(
    left: &mut BTreeMap<String, Parcel<B>>,
    name: &str,
    expected: EndpointKind,
) -> Result<Parcel<B>> {
    match left.entry(name.to_owned()) {
        Entry::Occupied(parcel) if parcel.get().kind == expected => Ok(parcel.remove()),
        Entry::Occupied(parcel) => {
            let why = format!("it is {} and not {expected}", parcel.get().kind);
            Err(Error::new(ErrorKind::TypeMismatch, TAKE, why))
        }
        Entry::Vacant(_) => {
            let names: Vec<_> = left.keys().map(String::as_str).collect();
            let error = Error::new(ErrorKind::NotFound, TAKE, "there is no such thing");
            Err(error.hint(match names.is_empty() {
                true => "start this process by `strait::Command`, and `pass` it".to_owned(),
                false => format!("there is {}", names.join(", ")),
            }))
        }
    }
}

/// What the parent sent before this process began: it is there, or never will be.
fn next<B: Backend>(parent: &B::Socket) -> Result<(Vec<u8>, Vec<B::Handle>)> {
    let less =
        || Error::new(ErrorKind::PeerCorrupt, TAKE_OVER, "the parent has sent less than it said");
    let in_time = |error: Error| if error.kind() == ErrorKind::TimedOut { less() } else { error };
    let mut bytes = vec![0; parent.pending(Deadline::now()).map_err(in_time)?];
    let mut handles = Vec::new();
    let came = parent.receive(&mut bytes, Some(&mut handles), Deadline::now()).map_err(in_time)?;
    match (came.is_end, came.handles_are_lost) {
        (true, _) => Err(less()),
        (_, true) => {
            let why = "this process has no room for the handles that come";
            Err(Error::new(ErrorKind::LimitReached, TAKE_OVER, why)
                .hint("start it with a higher limit (ulimit -n)"))
        }
        _ => Ok((bytes, handles)),
    }
}
