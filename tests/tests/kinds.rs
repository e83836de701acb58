//! `docs/kinds.md` describes the kinds of entries as the registry knows them.

use perilune_http::middleware::{ALL, Stage};
use perilune_tests::App;
use std::path::Path;
use std::{env, fs};

const HEAD: &str = "# Kinds of entries

Each entry has `name`, `kind`, and perhaps `meta`; what else it may have depends on its kind. Ids of other entries are written
`namespace:name`, or `name` for an entry of the same namespace.

In the fields of kinds that hold no Lua, `${env:NAME}` stands for a variable of the environment and `${env:NAME|text}` for the
variable or else the text; `$${` stands for `${` itself. Which variables there are is said by `env.variable` entries, and by
`--allow-env` for those of the host's own environment.

This page is made from the definitions that entries are checked against: `UPDATE_DOCS=1 cargo xtask test kinds::` writes it anew.
";

/// What the lists `middleware` and `post_middleware` know.
fn middleware() -> String {
    let mut text = "## Middleware\n\n`http.router` and `http.static` list middleware by name, the outermost first; its options are \
                    texts, numbers or truth values in `options` (`post_options` for `post_middleware`), each under its full name:\n\n\
                    ```yaml\nmiddleware: [cors, ratelimit]\noptions: {cors.allow.origins: 'https://example.com', ratelimit.requests: 20}\n```\n"
        .to_owned();
    for kind in ALL {
        let list = if kind.stage == Stage::Before { "middleware" } else { "post_middleware" };
        text += &format!("\n### `{}`\n\n{}. It stands in `{list}`.\n", kind.name, kind.doc);
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

#[tokio::test]
async fn the_page_of_kinds_says_what_is_checked() {
    let app = App::new(&[]);
    let sections: Vec<String> = app
        .runtime
        .registry()
        .rules()
        .kinds()
        .iter()
        .map(|kind| kind.markdown().replacen("###", "##", 1))
        .collect();
    let text = format!("{HEAD}\n{}\n{}", sections.join("\n"), middleware());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).expect("the page is written");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/kinds.md is out of date: run `UPDATE_DOCS=1 cargo xtask test kinds::`"
    );
}
