//! Entries in a runtime, called as an application calls them: from a task of a runtime with several threads.

use crate::run::micros;
use anyhow::Context;
use perilune::{Entry, EntryId, Runtime, Value};
use std::time::Instant;

/// The trivial handler.
pub const HELLO: &str = "return { main = function(name) return 'hello ' .. name end }";

/// Libraries that the handler with imports has, and the parts of each: 10 parts of 30 lines.
const LIBRARIES: usize = 3;
const PARTS: usize = 10;
const PART: &str = include_str!("../lua/library_part.lua");

/// An entry that serves calls.
///
/// # Errors
///
/// When the name is none.
pub fn function(name: &str, source: &str) -> anyhow::Result<Entry> {
    Ok(entry(name, "function.lua", source)?.with_field("method", "main"))
}

fn entry(name: &str, kind: &str, source: &str) -> anyhow::Result<Entry> {
    Ok(Entry::new(EntryId::new("bench", name)?, kind).with_field("source", source))
}

/// A block of fields.
pub fn block<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    fields.into_iter().map(|(name, value)| (name, Value::from(value))).collect()
}

/// The handler `bench:imports`, and the libraries that it calls into.
///
/// # Errors
///
/// Never, as long as the names here are names.
pub fn imports() -> anyhow::Result<Vec<Entry>> {
    let mut source = String::new();
    let mut aliases = Vec::new();
    let mut entries = Vec::new();
    for library in 1..=LIBRARIES {
        let parts: String = (1..=PARTS).map(|part| PART.replace("PART", &part.to_string())).collect();
        entries.push(entry(
            &format!("library{library}"),
            "library.lua",
            &format!("local M = {{}}\n{parts}return M\n"),
        )?);
        aliases.push((format!("lib{library}"), format!("bench:library{library}")));
        source.push_str(&format!("local lib{library} = require('lib{library}')\n"));
    }
    source.push_str("return { main = function(name) return lib1.greet_1(name) .. lib2.greet_5(name) .. lib3.greet_10(name) end }");
    let aliases = block(aliases.iter().map(|(alias, id)| (alias.as_str(), id.as_str())));
    entries.push(function("imports", &source)?.with_field("imports", aliases));
    Ok(entries)
}

/// Threads for callers, two of them where the key says nothing else.
///
/// # Errors
///
/// When threads cannot be started.
pub fn threads(count: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(count).enable_all().build()?)
}

/// The arguments of every call here.
pub fn moon() -> [Value; 1] {
    [Value::from("moon")]
}

/// One call.
///
/// # Errors
///
/// When it fails.
pub async fn call(runtime: &Runtime, target: &str) -> anyhow::Result<Value> {
    runtime.call(target, moon()).await.with_context(|| format!("calling {target}"))
}

/// Calls in a row by one task, while `go_on` says so of the number of calls made; microseconds of each.
///
/// # Errors
///
/// When a call fails.
pub fn burst(
    threads: &tokio::runtime::Runtime,
    runtime: &Runtime,
    target: &str,
    go_on: impl Fn(usize) -> bool + Send + 'static,
) -> anyhow::Result<Vec<f64>> {
    let (runtime, target) = (runtime.clone(), target.to_owned());
    let task = threads.spawn(async move {
        let mut samples = Vec::new();
        while go_on(samples.len()) {
            let began = Instant::now();
            call(&runtime, &target).await?;
            samples.push(micros(began.elapsed()));
        }
        Ok(samples)
    });
    threads.block_on(task)?
}
