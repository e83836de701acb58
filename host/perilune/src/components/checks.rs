//! What the registry cannot check of a component itself: its hash, its imports and its exports.

use super::{Components, FUNCTION_WASM, PROCESS_WASM};
use perilune_component::{Program, Refusal};
use perilune_registry::{Code, ComponentEntry, Entry, Problem};
use sha2::{Digest, Sha256};

/// The kinds whose entries mount directories, and what they mount.
pub(crate) const MOUNTING: &[&str] = &[FUNCTION_WASM, PROCESS_WASM, "fs.directory"];

/// What every component begins with.
const HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

impl Components {
    /// What is wrong with a component. It is compiled, and nothing of it runs.
    pub(crate) fn check(&self, entry: &Entry, component: &ComponentEntry) -> Option<Problem> {
        // The registry has said what these are.
        if !component.component.starts_with(HEADER) {
            return None;
        }
        let refused = |field: &str, code, message: String| Problem::in_field(entry, field, code, message);
        if let Some(expected) = &component.hash {
            let found: String =
                Sha256::digest(&component.component).iter().map(|byte| format!("{byte:02x}")).collect();
            if found != *expected {
                let message =
                    format!("the component is not the one that the entry fixes: its hash is sha256:{found}");
                let help = "take the component that was meant, or write its hash";
                return Some(refused("hash", Code::BAD_VALUE, message).help(help));
            }
        }
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(failure) => return Some(refused("component", Code::NO_COMPONENT, failure.message)),
        };
        let refusal = {
            let ComponentEntry { component, method, modules, .. } = component;
            Program::new(engine, component, method.as_deref(), modules).err()?
        };
        let (field, code) = match &refusal {
            Refusal::NoComponent(_) => ("component", Code::NO_COMPONENT),
            Refusal::NoExport { .. } | Refusal::Signature { .. } => {
                (if component.method.is_some() { "method" } else { "component" }, Code::NO_EXPORT)
            }
            Refusal::NotGranted(_) | Refusal::Mismatch(_) => ("component", Code::NOT_GRANTED),
        };
        Some(refused(field, code, refusal.to_string()).help_all(refusal.help()))
    }
}
