//! Types that can't be fields, known by how they are spelled.
//!
//! This is for the sake of the message only: a type that is spelled otherwise, by an alias say, still
//! isn't `Shareable`. So only what hardly means anything else is in the table.

use syn::{Error, Path, PathArguments, Type};

const LEADS: &str = "can't be shared: it leads into the memory of one process; \
                     share what it leads to, or its index or offset";
const GROWS: &str = "can't be shared: what it holds lies in the memory of one process; \
                     share an array, and how much of it is used";
const VARIES: &str = "can't be shared: its size differs between 32- and 64-bit processes";
const FALSE_OR_TRUE: &str = "can't be shared: a peer could write what is neither false nor true";

/// The name of a type, why it can't be shared, and what to use.
const REFUSED: &[(&str, &str, &str)] = &[
    ("usize", VARIES, "use `u64`"),
    ("isize", VARIES, "use `i64`"),
    ("AtomicUsize", VARIES, "use `AtomicU64`"),
    ("AtomicIsize", VARIES, "use `AtomicI64`"),
    ("bool", FALSE_OR_TRUE, "use `u8`"),
    ("AtomicBool", FALSE_OR_TRUE, "use `AtomicU8`"),
    ("char", "can't be shared: a peer could write what is no character", "use `u32`"),
];

/// The same for types with parameters.
const REFUSED_OF: &[(&str, &str)] = &[
    ("Box", LEADS),
    ("Rc", LEADS),
    ("Arc", LEADS),
    ("NonNull", LEADS),
    ("AtomicPtr", LEADS),
    ("Vec", GROWS),
];

/// Why a field can't be of this type, if that can be seen.
pub(super) fn refusal(spelled: &Type) -> Option<Error> {
    match spelled {
        Type::Array(array) => refusal(&array.elem),
        // What a `$type:ty` of a `macro_rules` stands for comes in a group.
        Type::Group(group) => refusal(&group.elem),
        Type::Paren(paren) => refusal(&paren.elem),
        Type::Path(path) => named(&path.path).map(|why| error(spelled, &why)),
        Type::Ptr(_) => Some(error(spelled, &format!("a pointer {LEADS}"))),
        Type::Reference(_) => Some(error(spelled, &format!("a reference {LEADS}"))),
        Type::BareFn(_) => Some(error(spelled, &format!("a function {LEADS}"))),
        Type::Tuple(_) => {
            let why = "a tuple can't be shared: its layout may differ between two builds; \
                       use a struct with #[repr(C)]";
            Some(error(spelled, why))
        }
        _ => None,
    }
}

fn named(path: &Path) -> Option<String> {
    let last = path.segments.last()?;
    let is = |name: &str| last.ident == name;
    match last.arguments {
        PathArguments::None => {
            let (name, why, instead) = REFUSED.iter().find(|(name, ..)| is(name))?;
            Some(format!("`{name}` {why}; {instead}"))
        }
        PathArguments::AngleBracketed(_) => {
            let (name, why) = REFUSED_OF.iter().find(|(name, _)| is(name))?;
            Some(format!("`{name}` {why}"))
        }
        PathArguments::Parenthesized(_) => None,
    }
}

fn error(spelled: &Type, why: &str) -> Error {
    Error::new_spanned(spelled, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn what_may_mean_something_else_is_left_to_the_compiler() {
        assert!(refusal(&parse_quote!(geometry::Box)).is_none());
        assert!(refusal(&parse_quote!(fixed::String)).is_none());
        assert!(refusal(&parse_quote!(Wrapping<usize>)).is_none());
    }

    #[test]
    fn paths_and_parentheses_hide_nothing() {
        assert!(refusal(&parse_quote!(::std::vec::Vec<u8>)).is_some());
        assert!(refusal(&parse_quote!(core::primitive::bool)).is_some());
        assert!(refusal(&parse_quote!([(*const u8); 2])).is_some());
    }
}
