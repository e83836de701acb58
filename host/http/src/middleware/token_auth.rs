//! `token_auth`: whoever shows a token acts as the actor that it stands for. Blocks nobody: that is what firewalls are for.

use super::{Middleware, MiddlewareKind, Next, OPTION, OptionError, OptionSpec, Options, Stage};
use crate::message::{Request, Response};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::HeaderName;
use http::header::COOKIE;
use perilune_registry::EntryId;
use perilune_resource::Resources;
use perilune_security::{Authority, Policies, Tokens};
use perilune_value::Failure;
use std::sync::Arc;
use url::form_urlencoded;

pub(super) const KIND: MiddlewareKind = MiddlewareKind {
    name: "token_auth",
    prefix: "token_auth",
    doc: "Lets whoever shows a token act as the actor that it stands for",
    stage: Stage::Before,
    options: &[
        OptionSpec {
            name: "store",
            default: "",
            doc: "the `security.token_store` that tokens are looked up in",
            entry: &["security.token_store"],
        },
        OptionSpec {
            name: "header.name",
            default: "Authorization",
            doc: "the header that holds the token",
            ..OPTION
        },
        OptionSpec { name: "header.prefix", default: "Bearer ", doc: "what stands before it", ..OPTION },
        OptionSpec {
            name: "query.param",
            default: "x-auth-token",
            doc: "the parameter of the query that may hold it",
            ..OPTION
        },
        OptionSpec {
            name: "cookie.name",
            default: "x-auth-token",
            doc: "the cookie that may hold it",
            ..OPTION
        },
    ],
    make: |options| Ok(Arc::new(TokenAuth::new(options)?)),
};

struct TokenAuth {
    store: EntryId,
    header: HeaderName,
    /// Without white space at its end.
    prefix: String,
    parameter: String,
    cookie: String,
}

impl TokenAuth {
    fn new(options: &Options) -> Result<Self, OptionError> {
        let name = options.text("header.name").unwrap_or("authorization");
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| OptionError::new("header.name", format!("`{name}` is no name of a header")))?;
        let text = |name, default: &str| options.text(name).unwrap_or(default).to_owned();
        Ok(TokenAuth {
            store: options.entry("store")?,
            header,
            prefix: text("header.prefix", "Bearer"),
            parameter: text("query.param", "x-auth-token"),
            cookie: text("cookie.name", "x-auth-token"),
        })
    }

    /// The token that a request shows: in its header, else its query, else a cookie.
    fn token(&self, request: &Request) -> Option<String> {
        self.in_header(request).or_else(|| self.in_query(request)).or_else(|| self.in_cookies(request))
    }

    fn in_header(&self, request: &Request) -> Option<String> {
        let value = request.head.headers.get(&self.header)?.to_str().ok()?;
        let (prefix, rest) = value.split_at_checked(self.prefix.len())?;
        // The names of schemes, `Bearer` among them, are written in any case.
        let is_meant = prefix.eq_ignore_ascii_case(&self.prefix);
        (is_meant && (rest.starts_with(' ') || self.prefix.is_empty())).then(|| rest.trim().to_owned())
    }

    fn in_query(&self, request: &Request) -> Option<String> {
        let mut pairs = form_urlencoded::parse(request.head.uri.query()?.as_bytes());
        pairs.find(|(name, _)| *name == self.parameter).map(|(_, value)| value.into_owned())
    }

    fn in_cookies(&self, request: &Request) -> Option<String> {
        let lines = request.head.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.cookie).map(|(_, value)| value.trim_matches('"').to_owned())
    }

    /// Whom a token stands for; `None` for one that is not valid.
    async fn authority(&self, token: &str, resources: &Arc<Resources>) -> Result<Option<Authority>, Failure> {
        let tokens = resources.get::<Tokens>(&self.store.to_string())?;
        let Some(grant) = tokens.find(token).await? else { return Ok(None) };
        let host = resources.host();
        let policies = host.shared.get::<Policies>().of(&host.registry);
        let scope = policies.scope(&grant.policies, &[])?;
        Ok(Some(Authority { actor: Some(Arc::new(grant.actor)), scope: Some(scope) }))
    }
}

impl Middleware for TokenAuth {
    fn handle<'a>(&'a self, mut request: Request, next: Next<'a>) -> BoxFuture<'a, Response> {
        async move {
            if let Some(token) = self.token(&request) {
                match self.authority(&token, next.resources()).await {
                    Ok(Some(authority)) => request.authority = authority,
                    // Whose token is not valid goes on as somebody unknown.
                    Ok(None) => {}
                    Err(failure) => {
                        tracing::error!(store = %self.store, error = %failure.message, "a token could not be looked up");
                    }
                }
            }
            next.run(request).await
        }
        .boxed()
    }
}
