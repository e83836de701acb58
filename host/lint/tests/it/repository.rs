//! The repository's own Lua: nothing is found that is not there.

use crate::support::{function, line, lint};
use perilune_lint::{Options, check};
use perilune_registry::{Baseline, Entry, Kinds, Problem, Rules};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn example(name: &str) -> Vec<String> {
    let baseline = Baseline::read_dir(&root().join("examples").join(name), &Rules::new(Kinds::standard()));
    let entries: Vec<Arc<Entry>> = baseline.entries().cloned().collect();
    assert!(!entries.is_empty(), "{name}");
    let report = check(&entries, &Options::default()).expect("it runs");
    let of = |one: &Problem| format!("{} {}", one.entry().expect("of an entry"), line(one));
    report.problems().iter().map(of).collect()
}

#[test]
fn nothing_is_wrong_with_the_examples() -> io::Result<()> {
    for folder in fs::read_dir(root().join("examples"))? {
        let name = folder?.file_name().into_string().expect("a name");
        // Two are there to show what is refused.
        let expected: &[&str] = match name.as_str() {
            "hostile" => &["evil:steal L121:1 `registry` is neither in `modules` nor in `imports`"],
            "mistakes" => continue,
            _ => &[],
        };
        assert_eq!(example(&name), expected, "{name}");
    }
    Ok(())
}

/// Name, modules and body of each test that is written in Lua.
fn lua_tests(text: &str) -> Vec<(String, String, String)> {
    let mut tests = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\") r#\"") {
        let Some((body, behind)) = after.split_once("\"#") else { break };
        let head = before.rsplit_once('\n').map_or(before, |(_, line)| line).trim();
        if let Some((name, modules)) = head.split_once("(\"") {
            tests.push((name.to_owned(), modules.replace(',', " "), body.to_owned()));
        }
        rest = behind;
    }
    tests
}

/// Tests of modules call them in every right way, and in wrong ways inside of `pcall`. What is found in them is pinned, so that
/// whoever changes a rule sees what else it finds.
#[test]
fn what_is_found_in_the_tests_of_modules_is_known() -> io::Result<()> {
    let mut found = Vec::new();
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join("tests/tests"))?.flatten().map(|file| file.path()).collect();
    files.sort();
    let mut count = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(file)?;
        for (name, modules, body) in lua_tests(&text) {
            count += 1;
            let report = lint(&[function(&modules, &format!("return function(...)\n{body}\nend\n"))]);
            // Nobody tidies tests up: names without a use and dropped errors are left.
            let untidy = ["L112", "L114", "L115", "L117", "L123", "L134"];
            let counts = |one: &&Problem| !untidy.contains(&one.code().as_str());
            let file = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            found.extend(
                report.problems().iter().filter(counts).map(|one| format!("{file} {name} {}", line(one))),
            );
        }
    }
    assert!(count > 200, "{count} tests were read");
    insta::assert_snapshot!(found.join("\n"));
    Ok(())
}

/// Blocks of Lua in the documentation stand alone or are parts: they are read, and no name of a module is unknown.
#[test]
fn lua_in_the_documentation_is_right() -> io::Result<()> {
    let mut files = vec![root().join("README.md")];
    for folder in ["docs", "docs/kinds", "docs/modules", "docs/decisions"] {
        files.extend(fs::read_dir(root().join(folder))?.flatten().map(|file| file.path()));
    }
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(file)?;
        for block in text.split("```lua\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            // What a page shows to be wrong.
            if block.starts_with("-- odd.lua") && block.contains("function( return") {
                continue;
            }
            let report = lint(&[function("", block)]);
            let wrong: Vec<String> = report
                .problems()
                .iter()
                .filter(|one| ["L101", "L131", "L132", "L133"].contains(&one.code().as_str()))
                .map(line)
                .collect();
            assert_eq!(wrong, [""; 0], "{}: {block}", file.display());
        }
    }
    Ok(())
}
