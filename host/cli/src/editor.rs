//! `perilune editor`: definitions for the Lua language server.

use crate::exit::Exit;
use crate::output;
use perilune_api::Api;
use perilune_api::luals::{FOLDER, MARK, files, settings};
use std::path::Path;
use std::{fs, io};

/// The language server's settings.
const SETTINGS: &str = ".luarc.json";

/// Writes the definitions below a directory.
pub(crate) fn editor(directory: &Path) -> Exit {
    if !directory.is_dir() {
        return Exit::failed(format!("{} is not a directory", directory.display()));
    }
    match write(directory) {
        Ok(lines) => {
            for line in lines {
                output::line(line.as_bytes());
            }
            Exit::done()
        }
        Err(error) => Exit::failed(format!("cannot write below {}: {error}", directory.display())),
    }
}

/// What was written, a line each.
fn write(directory: &Path) -> io::Result<Vec<String>> {
    let folder = directory.join(FOLDER);
    fs::create_dir_all(&folder)?;
    let files = files(Api::built_in());
    for (name, text) in &files {
        fs::write(folder.join(name), text)?;
    }
    remove_outdated(&folder, &files)?;
    let mut lines = vec![format!("{FOLDER}: {} files of definitions", files.len())];
    let path = directory.join(SETTINGS);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::write(&path, settings())?;
            lines.push(format!("{SETTINGS}: settings that make the language server read them"));
        }
        Ok(text) if text.contains(FOLDER) => lines.push(format!("{SETTINGS}: left as it is, it names {FOLDER}")),
        _ => lines.push(format!(
            "{SETTINGS}: left as it is; add \"{FOLDER}\" to its \"workspace.library\", and set \"runtime.version\" to \"Lua 5.4\""
        )),
    }
    Ok(lines)
}

/// Files of modules that an earlier version had. Others in the folder are somebody's own.
fn remove_outdated(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let is_current = files.iter().any(|(name, _)| path.ends_with(name));
        if !is_current
            && fs::read_to_string(&path).is_ok_and(|text| text.lines().nth(1) == Some(&format!("-- {MARK}")))
        {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
