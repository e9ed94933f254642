//! Names under which processes meet.

use crate::{Error, ErrorKind, Fingerprint, Result};
use std::{fmt, str::FromStr};

/// A valid name: 1 to 200 bytes of UTF-8 letters and digits of any script, `.`, `_` and `-`, in
/// parts that `/` separates.
///
/// No part is empty, `.` or `..`, so a name can't leave the directory that it is kept in. Names are
/// compared byte by byte: letters with combining marks have to be written as one character (Unicode
/// normal form C). Each user has names of their own: `jobs` of one user and `jobs` of another are
/// two things.
///
/// # Portability
///
/// Each backend maps a name to what its system allows and hashes what is too long for it; the real
/// name stays readable in the header of the object.
///
/// ```
/// use strait_core::Name;
///
/// assert!(Name::new("camera/front.left").is_ok());
/// assert!(Name::new("größe-7").is_ok());
/// assert!(Name::new("../secret").is_err());
/// assert!(Name::new("").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The length of the longest name, in bytes.
    pub const MAX_LEN: usize = 200;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, with what is wrong with it.
    pub fn new(name: &str) -> Result<Self> {
        let refuse = |why: String| {
            Err(Error::new(ErrorKind::InvalidInput, "use the name", why).on(shorten(name)))
        };
        if name.is_empty() {
            return refuse("it is empty".to_owned());
        }
        if name.len() > Self::MAX_LEN {
            return refuse(format!(
                "it has {} bytes and {} are allowed",
                name.len(),
                Self::MAX_LEN
            ));
        }
        if let Some(bad) = name.chars().find(|&c| !c.is_alphanumeric() && !"._-/".contains(c)) {
            return refuse(format!(
                "it contains {bad:?}; letters, digits, '.', '_', '-' and '/' are allowed"
            ));
        }
        if let Some(part) = name.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            return refuse(format!("a part between slashes is {part:?}"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one file name: `/` becomes `+`, which no name contains.
    pub fn to_file_name(&self) -> String {
        self.0.replace('/', "+")
    }

    /// A file name of 33 characters that stands for this name where the whole one is too long.
    ///
    /// Two names may share it in theory; the header of the object has the real name and decides.
    pub fn to_short_file_name(&self) -> String {
        format!("+{}", Fingerprint::of_bytes(self.0.as_bytes()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

/// The beginning of a name that may be of any length, for a message.
fn shorten(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_of_any_script_are_names() {
        for name in ["a", "A.b_c-9", "a/b/c", "größe", "данные", "データ/一", "٣", "..."]
        {
            assert!(Name::new(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_could_escape_or_confuse_is_no_name() {
        for name in
            ["", ".", "..", "/", "/a", "a/", "a//b", "a/../b", "a/.", "a b", "a\0", "a\n", "a+b"]
        {
            let error = Name::new(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[test]
    fn two_hundred_bytes_are_the_limit_however_many_characters_they_make() {
        assert!(Name::new(&"x".repeat(200)).is_ok());
        assert!(Name::new(&"x".repeat(201)).is_err());
        assert!(Name::new(&"é".repeat(100)).is_ok());
        assert!(Name::new(&"é".repeat(101)).is_err());
    }

    #[test]
    fn different_names_have_different_files() {
        let of = |name: &str| Name::new(name).unwrap();
        assert_eq!(of("a/b").to_file_name(), "a+b");
        assert_ne!(of("a/b").to_short_file_name(), of("a.b").to_short_file_name());
        assert_eq!(of("a").to_short_file_name().len(), 33);
    }

    #[test]
    fn a_message_quotes_the_beginning_of_an_endless_name() {
        assert!(Name::new(&"x".repeat(1 << 20)).unwrap_err().to_string().len() < 200);
    }
}
