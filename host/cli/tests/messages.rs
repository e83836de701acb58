//! Every message that a user can meet is pinned: what commands, starts of services and modules say stands in `tests/messages/`.
//!
//! `UPDATE_DOCS=1 cargo xtask test --test messages` records what is said now: look at the difference.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};
use xtask::page;

/// Runs a page of messages, in a folder of its own.
fn holds(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages").join(name);
    let folder = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_perilune"));
    let record = env::var_os("UPDATE_DOCS").is_some();
    let differences = page::check(&path, program, folder.path(), record).expect("the page is run");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A test for each page, and one that no page is left out.
macro_rules! pages {
    ($($test:ident $page:literal)*) => {
        $(#[test]
        fn $test() {
            holds($page);
        })*

        #[test]
        fn every_page_of_messages_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
            let pages = fs::read_dir(folder).expect("it is there");
            let pages = pages.map(|page| page.expect("it can be listed").file_name().to_string_lossy().into_owned());
            assert_eq!(BTreeSet::from_iter(pages), BTreeSet::from([$($page.to_owned()),*]));
        }
    };
}

pages! {
    of_checks "checks.md"
    of_clients "clients.md"
    of_commands "commands.md"
    of_more_commands "commands-more.md"
    of_databases "databases.md"
    of_doctor "doctor.md"
    of_entries "entries.md"
    of_expressions "expressions.md"
    of_globals "globals.md"
    of_handlers_and_consumers "handlers.md"
    of_modules "modules.md"
    of_more_of_modules "modules-more.md"
    of_networks "networks.md"
    of_what_is_opened "openings.md"
    of_more_that_is_opened "openings-more.md"
    of_packs_and_tools "packs.md"
    of_policies "policies.md"
    of_processes "processes.md"
    of_servers "servers.md"
    of_services_that_start "services.md"
    of_sources "sources.md"
    of_templates "templates.md"
    of_texts "texts.md"
    of_workflows "workflows.md"
    of_workflow_handlers "workflow-handlers.md"
    of_workflow_hosts "workflow-hosts.md"
}
