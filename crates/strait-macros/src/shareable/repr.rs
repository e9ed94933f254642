//! How a struct is laid out: what its `#[repr(…)]` promises.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Error, Result, parenthesized, token::Paren};

/// A layout that is the same in every build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repr {
    /// The fields in order, at the first place where each can be.
    C,
    /// One field, and others without a size.
    Transparent,
}

/// The layout of `input`; an error unless it is one that two builds agree on.
pub(super) fn of(input: &DeriveInput) -> Result<Repr> {
    let mut repr = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|hint| {
            if hint.path.is_ident("C") {
                repr = Some(Repr::C);
            } else if hint.path.is_ident("transparent") {
                repr = Some(Repr::Transparent);
            } else if hint.path.is_ident("packed") {
                let why = "a packed type can't be shared: its fields may not be aligned, so that \
                           they can't be borrowed; order them so that there is no padding";
                return Err(hint.error(why));
            }
            // The number of `align(64)`.
            if hint.input.peek(Paren) {
                let number;
                parenthesized!(number in hint.input);
                number.parse::<TokenStream>()?;
            }
            Ok(())
        })?;
    }
    let why = "its layout may differ between two builds: add #[repr(C)]";
    repr.ok_or_else(|| Error::new_spanned(&input.ident, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str) -> Option<Repr> {
        super::of(&syn::parse_str(source).expect("a type")).ok()
    }

    #[test]
    fn the_layout_is_read() {
        assert_eq!(of("#[repr(C)] struct A;"), Some(Repr::C));
        assert_eq!(of("#[repr(align(64), C)] struct A;"), Some(Repr::C));
        assert_eq!(of("#[repr(C)] #[repr(align(64))] struct A;"), Some(Repr::C));
        assert_eq!(of("#[repr(transparent)] struct A(u8);"), Some(Repr::Transparent));
    }

    #[test]
    fn a_layout_that_may_differ_or_is_packed_is_refused() {
        assert_eq!(of("struct A;"), None);
        assert_eq!(of("#[repr(align(8))] struct A;"), None);
        assert_eq!(of("#[repr(Rust)] struct A;"), None);
        assert_eq!(of("#[repr(C, packed)] struct A;"), None);
        assert_eq!(of("#[repr(packed(2), C)] struct A;"), None);
    }
}
