//! Links between Markdown files lead somewhere.

use std::fs;
use std::path::Path;
use xtask::{links, page};

#[test]
fn every_link_of_this_repository_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let places = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "examples"];
    let pages = page::find(&places.map(|place| root.join(place))).expect("they can be listed");
    assert!(pages.len() > 50, "{pages:?}");
    let dead: Vec<String> =
        pages.iter().flat_map(|page| links::dead(page).expect("it can be read")).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn links_that_lead_nowhere_are_named_with_their_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("page.md");
    let text = "# A page\n\n## What `it` is (here)\n[ok](page.md) [ok](#what-it-is-here) [ok](https://example.com)\n\
                [gone](gone.md), [gone](#gone) `[code](no.md)`\n```lua\n[code](no.md)\n```\n[gone](page.md#gone)\n";
    fs::write(&page, text).expect("it is written");
    let dead = links::dead(&page).expect("it can be read");
    assert_eq!(
        dead.iter().map(|one| one.split("page.md:").nth(1).unwrap_or_default()).collect::<Vec<_>>(),
        ["5: `gone.md` leads nowhere", "5: `#gone` leads nowhere", "9: `page.md#gone` leads nowhere"],
    );
}
