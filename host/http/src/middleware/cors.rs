//! `cors`: which other sites' pages may use the answers.

use super::origin::Origin;
use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::message::{Request, Response, empty};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use std::sync::Arc;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "cors",
    prefix: "cors",
    doc: "Lets pages of other origins use the answers",
    stage: Stage::Before,
    options: &[
        OptionSpec {
            name: "allow.origins",
            default: "*",
            doc: "origins between commas, such as `https://example.com`; `*.example.com` for any subdomain, `*` for all",
            ..OPTION
        },
        OptionSpec {
            name: "allow.methods",
            default: "GET,POST,PUT,DELETE,OPTIONS,PATCH",
            doc: "methods between commas",
            ..OPTION
        },
        OptionSpec {
            name: "allow.headers",
            default: "Origin,Content-Type,Accept,Authorization,X-Requested-With",
            doc: "request headers between commas",
            ..OPTION
        },
        OptionSpec { name: "expose.headers", default: "", doc: "response headers between commas", ..OPTION },
        OptionSpec {
            name: "allow.credentials",
            default: "false",
            doc: "whether cookies are sent along; needs `allow.origins` to name the origins",
            ..OPTION
        },
        OptionSpec {
            name: "max.age",
            default: "86400",
            doc: "seconds that a browser may remember the answer",
            ..OPTION
        },
        OptionSpec {
            name: "allow.private.network",
            default: "false",
            doc: "whether public sites may reach this server in a private network",
            ..OPTION
        },
    ],
    make: |options| Ok(Arc::new(Cors::new(options)?)),
};

const PRIVATE_ASKED: HeaderName = HeaderName::from_static("access-control-request-private-network");
const PRIVATE_ALLOWED: HeaderName = HeaderName::from_static("access-control-allow-private-network");

struct Cors {
    origins: Vec<Origin>,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
    private_network: bool,
}

impl Cors {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let listed = |name: &str, default: &str| -> Result<HeaderValue, OptionError> {
            let items = options.list(name).unwrap_or_else(|| default.split(',').collect());
            HeaderValue::from_str(&items.join(", "))
                .map_err(|_| OptionError::new(name, "it holds what no header can hold"))
        };
        let origins: Vec<Origin> = options
            .list("allow.origins")
            .unwrap_or_else(|| vec!["*"])
            .into_iter()
            .map(Origin::parse)
            .collect();
        let credentials = options.bool("allow.credentials")?;
        if credentials && origins.iter().any(|origin| matches!(origin, Origin::Any)) {
            return Err(OptionError::new(
                "allow.credentials",
                "with `allow.origins` `*` every site could act as its visitors: name the origins",
            ));
        }
        Ok(Cors {
            origins,
            methods: listed("allow.methods", "GET,POST,PUT,DELETE,OPTIONS,PATCH")?,
            headers: listed("allow.headers", "Origin,Content-Type,Accept,Authorization,X-Requested-With")?,
            exposed: options.text("expose.headers").map(|_| listed("expose.headers", "")).transpose()?,
            credentials,
            max_age: HeaderValue::from(options.number("max.age", 86_400, (0, 31_536_000))?),
            private_network: options.bool("allow.private.network")?,
        })
    }

    /// What `Access-Control-Allow-Origin` says to an origin.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        let text = origin.to_str().ok()?;
        match self.origins.iter().find(|one| one.matches(text))? {
            Origin::Any => Some(HeaderValue::from_static("*")),
            _ => Some(origin.clone()),
        }
    }

    fn mark(&self, headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
        // Caches must not hand one origin's answer to another, nor the answer to none.
        if !self.origins.iter().any(|origin| matches!(origin, Origin::Any)) {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(allowed) = allowed else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// The answer to a browser that asks before it sends.
    fn preflight(&self, request: &HeaderMap, allowed: Option<HeaderValue>) -> Response {
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        let is_allowed = allowed.is_some();
        self.mark(headers, allowed);
        if is_allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
            if self.private_network && request.contains_key(PRIVATE_ASKED) {
                headers.insert(PRIVATE_ALLOWED, HeaderValue::from_static("true"));
            }
        }
        response
    }
}

impl Middleware for Cors {
    fn handle<'a>(&'a self, request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            let headers = &request.head.headers;
            let origin = headers.get(header::ORIGIN).cloned();
            let allowed = origin.as_ref().and_then(|origin| self.allowed(origin));
            let is_preflight = request.head.method == Method::OPTIONS
                && origin.is_some()
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            if is_preflight {
                return self.preflight(headers, allowed);
            }
            let mut response = next.run(request).await;
            if let (Some(exposed), true) = (&self.exposed, allowed.is_some()) {
                response.headers_mut().insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
            }
            self.mark(response.headers_mut(), allowed);
            response
        }
        .boxed()
    }
}
