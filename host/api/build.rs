//! Lists the descriptions in `api/`: a new file there joins by being there.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../api");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut items = Vec::new();
    for file in fs::read_dir(&folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            println!("cargo::rerun-if-changed={}", path.display());
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            items.push(format!("    ({name:?}, include_str!({:?})),\n", path.to_string_lossy()));
        }
    }
    items.sort();
    let list =
        format!("/// Name and text of each file.\nconst FILES: &[(&str, &str)] = &[\n{}];\n", items.concat());
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("files.rs"), list)
}
