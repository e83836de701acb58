//! Embeds the Lua files of the prelude as C arrays.

use anyhow::Result;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// One `lua_file` per file below `lua/`, named by its path without the ending: `scheduler`, `modules/time`.
pub(crate) fn embed(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut text = String::from("#include \"guest.h\"\n\n");
    let mut table = String::from("const lua_file lua_files[] = {\n");
    for (number, path) in files.iter().enumerate() {
        let name = path.strip_prefix(folder)?.with_extension("");
        let bytes = fs::read(path)?;
        write!(text, "static const char file_{number}[] = {{")?;
        for byte in &bytes {
            write!(text, "{byte},")?;
        }
        writeln!(text, "0}};")?;
        let name = name.to_string_lossy().replace('\\', "/");
        writeln!(table, "  {{\"{name}\", file_{number}, {}}},", bytes.len())?;
    }
    table.push_str("  {NULL, NULL, 0},\n};\n");
    Ok(text + "\n" + &table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            files.push(path);
        }
    }
    Ok(())
}
