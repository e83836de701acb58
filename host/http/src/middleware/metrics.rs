//! `metrics`: how many requests there were, how they ended, and how long they took.
//!
//! | metric | kind | counts |
//! |---|---|---|
//! | `http_requests_total` | counter | requests |
//! | `http_request_duration_seconds` | histogram | the time until the response's head was ready; its body may be a stream |
//! | `http_requests_in_flight` | gauge | requests whose response is not ready yet |
//!
//! The first two have labels `method`, `route` and `status`. The route is the path as entries write it, never the one that was
//! asked for: clients choose that, and each label with another value is a series of its own.

use super::{Middleware, MiddlewareKind, Next, Stage};
use crate::message::{Request, Response};
use crate::router::METHODS;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_metrics::{Metrics, Record};
use perilune_value::Value;
use std::sync::Arc;
use std::time::Instant;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "metrics",
    prefix: "metrics",
    doc: "Counts requests and measures how long they take, by method, route and status",
    stage: Stage::Before,
    options: &[],
    make: |_| Ok(Arc::new(Measure)),
};

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";

/// Whose series those are that belong to no endpoint.
const NOBODY: &str = "http";
/// The route of what nothing answers.
const NO_ROUTE: &str = "none";
/// The method of what no endpoint can answer: there is no end of names.
const OTHER_METHOD: &str = "other";
/// The status of a request whose client went away before the response was ready, as nginx calls it.
const CLIENT_GONE: u16 = 499;

struct Measure;

impl Middleware for Measure {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let mut flight = Flight::begin(&request, next.resources().host().shared.get());
            let response = next.run(request).await;
            flight.status = response.status().as_u16();
            response
        }
        .boxed()
    }
}

/// A request under way. Recorded when it is dropped: with its response, or with the client.
struct Flight {
    metrics: Arc<Metrics>,
    /// Whose series they are.
    endpoint: String,
    method: &'static str,
    route: Option<Arc<str>>,
    status: u16,
    began: Instant,
}

impl Flight {
    fn begin(request: &Request, metrics: Arc<Metrics>) -> Self {
        let method = METHODS.iter().find(|known| **known == request.head.method.as_str());
        let flight = Flight {
            metrics,
            endpoint: request
                .matched
                .as_ref()
                .map_or(NOBODY.to_owned(), |matched| matched.endpoint.to_string()),
            method: method.copied().unwrap_or(OTHER_METHOD),
            route: request.route.clone(),
            status: CLIENT_GONE,
            began: Instant::now(),
        };
        flight.record(NOBODY, IN_FLIGHT, &Value::Nil, Record::Add(1.0));
        flight
    }

    fn record(&self, entry: &str, name: &str, labels: &Value, what: Record) {
        // Entries may have taken the name, or all places; then the application goes on without.
        if let Err(failure) = self.metrics.record(entry, name, labels, what) {
            tracing::debug!(name, error = %failure.message, "a request could not be recorded");
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let labels = Value::from_iter([
            ("method", Value::from(self.method)),
            ("route", Value::from(self.route.as_deref().unwrap_or(NO_ROUTE))),
            ("status", Value::from(self.status.to_string())),
        ]);
        self.record(NOBODY, IN_FLIGHT, &Value::Nil, Record::Add(-1.0));
        self.record(&self.endpoint, REQUESTS, &labels, Record::Count(1.0));
        self.record(&self.endpoint, DURATION, &labels, Record::Observe(self.began.elapsed().as_secs_f64()));
    }
}
