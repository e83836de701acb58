//! What entries say about each other.

use crate::support::{entry, function, line, lines, lint};
use perilune_lint::{Options, check};
use perilune_registry::{Entry, EntryId};
use perilune_value::Value;
use std::sync::Arc;

fn importing(entry: Entry, alias: &str, target: &str) -> Entry {
    entry.with_field("imports", Value::from_iter([(alias, Value::from(target))]))
}

fn bare(name: &str, kind: &str) -> Entry {
    Entry::new(EntryId::new("app", name).expect("a name"), kind)
}

const MONEY: &str = "local money = {} function money.format(cents) return cents end return money";

#[test]
fn a_library_that_nothing_imports_is_a_warning() {
    let main =
        || importing(function("", "return function() return require('money') end"), "money", "app:money");
    let money = || entry("money", "library.lua", "", MONEY);
    let cents = || entry("cents", "library.lua", "", "return {}");
    assert_eq!(lines(&lint(&[main(), money()])), [""; 0]);
    assert_eq!(lines(&lint(&[money()])), ["L151 no entry imports this library"]);
    // Through a library that something imports, and through one that nothing does.
    let money = || importing(entry("money", "library.lua", "", "return cents"), "cents", "app:cents");
    assert_eq!(lines(&lint(&[main(), money(), cents()])), [""; 0]);
    assert_eq!(lines(&lint(&[money(), cents()])).len(), 2);
}

#[test]
fn what_is_called_from_outside_or_runs_by_itself_is_reached() {
    let source = "return { main = function() end }";
    for kind in ["function.lua", "process.lua", "module.lua", "workflow.lua"] {
        assert_eq!(lines(&lint(&[entry("main", kind, "", source)])), [""; 0], "{kind}");
    }
    assert_eq!(lines(&lint(&[bare("web", "http.service"), bare("data", "registry.entry")])), [""; 0]);
}

#[test]
fn a_host_that_nothing_names_is_a_warning() {
    let host = || bare("host", "process.host");
    assert_eq!(lines(&lint(&[host()])), ["L151 nothing names this `process.host`"]);
    let service = bare("service", "process.service").with_field("host", "host");
    assert_eq!(lines(&lint(&[host(), service])), [""; 0]);
    for name in ["'app:host'", "'app:' .. name"] {
        let source = format!("return function(name) return process.spawn('app:x', {name}) end");
        assert_eq!(lines(&lint(&[host(), function("", &source)]).iter_codes("L151")), [""; 0], "{name}");
    }
    // Who asks the registry may find it.
    let asks = function("registry", "return function() return registry.find({}) end");
    assert_eq!(lines(&lint(&[host(), asks])), [""; 0]);
}

/// The findings of one code.
trait OfCode {
    fn iter_codes(&self, code: &str) -> perilune_registry::Report;
}

impl OfCode for perilune_registry::Report {
    fn iter_codes(&self, code: &str) -> perilune_registry::Report {
        let mut report = perilune_registry::Report::default();
        report.extend(self.problems().iter().filter(|one| one.code().as_str() == code).cloned());
        report
    }
}

#[test]
fn precompiled_entries_count_without_a_text_to_look_at() {
    let bytecode = |name: &str, kind: &str| bare(name, kind).with_field("source", "\u{1b}Lua");
    let main = importing(bytecode("main", "function.lua.bc"), "money", "app:money");
    assert_eq!(lines(&lint(&[main, entry("money", "library.lua", "", MONEY)])), [""; 0]);
    assert_eq!(lines(&lint(&[bytecode("money", "library.lua.bc")])), ["L151 no entry imports this library"]);
    // What a host is named by may stand in bytecode.
    assert_eq!(lines(&lint(&[bare("host", "process.host"), bytecode("main", "function.lua.bc")])), [""; 0]);
}

#[test]
fn a_function_that_a_library_does_not_return_is_an_error() {
    let main = |body: &str| {
        let source = format!("local money = require('money') return function() return {body} end");
        importing(function("", &source), "money", "app:money")
    };
    let findings = |body, library| lines(&lint(&[main(body), entry("money", "library.lua", "", library)]));
    assert_eq!(findings("money.fromat(1)", MONEY), ["L131:1 `app:money` returns no `fromat`"]);
    assert_eq!(findings("money.format(1), money.maybe", MONEY), [""; 0]);
    assert_eq!(findings("money.fromat(1)", "local m = {} print(m) return m"), [""; 0]);
}

#[test]
fn methods_of_a_module_are_looked_for() {
    let tax = entry("tax", "module.lua", "", "return { rate = print }");
    let tax = tax.with_field("methods", vec![Value::from("rate"), Value::from("ad")]);
    assert_eq!(lines(&lint(&[tax])), ["L141 the source returns no `ad`"]);
}

#[test]
fn only_some_entries_are_asked_for() {
    let entries =
        [function("", "return function() return x end"), entry("money", "library.lua", "", "return y")];
    let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
    let only = Some([EntryId::parse("app:main").expect("an id")].into());
    let report = check(&entries, &Options { only, ..Options::default() }).expect("it runs");
    assert_eq!(lines(&report), ["L111:1 nothing is named `x`"]);
}

#[test]
fn rules_are_left_out_on_request() {
    let entries = [Arc::new(function("", "return function() local a end"))];
    let allow = vec![perilune_lint::Rule::of("l114").expect("a rule")];
    let report = check(&entries, &Options { allow, ..Options::default() }).expect("it runs");
    assert!(report.is_empty(), "{report}");
}

#[test]
fn what_two_entries_of_one_file_share_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let yaml = "version: '1.0'\nnamespace: app\nentries:\n  - {name: a, kind: function.lua, source: 'file://m.lua', method: a}\n  - {name: b, kind: function.lua, source: 'file://m.lua', method: c, modules: [json]}\n";
    std::fs::write(folder.path().join("app.yaml"), yaml).expect("written");
    std::fs::write(folder.path().join("m.lua"), "local x\nreturn { a = print, b = json }\n")
        .expect("written");
    let rules = perilune_registry::Rules::new(perilune_registry::Kinds::standard());
    let baseline = perilune_registry::Baseline::read_dir(folder.path(), &rules);
    let entries: Vec<Arc<Entry>> = baseline.entries().cloned().collect();
    let report = check(&entries, &Options::default()).expect("it runs");
    let found: Vec<String> = report
        .problems()
        .iter()
        .map(|one| format!("{} {}", one.entry().expect("of an entry"), line(one)))
        .collect();
    // What is said of one entry alone is: the other lists the module.
    assert_eq!(
        found,
        [
            "app:b L141:5 the source returns no `c`",
            "app:a L114:1 local `x` is never read",
            "app:a L111:2 nothing is named `json`",
        ]
    );
}
