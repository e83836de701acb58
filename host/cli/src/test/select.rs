//! Which tests an application has, and which of them are meant.

use globset::{GlobBuilder, GlobMatcher};
use perilune::{Entry, Snapshot, Value};
use std::time::Duration;

/// A test: a function with `meta.type: test`.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    /// The entry's id.
    pub(crate) id: String,
    /// What it is shown under: `meta.suite`, else the namespace.
    pub(crate) suite: String,
    /// When it begins among those of its suite: `meta.order`, else 0.
    order: f64,
    /// Why it is left out.
    pub(crate) skip: Option<String>,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// What it shares with others that say the same: no two of them run at once.
    pub(crate) serial: Option<String>,
    tags: Vec<String>,
}

/// All tests in the order in which they begin: by suite, `meta.order`, id.
///
/// # Errors
///
/// The first field that is none, with its entry and its file.
pub(crate) fn all(snapshot: &Snapshot) -> Result<Vec<Test>, String> {
    let mut tests = snapshot
        .entries()
        .filter(|entry| is_test(entry))
        .map(|entry| test(entry))
        .collect::<Result<Vec<_>, _>>()?;
    tests.sort_by(|a, b| {
        a.suite.cmp(&b.suite).then(a.order.total_cmp(&b.order)).then_with(|| a.id.cmp(&b.id))
    });
    Ok(tests)
}

/// Whether an entry is a test. Of other kinds nothing can be called without arguments of its own.
pub(crate) fn is_test(entry: &Entry) -> bool {
    entry.runs_as().starts_with("function.")
        && entry.meta().get("type").and_then(Value::as_str) == Some("test")
}

fn test(entry: &Entry) -> Result<Test, String> {
    let meta = entry.meta();
    let wrong = |field: &str, expected: &str| {
        let place = entry.file().map(|file| format!("{file}: ")).unwrap_or_default();
        format!("{place}{}: `meta.{field}` must be {expected}", entry.id())
    };
    let text = |field: &str| match meta.get(field) {
        None | Some(Value::Nil) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong(field, "a text")),
    };
    let order = match meta.get("order") {
        None | Some(Value::Nil) => 0.0,
        Some(Value::Integer(order)) => *order as f64,
        Some(Value::Float(order)) if order.is_finite() => *order,
        Some(_) => return Err(wrong("order", "a number")),
    };
    let skip = match meta.get("skip") {
        None | Some(Value::Nil | Value::Bool(false)) => None,
        Some(Value::String(_)) => text("skip")?.map(str::to_owned),
        Some(_) => return Err(wrong("skip", "a text that says why")),
    };
    let timeout = match text("timeout")? {
        None => None,
        Some(written) => Some(
            perilune::parse_duration(written)
                .filter(|timeout| !timeout.is_zero())
                .ok_or_else(|| wrong("timeout", "a positive time such as 500ms or 1m30s"))?,
        ),
    };
    let tags = match meta.get("tags") {
        Some(Value::Array(tags)) => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => text("tags").ok().flatten().map(str::to_owned).into_iter().collect(),
    };
    let serial = text("serial")?.map(str::to_owned);
    let id = entry.id().to_string();
    let namespace = id.split(':').next().unwrap_or_default().to_owned();
    let suite = text("suite")?.map_or(namespace, str::to_owned);
    Ok(Test { id, suite, order, skip, timeout, serial, tags })
}

/// What was asked for; without any filter it is everything.
pub(crate) struct Filters(Vec<Filter>);

enum Filter {
    Part(String),
    Glob(GlobMatcher),
}

impl Filters {
    /// # Errors
    ///
    /// A pattern that is none.
    pub(crate) fn parse(filters: &[String]) -> Result<Self, String> {
        let filters = filters.iter().map(|text| {
            if !text.contains(['*', '?', '[', '{']) {
                return Ok(Filter::Part(text.clone()));
            }
            let glob = GlobBuilder::new(text).build();
            let glob = glob.map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))?;
            Ok(Filter::Glob(glob.compile_matcher()))
        });
        filters.collect::<Result<_, String>>().map(Filters)
    }

    /// Whether one of them fits.
    pub(crate) fn fit(&self, test: &Test) -> bool {
        let name = test.id.split_once(':').map_or(&*test.id, |(_, name)| name);
        let mut texts =
            [&*test.id, name, &*test.suite].into_iter().chain(test.tags.iter().map(String::as_str));
        self.0.is_empty()
            || texts.any(|text| {
                self.0.iter().any(|filter| match filter {
                    Filter::Part(part) => text.contains(&**part),
                    Filter::Glob(glob) => glob.is_match(text),
                })
            })
    }
}
