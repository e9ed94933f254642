//! What can't be shared is refused while compiling, and the error says why.
//!
//! `TRYBUILD=overwrite cargo test -p strait-macros --test compile` writes the expected errors anew.

use trybuild::TestCases;

/// Errors of the macro itself: all compilers show them alike.
#[test]
fn what_the_syntax_shows_is_refused_with_a_reason() {
    TestCases::new().compile_fail("tests/ui/*.rs");
}

/// Errors of the compiler, which puts our reason into words of its own. Older ones refuse the same
/// in other words, so that there is nothing to compare there.
#[rustversion::since(1.95)]
#[test]
fn what_only_the_compiler_knows_is_refused_with_a_reason() {
    TestCases::new().compile_fail("tests/ui/compiler/*.rs");
}
