//! A behaviour, and the table in which a module lists its behaviours.

use crate::{Capability, Verdict};

/// Something that every backend with the needed capabilities does. [`behaviours!`] makes them.
///
/// [`behaviours!`]: crate::behaviours!
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// The module of the table: `lock`.
    pub module: &'static str,
    /// The sentence: `lock_is_recovered_after_owner_dies`.
    pub name: &'static str,
    /// What a backend has to be able to do for it.
    pub needs: Vec<Capability>,
    /// Shows it.
    pub run: fn() -> Verdict,
}

impl Behaviour {
    /// `lock::lock_is_recovered_after_owner_dies`
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.name)
    }
}

/// Lists the behaviours of a module, each with the capabilities that it needs, and defines
/// `behaviours::<B>()`, which returns them.
///
/// ```
/// use strait_conformance::{Backend, Native, Verdict, behaviours};
///
/// behaviours! {
///     arithmetic;
///     one_and_one_is_two,
///     names_are_exclusive needs [NamedSegments],
/// }
///
/// fn one_and_one_is_two<B: Backend>() -> Verdict {
///     assert_eq!(1 + 1, 2);
///     Ok(())
/// }
///
/// fn names_are_exclusive<B: Backend>() -> Verdict {
///     Ok(())
/// }
///
/// assert_eq!(behaviours::<Native>()[0].path(), "arithmetic::one_and_one_is_two");
/// ```
#[macro_export]
macro_rules! behaviours {
    ($module:ident; $($name:ident $(needs [$($capability:ident),* $(,)?])?),* $(,)?) => {
        /// The behaviours of this module.
        pub(crate) fn behaviours<B: $crate::Backend>() -> ::std::vec::Vec<$crate::Behaviour> {
            ::std::vec![$($crate::Behaviour {
                module: ::std::stringify!($module),
                name: ::std::stringify!($name),
                needs: ::std::vec![$($($crate::Capability::$capability),*)?],
                run: $name::<B>,
            }),*]
        }
    };
}
