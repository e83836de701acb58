//! What may stand where, as far as the application's files tell. Nothing of it runs, and nothing is compiled.

use crate::arguments::Arguments;
use crate::explain;
use clap::Command;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use perilune::packs::{self, Pack};
use perilune::{Baseline, Entry, Value};
use perilune_api::{Api, Subject};
use perilune_control::{Listing, Order};
use perilune_lint::RULES;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Nobody waits longer for a key. A directory that takes longer to read is as if it held nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is offered for one argument, by what it is offered as and what is said of it.
type Offers = BTreeMap<String, String>;

/// The program, whose arguments know the application that these words name.
pub(super) fn program(words: &[OsString]) -> Command {
    let place = place(words);
    let files = |pick: fn(&Entry, &mut Offers)| {
        let place = place.clone();
        ArgValueCandidates::new(move || candidates(of_files(&place, pick)))
    };
    let modules = || ArgValueCandidates::new(|| candidates(modules()));
    let running = || {
        let place = place.clone();
        ArgValueCandidates::new(move || candidates(running(&place)))
    };
    let mut program = Arguments::program();
    let of = |path: &'static [&'static str], argument: &'static str, offers: ArgValueCandidates| {
        (path, argument, offers)
    };
    for (path, argument, offers) in [
        of(&["call"], "target", files(callable)),
        of(&["run"], "name", files(commands)),
        of(&["run"], "host", files(|entry, offers| of_kinds(entry, &["terminal.host"], offers))),
        of(&["test"], "filters", files(tests)),
        of(&["lint"], "entries", files(lua)),
        of(&["repl"], "entry", files(lua)),
        of(&["repl"], "modules", modules()),
        of(&["pack"], "bytecode", files(lua)),
        of(&["registry", "show"], "id", files(id)),
        of(&["registry", "list"], "kind", files(|entry, offers| offer(offers, entry.kind(), ""))),
        of(
            &["registry", "list"],
            "namespace",
            files(|entry, offers| offer(offers, entry.id().namespace(), "")),
        ),
        of(&["workflow", "start"], "entry", files(workflows)),
        of(&["workflow", "list"], "workflow_type", files(workflows)),
        of(&["explain"], "code", of_codes(explain::codes)),
        of(&["lint"], "explain", of_codes(rules)),
        of(&["lint"], "allow", of_codes(rules)),
        of(&["inspect"], "pid", running()),
        of(&["send"], "pid", running()),
        of(&["cancel"], "pid", running()),
        of(&["terminate"], "pid", running()),
    ] {
        program = at(program, path, &|command| with(command, argument, &offers));
    }
    for command in ["run", "call", "repl", "test"] {
        let policies =
            files(|entry, offers| of_kinds(entry, &["security.policy", "security.policy.expr"], offers));
        program = at(program, &[command], &|command| with(command, "policy", &policies));
    }
    let hosts = files(|entry, offers| of_kinds(entry, &["workflow.host", "temporal.worker"], offers));
    program.mut_subcommand("workflow", |workflow| {
        workflow.mut_subcommands(|command| with(command, "host", &hosts))
    })
}

/// A command below others, changed.
fn at(program: Command, path: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    match path.split_first() {
        None => change(program),
        Some((first, rest)) if program.find_subcommand(first).is_some() => {
            program.mut_subcommand(*first, |command| at(command, rest, change))
        }
        Some(_) => program,
    }
}

/// A command one of whose arguments, if it has that, knows what it may be. Arguments stay in their order, which is what they are told by.
fn with(command: Command, argument: &str, offers: &ArgValueCandidates) -> Command {
    command.mut_args(|known| if known.get_id() == argument { known.add(offers.clone()) } else { known })
}

/// The application that was named so far.
fn place(words: &[OsString]) -> PathBuf {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let mut place = None;
    while let Some(word) = words.next() {
        let named = match &*word {
            "-C" | "--directory" => words.next().map(|word| word.into_owned()),
            word => word.strip_prefix("--directory=").or_else(|| word.strip_prefix("-C")).map(str::to_owned),
        };
        place = named.or(place);
    }
    place.unwrap_or_else(|| ".".to_owned()).into()
}

fn candidates(offers: Offers) -> Vec<CompletionCandidate> {
    let candidate = |(value, help): (String, String)| {
        CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.into()))
    };
    offers.into_iter().map(candidate).collect()
}

/// What the entries of an application offer; right or wrong ones, as far as they can be read.
fn of_files(place: &Path, pick: fn(&Entry, &mut Offers)) -> Offers {
    let (sender, receiver) = mpsc::channel();
    let place = place.to_owned();
    std::thread::spawn(move || {
        let mut offers = Offers::new();
        for entry in read(&place).unwrap_or_default().entries() {
            pick(entry, &mut offers);
        }
        let _ = sender.send(offers);
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_default()
}

fn read(place: &Path) -> Option<Baseline> {
    if place.is_dir() {
        return Some(Baseline::read_dir(place, &perilune::rules()));
    }
    let files = Pack::open(place).and_then(|pack| packs::files(&pack)).ok()?;
    Some(Baseline::read_files(files, &perilune::rules()))
}

fn offer(offers: &mut Offers, value: &str, help: &str) {
    offers.insert(value.to_owned(), help.to_owned());
}

fn id(entry: &Entry, offers: &mut Offers) {
    let comment = entry.meta().get("comment").and_then(Value::as_str);
    offer(offers, &entry.id().to_string(), comment.unwrap_or(entry.kind()));
}

fn of_kinds(entry: &Entry, kinds: &[&str], offers: &mut Offers) {
    if kinds.contains(&entry.runs_as()) {
        id(entry, offers);
    }
}

fn callable(entry: &Entry, offers: &mut Offers) {
    match (entry.runs_as(), entry.data().get("methods")) {
        ("module.lua", Some(Value::Array(methods))) => {
            for method in methods.iter().filter_map(Value::as_str) {
                offer(offers, &format!("{}.{method}", entry.id()), entry.kind());
            }
        }
        _ => of_kinds(
            entry,
            &["function.lua", "function.wasm", "module.lua", "process.lua", "process.wasm"],
            offers,
        ),
    }
}

fn lua(entry: &Entry, offers: &mut Offers) {
    if entry.runs_as().ends_with(".lua") {
        id(entry, offers);
    }
}

fn workflows(entry: &Entry, offers: &mut Offers) {
    of_kinds(entry, &["workflow.lua"], offers);
}

fn commands(entry: &Entry, offers: &mut Offers) {
    let command = entry.meta().get("command");
    let text = |field| command.and_then(|command| command.get(field)).and_then(Value::as_str);
    if let Some(name) = text("name") {
        offer(offers, name, text("short").unwrap_or_default());
    }
}

/// Filters are parts of ids, suites and tags.
fn tests(entry: &Entry, offers: &mut Offers) {
    if !crate::test::is_test(entry) {
        return;
    }
    id(entry, offers);
    if let Some(suite) = entry.meta().get("suite").and_then(Value::as_str) {
        offer(offers, suite, "suite");
    }
    if let Some(Value::Array(tags)) = entry.meta().get("tags") {
        tags.iter().filter_map(Value::as_str).for_each(|tag| offer(offers, tag, "tag"));
    }
}

fn of_codes<I: Iterator<Item = (&'static str, &'static str)> + 'static>(
    codes: fn() -> I,
) -> ArgValueCandidates {
    let owned = |(code, what): (&str, &str)| (code.to_owned(), what.to_owned());
    ArgValueCandidates::new(move || candidates(codes().map(owned).collect()))
}

fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().map(|rule| (rule.code, rule.doc))
}

fn modules() -> Offers {
    let modules = Api::built_in().descriptions().filter_map(|(_, description)| match &description.subject {
        Subject::Module(name) => Some((name.clone(), description.summary.clone())),
        _ => None,
    });
    modules.collect()
}

/// Processes of the application that runs: by their names, or else by their numbers.
fn running(place: &Path) -> Offers {
    let (sender, receiver) = mpsc::channel();
    let place = place.to_owned();
    std::thread::spawn(move || {
        if let Ok(listing) = perilune_control::ask::<Listing>(&place, &Order::List) {
            let _ = sender.send(listing);
        }
    });
    let Ok(listing) = receiver.recv_timeout(PATIENCE) else { return Offers::new() };
    let mut offers = Offers::new();
    for service in listing.overview.services {
        offer(&mut offers, &service.id, &service.kind);
    }
    for process in listing.overview.processes {
        match process.names.is_empty() {
            // Of the pid the number will do, which no shell takes for something else.
            true => {
                let number = process.pid.rsplit('|').next().unwrap_or_default().trim_end_matches('}');
                offer(&mut offers, number, &process.entry);
            }
            false => process.names.iter().for_each(|name| offer(&mut offers, name, &process.entry)),
        }
    }
    offers
}
