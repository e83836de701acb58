//! `perilune editor`: what it writes, and what it leaves alone.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

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
    let advice = r#".luarc.json: left as it is; add ".perilune/lua" to its "workspace.library", and set "runtime.version" to "Lua 5.4""#;
    assert_eq!(said.lines().last(), Some(advice));
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

/// A checker of Lua that understands the definitions; `None` where there is none, which is said loudly.
fn checker() -> Option<std::ffi::OsString> {
    let named = std::env::var_os("PERILUNE_TEST_LUA_CHECKER");
    if named.is_none() {
        println!(
            "SKIPPED: no language server looks at the definitions: PERILUNE_TEST_LUA_CHECKER names none"
        );
    }
    named
}

/// What it finds below a directory: a place and a code each.
fn diagnostics(checker: &std::ffi::OsStr, directory: &Path) -> Vec<String> {
    let report = directory.join("report.json");
    let ended = Command::new(checker)
        .args(["--output-format", "json", "--output"])
        .arg(&report)
        .arg(directory)
        .output()
        .expect("the checker starts");
    let report = fs::read_to_string(&report)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&ended.stderr)));
    let files: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let found = files.as_array().into_iter().flatten().flat_map(|file| {
        let name =
            file["file"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let diagnostics = file["diagnostics"].as_array().cloned().unwrap_or_default();
        diagnostics.into_iter().map(move |one| {
            let line = one["range"]["start"]["line"].as_u64().unwrap_or_default() + 1;
            format!("{name}:{line} {}", one["code"].as_str().unwrap_or_default())
        })
    });
    found.collect()
}

#[test]
fn a_language_server_understands_the_definitions() {
    let Some(checker) = checker() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    editor(folder.path());
    // The definitions themselves, as files that it checks and not as a library.
    let lua = folder.path().join(".perilune/lua");
    assert_eq!(diagnostics(&checker, &lua), [""; 0]);
    // They say what is wrong with this, and with nothing else.
    let script = "local json, time = require(\"json\"), require(\"time\")\n\
                  local text = json.encod({})\n\
                  local value = json.decode(5)\n\
                  time.sleep(\"1s\")\n\
                  process.send(1, \"topic\")\n\
                  return { text, value, os.time(), channel.new(1), errors.INVALID, payload.new(1), nothing }\n";
    fs::write(folder.path().join("main.lua"), script).expect("it is written");
    let found = diagnostics(&checker, folder.path());
    let expected = [
        "main.lua:2 undefined-field",
        "main.lua:3 param-type-mismatch",
        "main.lua:5 param-type-mismatch",
        "main.lua:6 undefined-global",
    ];
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(sorted, expected);
}

#[test]
fn a_language_server_finds_nothing_wrong_with_the_examples() {
    let Some(checker) = checker() else { return };
    for example in ["hostile", "orders", "shop"] {
        let folder = tempfile::tempdir().expect("a folder");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
        for file in fs::read_dir(&from).expect("it is there").flatten() {
            if file.path().extension().is_some_and(|extension| extension == "lua") {
                fs::copy(file.path(), folder.path().join(file.file_name())).expect("it is copied");
            }
        }
        editor(folder.path());
        assert_eq!(diagnostics(&checker, folder.path()), [""; 0], "{example}");
    }
}
