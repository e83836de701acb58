//! `perilune editor`: what it writes, and what it leaves alone.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What the command says about a directory.
fn editor(directory: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_perilune"))
        .arg("editor")
        .arg(directory)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

fn read(directory: &Path, path: &str) -> String {
    fs::read_to_string(directory.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn definitions_and_settings_are_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = editor(folder.path());
    assert!(said.starts_with(".perilune/lua: ") && said.contains(".luarc.json: settings"), "{said}");
    assert!(read(folder.path(), ".perilune/lua/text.lua").starts_with("---@meta text\n"));
    let settings: serde_json::Value =
        serde_json::from_str(&read(folder.path(), ".luarc.json")).expect("it is JSON");
    assert_eq!(settings["workspace.library"][0], ".perilune/lua");
}

#[test]
fn settings_of_somebody_else_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "// mine\n{\"diagnostics.globals\": [\"x\"]}\n";
    fs::write(folder.path().join(".luarc.json"), own).expect("it is written");
    let said = editor(folder.path());
    assert!(said.contains(".luarc.json: left as it is; add \".perilune/lua\""), "{said}");
    assert_eq!(read(folder.path(), ".luarc.json"), own);
}

#[test]
fn writing_again_brings_up_to_date_and_keeps_what_is_not_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    editor(folder.path());
    let lua = folder.path().join(".perilune/lua");
    fs::write(lua.join("text.lua"), "old").expect("it is written");
    fs::write(lua.join("own.lua"), "---@meta own\n").expect("it is written");
    let outdated = format!("---@meta gone\n-- {}\n", perilune_api::luals::MARK);
    fs::write(lua.join("gone.lua"), outdated).expect("it is written");
    let said = editor(folder.path());
    assert!(said.contains(".luarc.json: left as it is, it names .perilune/lua"), "{said}");
    assert!(read(&lua, "text.lua").starts_with("---@meta text\n") && lua.join("own.lua").exists());
    assert!(!lua.join("gone.lua").exists());
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_perilune"))
        .args(["editor", "/nowhere/at/all"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/at/all is not a directory"));
}
