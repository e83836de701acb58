//! `perilune registry list|show|find`.

use crate::arguments::Registry;
use crate::exit::Exit;
use crate::{application, output};
use perilune::{Entry, EntryId, Failure, Snapshot, Value, json};
use perilune_settings::Settings;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn registry(directory: &Path, settings: &Settings, command: Registry) -> Exit {
    let runtime = match application::load(directory, settings, None) {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let snapshot = runtime.registry().snapshot();
    let done = match command {
        Registry::List { kind, namespace, format } => list(&snapshot, kind, namespace, format.json),
        Registry::Show { id } => show(&snapshot, &id),
        Registry::Find { criteria, format } => find(&snapshot, &criteria, format.json),
    };
    done.unwrap_or_else(|failure| Exit::of_failure(&failure))
}

fn list(
    snapshot: &Snapshot,
    kind: Option<String>,
    namespace: Option<String>,
    json: bool,
) -> Result<Exit, Failure> {
    let criteria = [(".kind", kind), (".ns", namespace)];
    let filter = criteria.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    print(&snapshot.find(&filter)?, json)
}

fn show(snapshot: &Snapshot, id: &str) -> Result<Exit, Failure> {
    let parsed =
        EntryId::parse(id).map_err(|error| Failure::invalid(format!("`{id}` is no entry id: {error}")))?;
    let entry = snapshot.get(&parsed).ok_or_else(|| Failure::not_found(format!("entry not found: {id}")))?;
    output::line(json::encode(&shown(entry))?.as_bytes());
    Ok(Exit::done())
}

/// An entry without the bytes of a component, which are no text: only how many there are.
fn shown(entry: &Entry) -> Value {
    let mut value = entry.to_value();
    if let Value::Map(fields) = &mut value
        && let Some((_, Value::Map(data))) = fields.iter_mut().find(|(name, _)| name.as_str() == Some("data"))
        && entry.kind().ends_with(".wasm")
    {
        for (name, value) in data {
            if let (Some("component"), Value::String(bytes)) = (name.as_str(), &*value) {
                *value = Value::from(format!("({} bytes)", bytes.len()));
            }
        }
    }
    value
}

fn find(snapshot: &Snapshot, criteria: &[String], json: bool) -> Result<Exit, Failure> {
    let mut filter = Vec::new();
    for criterion in criteria {
        let Some((key, text)) = criterion.split_once('=') else {
            return Ok(Exit::usage(format!("`{criterion}` is no criterion: write KEY=VALUE")));
        };
        let value = json::decode(text.as_bytes()).unwrap_or_else(|_| Value::from(text));
        filter.push((Value::from(key), value));
    }
    print(&snapshot.find(&Value::Map(filter))?, json)
}

fn print(entries: &[Arc<Entry>], json: bool) -> Result<Exit, Failure> {
    if json {
        let values: Vec<Value> = entries.iter().map(|entry| shown(entry)).collect();
        output::line(json::encode(&Value::Array(values))?.as_bytes());
        return Ok(Exit::done());
    }
    let width = entries.iter().map(|entry| entry.id().to_string().len()).max().unwrap_or(0);
    for entry in entries {
        output::line(format!("{:width$}  {}", entry.id().to_string(), entry.kind()).as_bytes());
    }
    Ok(Exit::done())
}
