//! Every example of the documentation does what stands there.
//!
//! `UPDATE_DOCS=1 cargo xtask test --test docs` writes what commands print now into the pages: look at the difference.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};
use tempfile::TempDir;
use xtask::page;
use xtask::transcript::{Block, Part, Transcript};

/// The pages below some places of the repository. Decisions are of their time: what they show was so when they were made.
fn pages(places: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places: Vec<PathBuf> = places.iter().map(|place| root.join(place)).collect();
    let mut pages = page::find(&places).expect("pages can be listed");
    pages.retain(|page| !page.components().any(|part| part.as_os_str() == "decisions"));
    assert!(!pages.is_empty(), "{places:?}");
    pages
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// What is wrong with the pages, by several threads.
fn wrong(pages: &[PathBuf], look: impl Fn(&Path) -> Vec<String> + Sync) -> String {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(look(page));
        }
        found
    };
    let found: Vec<String> = thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(work));
        threads.into_iter().flat_map(|thread| thread.join().expect("no page panics")).collect()
    });
    found.join("\n")
}

/// What the commands of a page print that does not stand there.
fn differences(page: &Path) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_perilune"));
    let record = env::var_os("UPDATE_DOCS").is_some();
    page::check(page, program, folder().path(), record).unwrap_or_else(|error| vec![format!("{error:#}")])
}

#[test]
fn commands_print_what_stands_there() {
    let pages = pages(&["README.md", "CONTRIBUTING.md", "examples", "docs"]);
    let commands: usize =
        pages.iter().map(|page| Transcript::read(page).map_or(0, |page| page.steps().count())).sum();
    assert!(commands > 100, "{commands} commands were found: pages that are not understood pass everything");
    let wrong = wrong(&pages, differences);
    assert!(wrong.is_empty(), "{wrong}");
}

/// Loads an application, and says what is wrong with it.
fn refusal(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perilune"));
    command.args(["registry", "list"]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    let ended = command.env_remove("RUST_LOG").output().expect("the program runs");
    let problems = String::from_utf8_lossy(&ended.stderr).into_owned();
    if ended.status.success() { String::new() } else { problems }
}

/// The files of a page are an application that loads. Those below `What goes wrong` or `Mistakes` are not: their refusals are recorded.
fn does_not_load(page: &Path) -> Vec<String> {
    let transcript = Transcript::read(page).expect("the page can be read");
    let is_mistake = |part: &Part| matches!(part, Part::Text(text) if text == "## What goes wrong" || text == "## Mistakes");
    let sound = transcript.parts.iter().take_while(|part| !is_mistake(part));
    let blocks = sound.filter_map(|part| if let Part::Block(block) = part { Some(block) } else { None });
    let folder = folder();
    let mut has_entries = false;
    for (block, file) in blocks.filter_map(|block| Some((block, block.file()?))) {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("the folder is made");
        fs::write(path, block.contents()).expect("the file is written");
        has_entries |= file.ends_with(".yaml");
    }
    let refusal = if has_entries { refusal(folder.path()) } else { String::new() };
    if refusal.is_empty() { Vec::new() } else { vec![format!("{}: {refusal}", page.display())] }
}

#[test]
fn applications_load() {
    let wrong = wrong(&pages(&["docs"]), does_not_load);
    assert!(wrong.is_empty(), "{wrong}");
}

/// What a part of an application may lack: a field, a file, or another entry that does not stand beside it.
const ELSEWHERE: [&str; 5] = ["E202", "E209", "E302", "E309", "E405"];

/// An application around a part of one.
fn around(block: &Block) -> Option<(&'static str, String)> {
    let text = block.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    match block.language.as_str() {
        "lua" => Some(("part.lua", text)),
        "yaml" if lines.iter().any(|line| line.starts_with("namespace:")) => Some(("part.yaml", text)),
        "yaml" if lines.first().is_some_and(|line| line.starts_with("- ")) => {
            Some(("part.yaml", format!("namespace: part\nentries:\n{text}")))
        }
        "yaml" => {
            let indented: String = lines.iter().map(|line| format!("  {line}\n")).collect();
            Some((
                "part.yaml",
                format!("namespace: part\nname: part\nkind: registry.entry\ndata:\n{indented}"),
            ))
        }
        "json" => Some((
            "part.json",
            format!(r#"{{"namespace": "part", "name": "part", "kind": "registry.entry", "data": {text}}}"#),
        )),
        _ => None,
    }
}

/// Parts of applications are right by themselves: their syntax, kinds and fields.
fn unsound(page: &Path) -> Vec<String> {
    let transcript = Transcript::read(page).expect("the page can be read");
    let parts = transcript.blocks().filter(|block| block.file().is_none());
    let unsound = parts.filter_map(|block| {
        let (file, text) = around(block)?;
        let folder = folder();
        fs::write(folder.path().join(file), text).expect("the part is written");
        if file == "part.lua" {
            let entry = "namespace: part\nname: part\nkind: library.lua\nsource: file://part.lua\n";
            fs::write(folder.path().join("app.yaml"), entry).expect("the entry is written");
        }
        let refusal = refusal(folder.path());
        let problems = refusal.split("\n\n").filter(|problem| problem.starts_with("error"));
        let own: Vec<&str> =
            problems.filter(|problem| !ELSEWHERE.iter().any(|code| problem.contains(code))).collect();
        (!own.is_empty()).then(|| format!("{}:{}: {}", page.display(), block.line, own.join("\n")))
    });
    unsound.collect()
}

#[test]
fn parts_of_applications_are_sound() {
    let wrong = wrong(&pages(&["README.md", "examples", "docs"]), unsound);
    assert!(wrong.is_empty(), "{wrong}");
}

/// What examples of modules find beside them.
const BESIDE: &str = "  - {name: cache, kind: store.memory}
  - {name: db, kind: db.sql.sqlite, file: ':memory:'}
  - {name: files, kind: fs.directory, directory: ./files, auto_init: true}
  - {name: settings, kind: env.storage.static, values: {GREETING: hello}}
  - {name: greeting, kind: env.variable, variable: GREETING, storage: settings}
  - {name: memory, kind: queue.driver.memory}
  - {name: mails, kind: queue.queue, driver: memory}
  - {name: pages, kind: template.set}
  - {name: hello, kind: template.jinja, set: pages, source: 'Hello {{ name }}'}
  - {name: host, kind: process.host}
  - {name: echo, kind: process.lua, source: 'return function(...) return ... end'}
  - {name: double, kind: function.lua, source: 'return {main = function(n) return n * 2 end}', method: main}
";

/// Why the example of a page does not do what it asserts: one that returns a `main` is a function that runs.
fn fails(page: &Path) -> Vec<String> {
    let transcript = Transcript::read(page).expect("the page can be read");
    let examples =
        transcript.blocks().filter(|block| block.language == "lua" && block.text().contains("main = "));
    let failures = examples.filter_map(|block| {
        let text = block.text();
        let modules = text.split("require(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let modules: Vec<&str> = modules.collect();
        let entry = format!(
            "namespace: app\nentries:\n  - {{name: example, kind: function.lua, source: 'file://example.lua', method: main, modules: [{}]}}\n{BESIDE}",
            modules.join(", ")
        );
        let folder = folder();
        fs::write(folder.path().join("app.yaml"), entry).expect("the entry is written");
        fs::write(folder.path().join("example.lua"), &text).expect("the example is written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_perilune"));
        command.args(["call", "app:example"]).current_dir(folder.path()).stdin(Stdio::null());
        let ended = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        (!ended.status.success()).then(|| format!("{}:{}: {said}", page.display(), block.line))
    });
    failures.collect()
}

#[test]
fn examples_of_modules_run() {
    let pages = pages(&["docs/modules"]);
    let has_example = |page: &&PathBuf| fs::read_to_string(page).is_ok_and(|text| text.contains("```lua\n"));
    assert!(pages.iter().filter(has_example).count() > 25);
    let wrong = wrong(&pages, fails);
    assert!(wrong.is_empty(), "{wrong}");
}
