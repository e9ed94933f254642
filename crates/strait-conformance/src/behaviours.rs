//! Every behaviour and every actor of the suite, module by module.

use crate::{Actor, Backend, Behaviour};

/// The actors of all modules.
#[expect(clippy::extra_unused_type_parameters, reason = "until the first module is listed")]
pub(crate) fn actors<B: Backend>() -> Vec<Actor> {
    Vec::new()
}

/// The behaviours of all modules.
#[expect(clippy::extra_unused_type_parameters, reason = "until the first module is listed")]
pub(crate) fn behaviours<B: Backend>() -> Vec<Behaviour> {
    Vec::new()
}
