//! Variables of the environment, by allow-list.
//!
//! An `env.variable` entry names a value in a storage: the host's memory, a file, texts that the application's author wrote, or
//! the environment of the operating system, of which entries see what the host allows and nothing else. Variables are what
//! module `env` reads and writes, and what `${env:NAME}` in the fields of other entries stands for ([`lookup`]).
//!
//! Functions here may read files: whoever must not block calls them on a thread that may.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `kind.rs` | [`KINDS`]: the entry kinds `env.*` |
//! | `variable.rs` | [`Variable`]: an `env.variable` entry |
//! | `names.rs` | which entry a name means |
//! | `lookup.rs` | [`find`], [`public`], [`lookup`]: variables by name |
//! | `storage/` | [`Storage`]: where values are; `memory.rs`, `file.rs`, `system.rs`, `fixed.rs`, `router.rs` |
//! | `dotenv.rs` | files of `NAME=value` lines |
//! | `allowlist.rs` | names that the host lets entries read |

mod allowlist;
pub mod dotenv;
mod kind;
mod lookup;
mod names;
mod storage;
mod variable;

pub use kind::KINDS;
pub use lookup::{find, lookup, public};
pub use storage::Storage;
pub use variable::Variable;
