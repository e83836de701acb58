//! Rewrites a core wasm module that throws exceptions into one that returns and checks, with equal results.
//!
//! An engine needs neither exceptions nor a heap for them to run what comes out. Throwing costs a branch per frame
//! instead of a walk of the native stack; calls that cannot throw, most of them, stay as they were.
//!
//! # How
//!
//! 1. One global, *pending*, says which exception is on its way; it is 0 while there is none.
//! 2. `throw` writes it and branches: to the handler, if the same function holds one, or else to the function's *exit*,
//!    which returns zeros that nobody looks at.
//! 3. After each call that may throw, *pending* is read. Unless it is 0, the call site does what `throw` does after writing.
//! 4. A `try_table` becomes a plain `block`: no label moves. Its clauses become branches at the places that can throw inside.
//! 5. The exit is one block round the body, entered from all over the function: no label of the body moves either.
//! 6. Which calls may throw is a fixpoint over the call graph; indirect calls go by signature.
//! 7. `exnref` becomes `i64`: what *pending* held, 0 for null.
//! 8. Exported functions and the start function that may throw get a wrapper: nobody outside can check, so an uncaught
//!    exception clears *pending* and traps.
//!
//! # What it relies on
//!
//! Imported functions do not throw. Whatever would let somebody outside call around the wrappers, or see an exception, is
//! refused: [`Reason`] is the list. What comes in is validated first, so that nothing malformed is ever rewritten.
//!
//! # Sections
//!
//! Sections without code are copied byte by byte. Custom sections survive, except those that hold offsets into code
//! (DWARF, relocations, branch hints). Of `name` the labels and tags go, since labels are renumbered and tags are gone.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `survey/` | reads and validates the module: what throws and calls where, and what crosses its boundary |
//! | `regions.rs` | which handlers enclose a place, inside out |
//! | `may_throw.rs` | the fixpoint |
//! | `signal.rs` | *pending* and payloads: how an exception is represented on its way |
//! | `dispatch.rs` | the branches from a throw or a failed call to its handler |
//! | `function.rs` | one body, rewritten |
//! | `erase.rs` | types and instructions that only need another spelling |
//! | `module.rs` | the sections, put together |
//! | `check.rs` | what is refused, where and why |

mod check;
mod dispatch;
mod erase;
mod function;
mod may_throw;
mod module;
mod regions;
mod signal;
mod survey;

pub use check::{LowerError, Reason, Refusal};

/// Rewrites a binary core module so that it runs without the exception-handling proposal.
///
/// Functions keep their indices; wrappers, globals and types are added at the end of their sections.
///
/// # Errors
///
/// [`LowerError::Invalid`] where the bytes are no valid core module, [`LowerError::Refused`] where the module uses
/// something that cannot be lowered with equal results.
pub fn lower_exceptions(module: &[u8]) -> Result<Vec<u8>, LowerError> {
    let survey = survey::Survey::read(module)?;
    let may_throw = may_throw::MayThrow::solve(&survey);
    check::boundary(&survey, &may_throw)?;
    module::rewrite(module, &survey, &may_throw)
}
