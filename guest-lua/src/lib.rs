//! The Lua interpreter as a WebAssembly component: PUC Lua 5.4, glue in C, a prelude in Lua, pre-initialised.
//!
//! # Layout
//!
//! | folder | holds |
//! |---|---|
//! | `build/` | the build script: one file a step |
//! | `c/` | glue: what neither Lua nor the host can do |
//! | `lua/` | the prelude: scheduler, channels, errors, environments; `modules/` holds the Lua half of host modules |
//! | `patches/` | the few lines changed in Lua itself |

/// The component. It imports the interfaces of `wit/` and nothing else, and exports `perilune:cell/guest`.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guest.wasm"));

/// The name of the compiler inside: bytecode of another does not fit.
pub const COMPILER: &str = env!("PERILUNE_COMPILER");
