//! Whether a cell starts and computes.

use super::Finding;
use crate::application;
use perilune::{Entry, EntryId, Value};
use perilune_settings::Settings;
use std::time::Instant;

/// A function of no application: it must be granted nothing and still answer.
const SOURCE: &str = "return function(a, b) return a + b end";

pub(super) async fn findings(settings: &Settings) -> Vec<Finding> {
    let begun = Instant::now();
    let result = call(settings).await;
    let took = begun.elapsed().as_millis();
    vec![match result {
        Ok(()) => Finding::ok("sandbox", format!("a cell started and computed; it took {took} ms in all")),
        Err(message) => Finding::fail(
            "sandbox",
            format!("no cell runs: {message}"),
            "look at the warnings above, and try `perilune doctor --cells-max 10`",
        ),
    }]
}

async fn call(settings: &Settings) -> Result<(), String> {
    let id = EntryId::new("doctor", "sum").map_err(|error| error.to_string())?;
    let entry = Entry::new(id, "function.lua").with_field("source", SOURCE).with_field("method", "main");
    let runtime = application::builder(settings).entry(entry).build().map_err(|error| error.to_string())?;
    let sum = runtime.call("doctor:sum", [Value::from(2), Value::from(3)]).await;
    match sum.map_err(|failure| failure.message)? {
        sum if sum == Value::from(5) => Ok(()),
        other => Err(format!("it says that 2 and 3 are {other:?}")),
    }
}
