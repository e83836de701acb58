//! Module `http_client`, against servers on this machine. Which addresses and names an allow-list admits has its own tests beside
//! crate `perilune-network`.
//!
//! | file | promises |
//! |---|---|
//! | `requests.rs` | what requests ask, and what responses say |
//! | `reach.rs` | whom an entry may reach: what its host, its own field and policies allow |
//! | `trouble.rs` | networks that fail, servers that do not keep to the rules, and what an entry may take of its host |
//! | `tls.rs` | certificates of servers and of clients |

mod reach;
mod requests;
mod tls;
mod trouble;

use crate::servers::{self, Server, headers, pieces, serve, text};
use flate2::Compression;
use flate2::write::GzEncoder;
use perilune::{Actor, Allowed, Authority, Call, Failure, Limits, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::App;
use std::io::Write;
use std::sync::Arc;

/// An application whose function `app:main(base)` has `http` and `json`, on a host that allows these hosts.
fn app(allowed: &[&str], body: &str) -> App {
    app_with(allowed, "", body, Limits::DEFAULT)
}

/// [`app`] with a field of its entry, and limits.
fn app_with(allowed: &[&str], field: &str, body: &str, limits: Limits) -> App {
    let source = format!(
        "local http, json = require('http_client'), require('json')\nreturn function(base, more)\n{body}\nend\n"
    );
    let fields =
        format!("modules: [http_client, json, time]{}{field}", if field.is_empty() { "" } else { ", " });
    let network = allowed.iter().map(|&item| item.to_owned()).collect();
    App::entries_with(&[("main", "function", &fields, &source)], |builder| {
        builder.allow(Allowed { network, ..Allowed::default() }).limits(limits)
    })
}

async fn check(app: &App, base: &str) -> Value {
    match app.call("app:main", &[base.into()]).await {
        Ok(value) => value,
        Err(failure) => panic!("app:main succeeds: {failure:#?}"),
    }
}

/// What an application fails with that returns what `http.get(base)` returned.
async fn refusal(app: &App, url: &str) -> Failure {
    app.call("app:main", &[url.into()]).await.expect_err("the request is refused")
}

const GET: &str = "return http.get(base)";

/// `/echo` tells what was asked, `/to/CODE/URL` redirects, the rest is by name.
async fn site() -> Server {
    serve(|seen| async move {
        let mut words = seen.path[1..].splitn(3, '/');
        match (words.next().unwrap_or_default(), words.next(), words.next()) {
            ("status", Some(status), _) => text(status.parse().expect("a status"), "as asked"),
            ("to", Some(status), Some(location)) => {
                let location =
                    if location.contains("://") { location.to_owned() } else { format!("/{location}") };
                headers(status.parse().expect("a status"), &[("location", &location)])
            }
            ("loop", ..) => headers(302, &[("location", "/loop")]),
            ("never", ..) => std::future::pending().await,
            ("lines", ..) => pieces(&["one\nt", "wo\n", "three"], false),
            ("drip", ..) => pieces(&["first"], true),
            ("big", Some(bytes), _) => text(200, vec![b'x'; bytes.parse().expect("a number")]),
            ("bomb", ..) => compressed(&vec![0; 32 << 20]),
            ("gzip", ..) => compressed(b"hello, compressed"),
            ("headers", ..) => headers(
                200,
                &[
                    ("content-type", "text/plain"),
                    ("x-request-id", "7"),
                    ("x-request-id", "8"),
                    ("set-cookie", "a=1; Path=/"),
                    ("set-cookie", "b=x=y; HttpOnly"),
                    ("set-cookie", "a=2"),
                    ("set-cookie", "nonsense"),
                ],
            ),
            _ => text(200, echo(&seen)),
        }
    })
    .await
}

fn echo(seen: &servers::Seen) -> String {
    let headers: serde_json::Map<_, _> = seen
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    serde_json::json!({
        "method": seen.method, "path": seen.path, "headers": headers, "body": String::from_utf8_lossy(&seen.body),
    })
    .to_string()
}

fn compressed(bytes: &[u8]) -> hyper::Response<servers::Body> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    let mut response = text(200, encoder.finish().expect("memory takes it"));
    response.headers_mut().insert("content-encoding", hyper::header::HeaderValue::from_static("gzip"));
    response
}

/// Allows what it lists.
struct Only(&'static [(&'static str, &'static str)]);

impl Rule for Only {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let is_listed = self
            .0
            .iter()
            .any(|(action, resource)| question.action == *action && question.resource.contains(resource));
        if is_listed { Decision::Allow } else { Decision::Undefined }
    }
}

async fn called_with(app: &App, rule: Only, url: &str) -> Result<Value, Failure> {
    let scope = Scope::new([Policy::new("app:policy", rule)]);
    let authority = Authority { actor: Some(Arc::new(Actor::new("user:1"))), scope: Some(scope) };
    app.runtime.call_with(Call::new("app:main").arg(url).authority(authority)).await
}
