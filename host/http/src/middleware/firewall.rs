//! `endpoint_firewall`, `resource_firewall`: who may ask, by the policies that a request acts under.

use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::message::{Request, Response, refusal};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::StatusCode;
use perilune_security::Decision;
use perilune_value::Value;
use std::sync::Arc;

const ACTION: OptionSpec =
    OptionSpec { name: "action", default: "access", doc: "the action that policies must allow", ..OPTION };

/// Asks about the endpoint.
pub(super) const ENDPOINT: MiddlewareKind = MiddlewareKind {
    name: "endpoint_firewall",
    prefix: "endpoint_firewall",
    doc: "Lets those pass whose policies allow an action on the endpoint",
    stage: Stage::After,
    options: &[ACTION],
    make: |options| Ok(Arc::new(Firewall { action: action(options), target: None })),
};

/// Asks about something that the router names.
pub(super) const RESOURCE: MiddlewareKind = MiddlewareKind {
    name: "resource_firewall",
    prefix: "resource_firewall",
    doc: "Lets those pass whose policies allow an action on a resource",
    stage: Stage::After,
    options: &[
        ACTION,
        OptionSpec {
            name: "target",
            default: "",
            doc: "the resource that policies are asked about",
            ..OPTION
        },
    ],
    make: |options| {
        let target = options.text("target").ok_or_else(|| OptionError::new("target", "it is missing"))?;
        Ok(Arc::new(Firewall { action: action(options), target: Some(target.to_owned()) }))
    },
};

fn action(options: &Options) -> String {
    options.text("action").unwrap_or("access").to_owned()
}

struct Firewall {
    action: String,
    /// The endpoint without one.
    target: Option<String>,
}

impl Middleware for Firewall {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        if request.authority.actor.is_none() {
            return ready(refusal(StatusCode::UNAUTHORIZED, "unauthorized")).boxed();
        }
        let endpoint = request.matched.as_ref().map(|matched| matched.endpoint.to_string());
        let target = self.target.clone().or(endpoint).unwrap_or_default();
        let about = Value::from_iter([
            ("method", Value::from(request.head.method.as_str())),
            ("path", Value::from(request.head.uri.path())),
        ]);
        // What no policy speaks of is refused, as everywhere.
        match request.authority.evaluate(&self.action, &target, &about) {
            Decision::Allow => next.run(request),
            Decision::Deny | Decision::Undefined => {
                ready(refusal(StatusCode::FORBIDDEN, "forbidden")).boxed()
            }
        }
    }
}
