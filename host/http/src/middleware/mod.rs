//! What requests and responses pass through around their endpoint.
//!
//! A router lists middleware by name, the outermost first: `middleware` before it is known which endpoint answers,
//! `post_middleware` after. Options are texts named `<middleware>.<option>`. A middleware is one file here, and one line in
//! [`ALL`].

mod compress;
mod cors;
mod firewall;
mod metrics;
mod options;
mod origin;
mod rate_limit;
mod real_ip;
mod relay;
mod send_file;
mod token_auth;

pub use options::{OPTION, OptionError, OptionSpec, Options};

use crate::message::{Request, Response};
use futures_util::future::BoxFuture;
use perilune_registry::{Code, Entry, FieldPath, Problem, Type, quote};
use perilune_resource::Resources;
use perilune_value::{Failure, Value};
use std::sync::Arc;

/// Sees a request before its endpoint and the response after it.
///
/// ```
/// # use futures_util::FutureExt;
/// # use futures_util::future::BoxFuture;
/// use perilune_http::middleware::{Middleware, Next};
/// use perilune_http::{Request, Response};
///
/// struct NoStore;
///
/// impl Middleware for NoStore {
///     fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
///         async move {
///             let mut response = next.run(request).await;
///             let value = http::HeaderValue::from_static("no-store");
///             response.headers_mut().insert(http::header::CACHE_CONTROL, value);
///             response
///         }
///         .boxed()
///     }
/// }
/// ```
pub trait Middleware: Send + Sync {
    /// Answers the request itself, or has [`Next::run`] answer it. The future is dropped when the client goes away.
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response>;
}

/// What lies behind a middleware.
pub struct Next<'a> {
    rest: &'a [Arc<dyn Middleware>],
    end: &'a dyn End,
    resources: &'a Arc<Resources>,
}

/// What lies behind the last middleware.
pub(crate) trait End: Send + Sync {
    fn respond<'a>(&'a self, request: Request) -> BoxFuture<'a, Response>;
}

impl<'a> Next<'a> {
    pub(crate) fn new(
        rest: &'a [Arc<dyn Middleware>],
        end: &'a dyn End,
        resources: &'a Arc<Resources>,
    ) -> Self {
        Next { rest, end, resources }
    }

    /// Passes the request on and gives the response.
    pub fn run(self, request: Request) -> BoxFuture<'a, Response> {
        match self.rest.split_first() {
            Some((first, rest)) => first.handle(request, Next { rest, ..self }),
            None => self.end.respond(request),
        }
    }

    /// The live things of the host, for a middleware that works on a store or a directory.
    pub fn resources(&self) -> &'a Arc<Resources> {
        self.resources
    }
}

/// When a middleware runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// In `middleware`, before the match.
    Before,
    /// In `post_middleware`, after it.
    After,
}

/// One kind of middleware.
pub struct MiddlewareKind {
    /// Its name in lists.
    pub name: &'static str,
    /// What stands before the dot of its options; its name as a rule.
    pub prefix: &'static str,
    /// One line for help and documentation.
    pub doc: &'static str,
    /// When it runs.
    pub stage: Stage,
    /// Its options.
    pub options: &'static [OptionSpec],
    /// Makes one from its options. It must do nothing else: it is called when an entry is checked as well.
    pub make: fn(&Options) -> Result<Arc<dyn Middleware>, OptionError>,
}

/// Every kind.
pub const ALL: &[&MiddlewareKind] = &[
    &compress::KIND,
    &cors::KIND,
    &metrics::KIND,
    &rate_limit::KIND,
    &real_ip::KIND,
    &send_file::KIND,
    &token_auth::KIND,
    &firewall::ENDPOINT,
    &firewall::RESOURCE,
    &relay::SSE,
    &relay::WEBSOCKET,
];

fn find(name: &str, stage: Stage) -> Option<&'static MiddlewareKind> {
    ALL.iter().copied().find(|kind| kind.name == name && kind.stage == stage)
}

/// The fields of an entry that list middleware of one stage.
#[derive(Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) list: &'static str,
    pub(crate) options: &'static str,
    pub(crate) stage: Stage,
    /// Options that are not of a middleware.
    pub(crate) others: &'static [&'static str],
}

pub(crate) const BEFORE: Fields =
    Fields { list: "middleware", options: "options", stage: Stage::Before, others: &[] };
pub(crate) const AFTER: Fields =
    Fields { list: "post_middleware", options: "post_options", stage: Stage::After, others: &[] };

impl Fields {
    fn names(self, data: &Value) -> Vec<&str> {
        match data.get(self.list) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Makes the chain of an entry, the outermost first.
    pub(crate) fn chain(self, data: &Value, namespace: &str) -> Result<Vec<Arc<dyn Middleware>>, Failure> {
        let make = |name: &str| {
            let kind = find(name, self.stage).ok_or_else(|| {
                Failure::invalid(format!("field `{}`: there is no middleware {}", self.list, quote(name)))
            })?;
            (kind.make)(&Options::of(kind, data.get(self.options), namespace)).map_err(|error| {
                Failure::invalid(format!(
                    "field `{}.{}.{}`: {}",
                    self.options, kind.prefix, error.option, error.message
                ))
            })
        };
        self.names(data).into_iter().map(make).collect()
    }

    /// Shows each option of a listed middleware that names an entry.
    pub(crate) fn references(self, entry: &Entry, visit: &mut dyn FnMut(&Type, &Value, FieldPath)) {
        let data = entry.data();
        let kinds = self.names(data).into_iter().filter_map(|name| find(name, self.stage));
        for (kind, option) in kinds.flat_map(|kind| kind.options.iter().map(move |option| (kind, option))) {
            let name = format!("{}.{}", kind.prefix, option.name);
            if let (Some(value), false) =
                (data.get(self.options).and_then(|options| options.get(&name)), option.entry.is_empty())
            {
                visit(&Type::Entry(option.entry), value, FieldPath::from(self.options).key(&name));
            }
        }
    }

    /// What is wrong with the lists of an entry.
    pub(crate) fn check(self, entry: &Entry) -> Vec<Problem> {
        let data = entry.data();
        let names = self.names(data);
        let mut problems = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some(kind) = find(name, self.stage) else {
                problems.push(self.unknown(entry, index, name));
                continue;
            };
            // What a placeholder stands for is known when the entry is opened.
            let options = Options::of(kind, data.get(self.options), entry.id().namespace());
            if options.has_placeholder() {
                continue;
            }
            if let Err(error) = (kind.make)(&options) {
                let full = format!("{}.{}", kind.prefix, error.option);
                let path = FieldPath::from(self.options).key(&full);
                let known = kind.options.iter().find(|option| option.name == error.option);
                let place = match data.get(self.options).and_then(|all| all.get(&full)) {
                    Some(_) => path,
                    None => FieldPath::from(self.list).item(index),
                };
                problems.push(
                    Problem::in_field(entry, place, Code::BAD_VALUE, format!("`{full}`: {}", error.message))
                        .maybe_help(known.map(|option| format!("its meaning: {}", option.doc))),
                );
            }
        }
        if let Some(Value::Map(options)) = data.get(self.options) {
            for (key, _) in options {
                let Some(key) = key.as_str().filter(|key| !self.others.contains(key)) else { continue };
                problems.extend(self.unknown_option(entry, &names, key));
            }
        }
        problems
    }

    fn unknown(self, entry: &Entry, index: usize, name: &str) -> Problem {
        let path = FieldPath::from(self.list).item(index);
        let other = ALL.iter().find(|kind| kind.name == name);
        let message = format!("there is no middleware {}", quote(name));
        let problem = Problem::in_field(entry, path, Code::BAD_VALUE, message);
        let known = ALL.iter().filter(|kind| kind.stage == self.stage);
        let known: Vec<String> = known.map(|kind| format!("`{}`", kind.name)).collect();
        match other {
            Some(_) => problem.help(format!(
                "list it in `{}`",
                if self.stage == Stage::Before { AFTER.list } else { BEFORE.list }
            )),
            None if known.is_empty() => problem.help("this list knows none"),
            None => problem.help(format!("known are {}", known.join(", "))),
        }
    }

    /// Options have a dot in their names, so they are no paths.
    fn unknown_option(self, entry: &Entry, names: &[&str], key: &str) -> Option<Problem> {
        let path = FieldPath::from(self.options).key(key);
        let problem = |message: String| Problem::in_field(entry, path.clone(), Code::UNKNOWN_FIELD, message);
        let (prefix, option) = key.split_once('.').unwrap_or((key, ""));
        let known = ALL.iter().copied().find(|kind| kind.prefix == prefix && kind.stage == self.stage);
        let Some(kind) = known else {
            if ALL.iter().any(|kind| kind.prefix == prefix) {
                let other = if self.stage == Stage::Before { AFTER } else { BEFORE };
                let message = format!("{} belongs to no middleware of `{}`", quote(key), self.list);
                return Some(problem(message).help(format!("write it in `{}`", other.options)));
            }
            let message = format!("{} belongs to no middleware", quote(key));
            return Some(problem(message).help("write `<middleware>.<option>`"));
        };
        let name = kind.name;
        if !names.contains(&name) {
            let message = format!("`{}` does not list `{name}`", self.list);
            return Some(problem(message).help("list it, or remove the option"));
        }
        if kind.options.iter().any(|known| known.name == option) {
            return None;
        }
        let known: Vec<String> =
            kind.options.iter().map(|option| format!("`{prefix}.{}`", option.name)).collect();
        let message = format!("`{name}` has no option {}", quote(option));
        Some(problem(message).help(match known.is_empty() {
            true => "it has none".to_owned(),
            false => format!("known are {}", known.join(", ")),
        }))
    }
}
