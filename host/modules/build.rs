//! Writes the world of the interfaces that modules implement: a new file in `wit/` joins it by being there.

use std::{env, fs, io, path::Path};

/// Interfaces of crate `perilune-cell`.
const OTHERS: [&str; 7] = ["clock", "coverage", "extension", "guest", "log", "tickets", "types"];

fn main() -> io::Result<()> {
    let wit = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    let mut names = Vec::new();
    for file in fs::read_dir(&wit)? {
        let path = file?.path();
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if !OTHERS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    let imports: String = names.iter().map(|name| format!("import perilune:cell/{name}@0.1.0;\n")).collect();
    let bindings = format!(
        r#"wasmtime::component::bindgen!({{
            path: "../../wit",
            inline: "package perilune:host; world modules {{ {imports} }}",
            world: "perilune:host/modules",
            imports: {{ default: trappable }},
            with: {{
                "perilune:cell/types@0.1.0": perilune_cell::interfaces::types,
                "perilune:cell/clock@0.1.0": perilune_cell::interfaces::clock_types,
            }},
        }});"#
    );
    let out = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("bindings.rs");
    fs::write(out, bindings)
}
