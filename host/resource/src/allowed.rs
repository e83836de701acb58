//! What the host lets entries reach outside of the sandbox. Entries cannot extend it.

use std::path::PathBuf;

/// Nothing by default: whoever runs the host lists what may be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Names of environment variables; `*` stands for any characters.
    pub environment: Vec<String>,
    /// Hosts that HTTP and WebSocket clients may reach: `api.example.com`, `*.example.com`, `localhost:8080`, `10.0.0.0/8`,
    /// or `*` for every public address. Private addresses are reached only by an item that names them.
    pub network: Vec<String>,
    /// Directories outside of the application that entries may name.
    pub directories: Vec<PathBuf>,
}
