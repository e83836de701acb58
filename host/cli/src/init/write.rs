//! Files, of which none is ever overwritten.

use crate::exit::Exit;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Whether an application may be made in the folder: it is not there, or empty but for hidden files, or it is forced.
pub(super) fn check(folder: &Path, force: bool) -> Result<(), Exit> {
    let shown = folder.display();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Exit::failed(format!("`{shown}` is a file: name a directory")));
        }
        Err(error) => return Err(Exit::failed(format!("`{shown}` cannot be looked into: {error}"))),
    };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let mut visible: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    if visible.is_empty() || force {
        return Ok(());
    }
    visible.sort();
    let more = if visible.len() > 3 { ", …" } else { "" };
    visible.truncate(3);
    let message = format!("`{shown}` is not empty: it holds {}{more}", visible.join(", "));
    Err(Exit::failed(message)
        .with_help("name a new directory, or use --force, which leaves files that are there as they are"))
}

/// Writes files below the folder; a line for each.
pub(super) fn write(folder: &Path, files: &[(&str, String)]) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for (path, text) in files {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        match OpenOptions::new().write(true).create_new(true).open(&file) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                lines.push(format!("made {path}"));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                lines.push(format!("left {path} as it is"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}
