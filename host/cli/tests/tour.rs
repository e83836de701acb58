//! The README's tour and the examples print what stands there.

use std::path::Path;
use xtask::transcript::Transcript;

/// Checks the `console` blocks of a file in its own folder, as a reader would type them.
fn holds(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let folder = path.parent().expect("a file lies in a folder");
    let transcript = Transcript::read(&path).expect("the file is a transcript");
    let program = Path::new(env!("CARGO_BIN_EXE_perilune"));
    let differences = transcript.check(program, folder).expect("the program runs");
    assert!(differences.is_empty(), "{file}\n{}", differences.join("\n"));
}

#[test]
fn the_tour() {
    holds("README.md");
}

#[test]
fn the_examples() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut checked = 0;
    for example in std::fs::read_dir(examples).expect("there are examples") {
        let name = example.expect("it can be listed").file_name();
        holds(&format!("examples/{}/README.md", name.to_str().expect("a UTF-8 name")));
        checked += 1;
    }
    assert!(checked > 0);
}
