//! The world of the guest. A new file in `wit/` joins it by being there.

use anyhow::{Context, Result};
use std::path::Path;
use wit_parser::{InterfaceId, Resolve, WorldId};

/// Name of the world, and so of the C files that are generated for it.
pub(crate) const NAME: &str = "lua-cell";

/// The one interface that the guest exports.
const EXPORTED: &str = "guest";

/// Holds types only.
const TYPES: &str = "types";

pub(crate) struct World {
    pub(crate) resolve: Resolve,
    pub(crate) id: WorldId,
    /// Imported interfaces by name, sorted.
    pub(crate) imports: Vec<(String, InterfaceId)>,
}

impl World {
    pub(crate) fn load(wit: &Path) -> Result<Self> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(wit).context("wit/")?;
        let package_name = resolve.packages[package].name.clone();
        let mut imports: Vec<_> = resolve.packages[package]
            .interfaces
            .iter()
            .filter(|(name, _)| *name != EXPORTED && *name != TYPES)
            .map(|(name, id)| (name.clone(), *id))
            .collect();
        imports.sort();

        let version = package_name.version.as_ref().context("the package has a version")?;
        let (namespace, name) = (&package_name.namespace, &package_name.name);
        let mut text = format!("package perilune:guest;\nworld {NAME} {{\n");
        for (interface, _) in &imports {
            text.push_str(&format!("  import {namespace}:{name}/{interface}@{version};\n"));
        }
        text.push_str(&format!("  export {namespace}:{name}/{EXPORTED}@{version};\n"));
        text.push_str("  export init: func();\n}\n");
        let guest = resolve.push_str("world.wit", &text)?;
        let id = resolve.select_world(&[guest], Some(NAME))?;
        Ok(World { resolve, id, imports })
    }
}
