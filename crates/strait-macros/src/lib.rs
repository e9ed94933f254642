//! The macros of strait. Programs use them through the facade: `strait::Shareable`.
//!
//! A macro here is one module that goes from syntax to syntax. What it refuses it says where it
//! stands in the user's source, and why; it never panics.

#![forbid(unsafe_code)]

mod shareable;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Makes a struct one that processes can share: implements the trait `strait::Shareable` for it.
///
/// ```
/// use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
/// use strait::{Shareable, Shared};
///
/// #[derive(Default, Shareable)]
/// #[repr(C)]
/// struct Stats {
///     bytes: AtomicU64,
///     errors: AtomicU32,
///     retries: [AtomicU32; 3],
/// }
///
/// let name = format!("doc/stats-{}", std::process::id());
/// let stats = Shared::<Stats>::create(&name, Stats::default())?;
/// stats.retries[0].fetch_add(1, Ordering::Relaxed);
///
/// // In any other process of this user:
/// let again = Shared::<Stats>::open(&name)?;
/// assert_eq!(again.retries[0].load(Ordering::Relaxed), 1);
/// # Ok::<(), strait::Error>(())
/// ```
///
/// # What is compared
///
/// Two processes share a value only where its type has the same fingerprint in both. That is made,
/// while compiling, of the type's name and size, and of each field's name, offset and own fingerprint.
/// Two programs may each declare the type; who changes one of them and forgets the other gets
/// `ErrorKind::TypeMismatch`. The modules in which they are declared are not compared.
///
/// # What is refused
///
/// All of it with an error of the compiler, which says why:
///
/// * what isn't `#[repr(C)]` or `#[repr(transparent)]`, since its layout may differ between two
///   builds of one program;
/// * `#[repr(packed)]`, since its fields can't be borrowed;
/// * enums, unions, `bool` and `char`, since a peer could write what is none of their values;
/// * pointers, references, `Box`, `Vec`, `String` and the like, which lead into one process' memory;
/// * `usize` and `isize`, since a 32-bit process and a 64-bit one may share memory;
/// * padding: the bytes that no field owns are not initialised. Give them to a field:
///
/// ```
/// # use strait::Shareable;
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Sample {
///     value: f64,
///     sensor: u16,
///     _unused: [u8; 6],
/// }
/// ```
///
/// * `Drop`, since no process could say that it is the last one to use the value;
/// * generic types, since whether they have padding depends on what they are used with.
///
/// ```compile_fail
/// # use strait::Shareable;
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Job {
///     name: String, // `String` can't be shared between processes
/// }
/// ```
///
/// # What a peer can do
///
/// It can write any bits into any field. Each field alone is valid whatever they are; that several of
/// them fit together is for their user to check.
#[proc_macro_derive(Shareable)]
pub fn shareable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    shareable::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}
