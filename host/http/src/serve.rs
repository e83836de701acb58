//! From a request to whoever answers it: middleware, match, middleware, endpoint.

use crate::message::{Request, Response, empty, refusal};
use crate::middleware::{End, Middleware, Next};
use crate::table::{Found, Mount, Place, Route, Table};
use crate::{endpoint, static_files};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ALLOW, HOST, HeaderValue};
use http::{Method, StatusCode, Version};
use perilune_resource::{Invoke, Resources};
use perilune_value::Failure;
use std::sync::{Arc, Weak};

/// What requests need of their host.
pub(crate) struct Surroundings {
    pub(crate) functions: Arc<dyn Invoke>,
    /// A server must not keep the things alive that keep it.
    pub(crate) resources: Weak<Resources>,
}

impl Surroundings {
    pub(crate) fn resources(&self) -> Result<Arc<Resources>, Failure> {
        let gone = || Failure::new(perilune_value::Kind::Unavailable, "the host is shutting down");
        self.resources.upgrade().ok_or_else(gone)
    }
}

/// Answers a request.
pub(crate) async fn serve(table: &Table, surroundings: &Surroundings, mut request: Request) -> Response {
    if let Some(refused) = malformed(&request) {
        return refused;
    }
    match table.find(&request.head.method, request.head.uri.path()) {
        Found::Endpoint(route, matched) => {
            request.matched = Some(matched);
            request.route = Some(route.shown.clone());
            if route.router.before.is_empty() && route.router.after.is_empty() {
                return endpoint::answer(&*surroundings.functions, &route.endpoint, request).await;
            }
            let end = AtEndpoint { surroundings, route };
            through(&route.router.before, surroundings, request, &end).await
        }
        Found::Other(mount, allowed) => {
            let end = Elsewhere { mount, allowed };
            let before = match mount.map(|mount| &mount.place) {
                None => &[][..],
                Some(Place::Router(router)) => &router.before,
                Some(Place::Static(files)) => {
                    request.route = Some(files.shown.clone());
                    &files.before
                }
            };
            through(before, surroundings, request, &end).await
        }
    }
}

/// Requests that two readers could understand in two ways.
fn malformed(request: &Request) -> Option<Response> {
    let mut hosts = request.head.headers.get_all(HOST).iter();
    let first = hosts.next();
    let is_wrong = match request.head.version {
        Version::HTTP_11 => first.is_none() || hosts.next().is_some(),
        _ => hosts.next().is_some(),
    };
    is_wrong.then(|| refusal(StatusCode::BAD_REQUEST, "a request names its host, once"))
}

async fn through(
    chain: &[Arc<dyn Middleware>],
    surroundings: &Surroundings,
    request: Request,
    end: &dyn End,
) -> Response {
    if chain.is_empty() {
        return end.respond(request).await;
    }
    match surroundings.resources() {
        Ok(resources) => Next::new(chain, end, &resources).run(request).await,
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "the host is shutting down"),
    }
}

/// Behind the first chain of an endpoint's router: the second one.
struct AtEndpoint<'a> {
    surroundings: &'a Surroundings,
    route: &'a Route,
}

impl End for AtEndpoint<'_> {
    fn respond<'a>(&'a self, request: Request) -> BoxFuture<'a, Response> {
        let (surroundings, endpoint) = (self.surroundings, &*self.route.endpoint);
        let after = &self.route.router.after;
        if after.is_empty() {
            return endpoint::answer(&*surroundings.functions, endpoint, request).boxed();
        }
        async move {
            let end = Function { functions: &*surroundings.functions, route: self.route };
            through(after, surroundings, request, &end).await
        }
        .boxed()
    }
}

/// Behind both chains.
struct Function<'a> {
    functions: &'a dyn Invoke,
    route: &'a Route,
}

impl End for Function<'_> {
    fn respond<'a>(&'a self, request: Request) -> BoxFuture<'a, Response> {
        endpoint::answer(self.functions, &self.route.endpoint, request).boxed()
    }
}

/// Where no endpoint answers the method.
struct Elsewhere<'a> {
    mount: Option<&'a Mount>,
    allowed: Vec<&'a Method>,
}

impl End for Elsewhere<'_> {
    fn respond<'a>(&'a self, request: Request) -> BoxFuture<'a, Response> {
        async move {
            if !self.allowed.is_empty() {
                return other_method(&request.head.method, &self.allowed);
            }
            match self.mount.map(|mount| &mount.place) {
                Some(Place::Static(files)) => static_files::answer(files, request).await,
                _ => refusal(StatusCode::NOT_FOUND, "not found"),
            }
        }
        .boxed()
    }
}

/// The response for a path that answers other methods.
pub(crate) fn other_method(asked: &Method, allowed: &[&Method]) -> Response {
    let mut names: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    let mut response = match *asked {
        Method::OPTIONS => empty(StatusCode::NO_CONTENT),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
    };
    if let Ok(value) = HeaderValue::from_str(&names.join(", ")) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
