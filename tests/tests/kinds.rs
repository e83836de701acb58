//! `docs/kinds.md` describes the kinds of entries as the registry knows them.

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
    let text = format!("{HEAD}\n{}", sections.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/kinds.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).expect("the page is written");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/kinds.md is out of date: run `UPDATE_DOCS=1 cargo xtask test kinds::`"
    );
}
