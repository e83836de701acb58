//! `http.router` and `http.endpoint`: what a path is answered by.

use crate::middleware::{AFTER, BEFORE, Middleware};
use crate::pattern::Pattern;
use http::Method;
use perilune_registry::{Code, Entry, EntryId, Field, FieldPath, Fields, KindSpec, Problem, Type};
use perilune_resource::{Opened, Opening, ResourceKind};
use perilune_value::{Failure, Value};
use std::sync::Arc;

const FIELD: Field = Field { name: "", ty: Type::Any, required: false, default: "", doc: "" };

pub(crate) const SERVER: Field = Field {
    name: "server",
    ty: Type::Entry(&["http.service"]),
    doc: "the `http.service` that it belongs to; may stand in `meta`",
    ..FIELD
};
pub(crate) const MIDDLEWARE: Field = Field {
    name: "middleware",
    ty: Type::Strings,
    default: "none",
    doc: "what requests pass through before they are matched, the outermost first; see [Middleware](middleware.md)",
    ..FIELD
};
pub(crate) const OPTIONS: Field = Field {
    name: "options",
    ty: Type::Texts,
    default: "none",
    doc: "options of the middleware, each `<middleware>.<option>`",
    ..FIELD
};

/// The kind `http.router`.
pub(crate) const ROUTER: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "http.router",
        doc: "Endpoints of a server under one prefix",
        fields: Fields::Known(&[
            SERVER,
            Field {
                name: "prefix",
                ty: Type::String,
                default: "/",
                doc: "what the paths of its endpoints begin with",
                ..FIELD
            },
            MIDDLEWARE,
            OPTIONS,
            Field {
                name: "post_middleware",
                ty: Type::Strings,
                default: "none",
                doc: "what requests pass through once their endpoint is known",
                ..FIELD
            },
            Field {
                name: "post_options",
                ty: Type::Texts,
                default: "none",
                doc: "options of `post_middleware`",
                ..FIELD
            },
        ]),
        meta: &[SERVER],
        placeholders: true,
        check: Some(check_router),
        hidden: Some(|entry, visit| {
            BEFORE.references(entry, visit);
            AFTER.references(entry, visit);
        }),
        ..KindSpec::EMPTY
    },
    open: open_router,
};

/// The kind `http.endpoint`.
pub(crate) const ENDPOINT: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "http.endpoint",
        doc: "A function that answers a method of a path",
        fields: Fields::Known(&[
            ENDPOINT_ROUTER,
            Field { name: "method", ty: Type::OneOf(METHODS), required: true, doc: "the method", ..FIELD },
            Field {
                name: "path",
                ty: Type::String,
                required: true,
                doc: "the path after the router's prefix; `{name}` is one segment, `{name...}` all the rest",
                ..FIELD
            },
            Field {
                name: "func",
                ty: Type::Entry(&["function.lua", "function.wasm"]),
                required: true,
                doc: "the function, called without arguments",
                ..FIELD
            },
        ]),
        meta: &[ENDPOINT_ROUTER],
        placeholders: true,
        check: Some(check_endpoint),
        ..KindSpec::EMPTY
    },
    open: open_endpoint,
};

const ENDPOINT_ROUTER: Field = Field {
    name: "router",
    ty: Type::Entry(&["http.router"]),
    doc: "the `http.router` that it belongs to; may stand in `meta`",
    ..FIELD
};

pub(crate) const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];

/// A live `http.router`.
pub(crate) struct Router {
    pub(crate) id: EntryId,
    pub(crate) server: EntryId,
    /// Without `/` at its end.
    pub(crate) prefix: String,
    pub(crate) before: Vec<Arc<dyn Middleware>>,
    pub(crate) after: Vec<Arc<dyn Middleware>>,
}

/// A live `http.endpoint`.
pub(crate) struct Endpoint {
    pub(crate) id: Arc<EntryId>,
    pub(crate) router: EntryId,
    pub(crate) method: Method,
    pub(crate) path: Pattern,
    /// What is called.
    pub(crate) function: String,
}

/// A field that is a text.
pub(crate) fn text<'a>(data: &'a Value, field: &str) -> Option<&'a str> {
    data.get(field).and_then(Value::as_str)
}

/// The entry that this one belongs to: the field, or that of `meta`.
pub(crate) fn parent(entry: &Entry, data: &Value, field: &str) -> Option<String> {
    text(data, field).or_else(|| text(entry.meta(), field)).map(str::to_owned)
}

/// An entry belongs to one server or router, wherever it says so.
pub(crate) fn check_parent(entry: &Entry, field: &'static str) -> Option<Problem> {
    match (text(entry.data(), field), text(entry.meta(), field)) {
        (None, None) => Some(
            Problem::in_field(
                entry,
                FieldPath::from("meta").key(field),
                Code::MISSING_FIELD,
                "it is missing",
            )
            .label("needs it")
            .help(format!(
                "add `meta: {{{field}: <id>}}`, the id of the http.{} it belongs to",
                match field {
                    "server" => "service",
                    other => other,
                }
            )),
        ),
        (Some(one), Some(other)) if one != other => Some(
            Problem::in_field(entry, field, Code::BAD_VALUE, format!("`meta.{field}` names another one"))
                .help("remove one of the two"),
        ),
        _ => None,
    }
}

/// What is wrong with a field that holds a path.
pub(crate) fn check_path<T>(
    entry: &Entry,
    field: &'static str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<Problem> {
    let path = text(entry.data(), field).filter(|path| !path.contains("${"))?;
    let error = read(path).err()?;
    Some(Problem::in_field(entry, field, Code::BAD_VALUE, error))
}

fn check_router(entry: &Entry) -> Vec<Problem> {
    let mut problems: Vec<Problem> = check_parent(entry, "server").into_iter().collect();
    problems.extend(check_path(entry, "prefix", Pattern::prefix));
    problems.extend(BEFORE.check(entry));
    problems.extend(AFTER.check(entry));
    problems
}

fn check_endpoint(entry: &Entry) -> Vec<Problem> {
    let mut problems: Vec<Problem> = check_parent(entry, "router").into_iter().collect();
    problems.extend(check_path(entry, "path", Pattern::parse));
    problems
}

/// The id of the entry that an opened one belongs to.
pub(crate) fn parent_id(opening: &Opening<'_>, field: &str) -> Result<EntryId, Failure> {
    let named = parent(opening.entry(), opening.data(), field)
        .ok_or_else(|| Failure::invalid(format!("field `{field}` is missing")))?;
    opening.resolve(&named)
}

/// A path of an opened entry.
pub(crate) fn path<T>(
    opening: &Opening<'_>,
    field: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    read(text(opening.data(), field).unwrap_or("/"))
        .map_err(|error| Failure::invalid(format!("field `{field}`: {error}")))
}

fn open_router(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let (data, namespace) = (opening.data(), opening.id().namespace());
    Ok(Opened::resource(Arc::new(Router {
        id: opening.id().clone(),
        server: parent_id(opening, "server")?,
        prefix: path(opening, "prefix", Pattern::prefix)?,
        before: BEFORE.chain(data, namespace)?,
        after: AFTER.chain(data, namespace)?,
    })))
}

fn open_endpoint(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let data = opening.data();
    let required =
        |field| text(data, field).ok_or_else(|| Failure::invalid(format!("field `{field}` is missing")));
    let method = required("method")?;
    Ok(Opened::resource(Arc::new(Endpoint {
        id: Arc::new(opening.id().clone()),
        router: parent_id(opening, "router")?,
        method: method.parse().map_err(|_| Failure::invalid(format!("field `method`: {method}")))?,
        path: path(opening, "path", Pattern::parse)?,
        function: opening.resolve(required("func")?)?.to_string(),
    })))
}
