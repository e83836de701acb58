//! Why a component does not fit.

use crate::imports::FUNCS;

/// Why a component is refused before anything of it runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are none, or one that this version cannot compile.
    #[error("this is no WebAssembly component: {0}")]
    NoComponent(String),
    /// It does not export what is to be called.
    #[error("the component exports {}", match .wanted {
        Some(name) => format!("no function `{name}`"),
        None => "neither `perilune:component/entry@0.1.0` nor `wasi:cli/run`".to_owned(),
    })]
    NoExport {
        /// What the entry names.
        wanted: Option<String>,
        /// What could be called instead.
        exports: Vec<String>,
    },
    /// What is to be called takes or gives something that only another component could hold.
    #[error("the function `{function}` cannot be called from outside: {reason}")]
    Signature {
        /// Which.
        function: String,
        /// Why.
        reason: String,
    },
    /// It imports what nothing grants.
    #[error("the component imports {}, which nothing grants", quoted(.0))]
    NotGranted(Vec<String>),
    /// An import is of another type than the host's.
    #[error("the component's imports do not fit this host: {0}")]
    Mismatch(String),
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl Refusal {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Refusal::NoComponent(_) => {
                Some("build it for `wasm32-wasip2`, or with `wasm-tools component new`".to_owned())
            }
            Refusal::NoExport { exports, .. } if exports.is_empty() => Some(
                "export the interface `entry` of `perilune:component`, or build a command of `wasi:cli`".to_owned(),
            ),
            Refusal::NoExport { exports, .. } => Some(format!("name one in `method`: {}", quoted(exports))),
            Refusal::Signature { .. } => Some("name another function in `method`".to_owned()),
            Refusal::NotGranted(names) if names.iter().all(|name| name.starts_with(FUNCS)) => {
                Some("write `modules: [funcs]` to let it call other entries".to_owned())
            }
            Refusal::NotGranted(_) => Some(
                "a component may import WASI 0.2, `perilune:component/process`, and with `modules: [funcs]` also `perilune:component/funcs`; build it without the others".to_owned(),
            ),
            Refusal::Mismatch(_) => Some("build it anew, against WASI 0.2".to_owned()),
        }
    }
}
