//! `#[derive(Shareable)]`.
//!
//! What can be seen in the syntax is refused here, in words of its own. What only the compiler knows
//! is left to it: whether the fields' types are `Shareable`, by the bounds of the code that is
//! written; whether there is padding or `Drop`, by assertions in it.

mod field_type;
mod output;
mod repr;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input)?;
    let repr = repr::of(input);
    let of_fields = fields.iter().filter_map(|field| field_type::refusal(&field.ty));
    let refusals = repr.as_ref().err().cloned().into_iter().chain(generics(input)).chain(of_fields);
    match refusals.reduce(together) {
        Some(all) => Err(all),
        None => Ok(output::implementation(input, repr?, fields)),
    }
}

const ENUM: &str = "an enum can't be shared: a peer could write a value that is none of its variants; \
                    share an integer and convert it with `TryFrom`";
const UNION: &str = "a union can't be shared: nobody knows which of its fields a peer wrote; \
                     share an array of bytes";
const GENERIC: &str = "a generic type can't be shared: whether it has padding depends on what it is \
                       used with; write a struct for each";

fn fields(input: &DeriveInput) -> Result<&Fields> {
    match &input.data {
        Data::Struct(data) => Ok(&data.fields),
        Data::Enum(_) => Err(Error::new_spanned(&input.ident, ENUM)),
        Data::Union(_) => Err(Error::new_spanned(&input.ident, UNION)),
    }
}

/// The assertions about a generic type would run only where it is used with certain types, and not
/// even there if nobody asks for its fingerprint.
fn generics(input: &DeriveInput) -> Option<Error> {
    let parameters = &input.generics.params;
    (!parameters.is_empty()).then(|| Error::new_spanned(parameters, GENERIC))
}

fn together(mut all: Error, next: Error) -> Error {
    all.combine(next);
    all
}
