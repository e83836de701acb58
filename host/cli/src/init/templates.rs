//! What there is to begin with: applications in `templates/`, each of which runs as it is.

use clap::builder::{PossibleValue, PossibleValuesParser};

/// The namespace in the files of all templates, for which the application's own is put.
pub(super) const NAME: &str = "example";

/// An application to begin with.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// What to type first, and a remark on it.
    pub(super) next: &'static [(&'static str, &'static str)],
}

/// Files of a template, by their paths in it.
macro_rules! files {
    ($template:literal: $($path:literal),*) => {
        &[$(($path, include_str!(concat!("../../templates/", $template, "/", $path)))),*]
    };
}

/// Files of all templates.
const COMMON: [(&str, &str); 2] = [
    ("perilune.yaml", include_str!("../../templates/common/perilune.yaml")),
    (".gitignore", include_str!("../../templates/common/gitignore")),
];

/// All of them, the simplest first.
pub(super) static TEMPLATES: [Template; 4] = [
    Template {
        name: "function",
        summary: "a function that is called with JSON",
        files: files!("function": "_index.yaml", "greet.lua", "greet_test.lua"),
        next: &[(r#"perilune call example:greet '{"name": "Ada"}'"#, ""), TEST],
    },
    Template {
        name: "service",
        summary: "a process that keeps state and is kept running",
        files: files!("service": "_index.yaml", "counter.lua", "total.lua", "total_test.lua"),
        next: &[RUN, ("perilune send counter add 2", ELSEWHERE), ("perilune ps", ""), TEST],
    },
    Template {
        name: "web",
        summary: "a server with an endpoint and a page",
        files: files!("web": "_index.yaml", "hello.lua", "greeting.lua", "greeting_test.lua", "public/index.html"),
        next: &[("perilune run", "then open http://127.0.0.1:8080"), TEST],
    },
    Template {
        name: "workflow",
        summary: "a durable workflow that survives restarts",
        files: files!("workflow": "_index.yaml", "order.lua", "charge.lua", "charge_test.lua"),
        next: &[
            RUN,
            (r#"perilune workflow start --id A-1 example:order '"A-1"' 2500"#, ELSEWHERE),
            ("perilune workflow signal A-1 approve true", ""),
            ("perilune workflow show A-1", ""),
            TEST,
        ],
    },
];

const RUN: (&str, &str) = ("perilune run", "in one terminal");
const ELSEWHERE: &str = "in another";
const TEST: (&str, &str) = ("perilune test", "");

/// The one with this name.
pub(super) fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

/// For the command's arguments.
pub(super) fn parser() -> PossibleValuesParser {
    PossibleValuesParser::new(
        TEMPLATES.iter().map(|template| PossibleValue::new(template.name).help(template.summary)),
    )
}

impl Template {
    /// Its files, with the application's name.
    pub(super) fn files(&self, name: &str) -> Vec<(&'static str, String)> {
        let all = self.files.iter().chain(&COMMON);
        all.map(|(path, text)| (*path, text.replace(NAME, name))).collect()
    }
}
