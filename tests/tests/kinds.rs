//! `docs/kinds/` has a page for each kind of entries, with the fields that the registry knows.
//!
//! What follows the mark of a page is made from the definitions that entries are checked against; what is before it is written by hand.

use perilune_http::middleware::{ALL, Stage};
use perilune_tests::App;
use std::path::{Path, PathBuf};
use std::{env, fs};

const MARK: &str =
    "<!-- From here on made from the definitions by `UPDATE_DOCS=1 cargo xtask test kinds::`. -->\n";

/// What the lists `middleware` and `post_middleware` know.
fn middleware() -> String {
    let mut text = String::new();
    for kind in ALL {
        let list = if kind.stage == Stage::Before { "middleware" } else { "post_middleware" };
        text += &format!("\n## `{}`\n\n{}. It stands in `{list}`.\n", kind.name, kind.doc);
        if !kind.options.is_empty() {
            text += "\n| option | default | meaning |\n|---|---|---|\n";
        }
        for option in kind.options {
            let (name, doc) = (option.name, option.doc.replace('|', "\\|"));
            text +=
                &format!("| `{}.{name}` | {} | {doc} |\n", kind.prefix, option.default.replace('|', "\\|"));
        }
    }
    text
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds")
}

/// Compares what is made in a page, or makes it anew with `UPDATE_DOCS`: the page, and whether it is out of date.
fn made(name: &str, begin: &str, text: &str) -> (String, bool) {
    let path = folder().join(name);
    let mut page = fs::read_to_string(&path).unwrap_or_else(|_| begin.to_owned());
    let by_hand = page.split_once(MARK).map_or(page.as_str(), |(before, _)| before).trim_end();
    let expected = format!("{by_hand}\n\n{MARK}\n{}\n", text.trim());
    if env::var_os("UPDATE_DOCS").is_some() && page != expected {
        fs::write(&path, &expected).expect("the page is written");
        page.clone_from(&expected);
    }
    let is_old = page != expected;
    (page, is_old)
}

/// The table of a kind's fields.
fn fields(all: &str) -> String {
    let table = all.find("\n| field").map_or("It has no fields of its own.", |at| all[at..].trim());
    format!("## Fields\n\n{table}")
}

/// Whether a page has an example of a kind: a file of entries, which another test loads and runs. Kinds whose source is no text cannot be
/// written down in a page; there it is what makes them.
fn has_example(page: &str, kind: &str) -> bool {
    if kind.ends_with(".bc") || kind.ends_with(".wasm") {
        return page.contains("```sh\n") || page.contains("```yaml\n");
    }
    let blocks = page.split("```yaml\n# ").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let kind = format!("kind: {kind}");
    blocks.into_iter().any(|block| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '.');
        block.match_indices(&kind).any(|(at, _)| ends(&block[at + kind.len()..]))
    })
}

/// What a page without words of its own begins with.
fn begin(kind: &str, doc: &str) -> String {
    let Some(text) = kind.strip_suffix(".bc") else { return format!("# `{kind}`\n\n{doc}.") };
    format!(
        "# `{kind}`\n\nThe precompiled counterpart of [`{text}`]({text}.md), for packs that hold no Lua text. Authors write `{text}`; \
         `perilune pack --bytecode` emits this kind.\n\n## Example\n\n```sh\nperilune pack -o app.pack --bytecode\n\
         perilune registry list -C app.pack\n```"
    )
}

#[tokio::test]
async fn every_kind_has_a_page_with_its_fields_and_an_example() {
    let app = App::new(&[]);
    let mut wrong = Vec::new();
    let mut index = "| kind | |\n|---|---|\n".to_owned();
    for kind in app.runtime.registry().rules().kinds().iter() {
        let name = format!("{}.md", kind.name);
        index += &format!("| [`{}`]({name}) | {} |\n", kind.name, kind.doc);
        let (page, is_old) = made(&name, &begin(kind.name, kind.doc), &fields(&kind.markdown()));
        if is_old {
            wrong.push(format!("docs/kinds/{name} is out of date"));
        }
        if !page.starts_with(&format!("# `{}`\n", kind.name)) {
            wrong.push(format!("docs/kinds/{name} does not begin with the name of its kind"));
        }
        if !has_example(&page, kind.name) {
            wrong.push(format!(
                "docs/kinds/{name} has no example: a block of YAML that begins with `# app.yaml` and has an entry of this kind"
            ));
        }
    }
    let pages = [("README.md", index.clone()), ("middleware.md", middleware())];
    for (name, text) in pages {
        if made(name, "", &text).1 {
            wrong.push(format!("docs/kinds/{name} is out of date"));
        }
    }
    for file in fs::read_dir(folder()).expect("the pages are there") {
        let name = file.expect("it can be listed").file_name().to_string_lossy().into_owned();
        if !["README.md", "middleware.md"].contains(&name.as_str()) && !index.contains(&format!("({name})")) {
            wrong.push(format!("docs/kinds/{name} is the page of no kind"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n`UPDATE_DOCS=1 cargo xtask test kinds::` writes what is made anew",
        wrong.join("\n")
    );
}
