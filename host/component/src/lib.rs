//! Entries that are WebAssembly components in other languages.
//!
//! A [`Program`] is a component that was compiled, looked at, and linked with what its entry grants. [`Program::run`] calls it in
//! an instance of its own, under the limits that hold for Lua: memory, CPU time, time in all. It reaches what the [`Call`]
//! brings along, and nothing else: no variables, arguments, files or addresses of the host.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `engine.rs` | [`Engine`]: wasmtime set up for components; places for instances, compiled components |
//! | `program.rs` | [`Program`]: a component that was found to fit, and its calls |
//! | `imports.rs` | what a component may import, and what is linked |
//! | `exports.rs` | what of a component is called |
//! | `refusal.rs` | [`Refusal`]: why a component does not fit |
//! | `values.rs` | values as the types of WIT |
//! | `call.rs` | [`Call`], [`Peers`], [`Network`]: what one call brings along |
//! | `state.rs` | what the host keeps of an instance; its limits |
//! | `lines.rs` | what it writes, as lines of the log |
//! | `names.rs` | names that it looks up in the network |
//! | `process.rs`, `funcs.rs` | the interfaces `perilune:component/process` and `funcs` |
//! | `texts.rs` | JSON, as which values cross them |

mod call;
mod engine;
mod exports;
mod funcs;
mod imports;
mod lines;
mod names;
mod process;
mod program;
mod refusal;
mod state;
mod texts;
mod values;

pub use call::{Act, Call, Mounted, Network, Peers, Purpose};
pub use engine::{Engine, Options};
pub use program::Program;
pub use refusal::Refusal;
