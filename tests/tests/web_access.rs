//! Middleware that says who asks and who may: `token_auth`, `endpoint_firewall`, `resource_firewall`; and `sendfile`.

use perilune::{Actor, Call, HttpService, Value};
use perilune_tests::App;
use perilune_tests::web::{Answer, Wire};
use std::net::SocketAddr;

const ENTRIES: &str = "
version: '1.0'
namespace: app
entries:
  - {name: web, kind: http.service, addr: '127.0.0.1:0', lifecycle: {auto_start: true}}
  - name: api
    kind: http.router
    meta: {server: web}
    prefix: /api
    middleware: [token_auth]
    options: {token_auth.store: tokens}
    post_middleware: [endpoint_firewall]
  - name: admin
    kind: http.router
    meta: {server: web}
    prefix: /admin
    middleware: [token_auth]
    options: {token_auth.store: tokens, token_auth.header.name: X-Token, token_auth.header.prefix: Key, token_auth.query.param: k, token_auth.cookie.name: c}
    post_middleware: [resource_firewall]
    post_options: {resource_firewall.action: enter, resource_firewall.target: 'admin:area'}
  - name: open
    kind: http.router
    meta: {server: web}
    prefix: /open
    middleware: [token_auth, sendfile]
    options: {token_auth.store: tokens, sendfile.fs: files}
  - {name: read, kind: http.endpoint, meta: {router: api}, method: GET, path: /read, func: who}
  - {name: write, kind: http.endpoint, meta: {router: api}, method: GET, path: /write, func: who}
  - {name: enter, kind: http.endpoint, meta: {router: admin}, method: GET, path: /, func: who}
  - {name: anybody, kind: http.endpoint, meta: {router: open}, method: GET, path: /who, func: who}
  - {name: file, kind: http.endpoint, meta: {router: open}, method: GET, path: /file, func: download}
  - {name: files, kind: fs.directory, directory: files}
  - {name: kv, kind: store.memory}
  - {name: tokens, kind: security.token_store, store: kv, token_key: a secret of the tests}
  - {name: reads, kind: security.policy, policy: {actions: access, resources: 'app:read', effect: allow}}
  - {name: enters, kind: security.policy, policy: {actions: enter, resources: 'admin:*', effect: allow}}
  - {name: makes, kind: security.policy, policy: {actions: '*', resources: '*', effect: allow}}
  - {name: nobody, kind: security.policy, policy: {actions: access, resources: 'app:read', effect: deny, conditions: [{field: actor.id, operator: eq, value: 'user:mallory'}]}}
  - {name: who, kind: function.lua, source: 'file://who.lua', method: main, modules: [http, security]}
  - {name: make, kind: function.lua, source: 'file://make.lua', method: main, modules: [security]}
  - {name: download, kind: function.lua, source: 'file://download.lua', method: main, modules: [http]}
";

const WHO: &str = "
local security = require('security')
return function()
    local actor = security.actor()
    return actor and actor:id() or 'nobody'
end
";

const MAKE: &str = "
local security = require('security')
return function(actor, policies)
    return security.token_store('app:tokens'):create(security.new_actor(actor), security.new_scope(policies))
end
";

const DOWNLOAD: &str = "
local http = require('http')
return function()
    local req, res = http.request(), http.response()
    res:set_header('X-Sendfile', req:query('path'))
    if req:query('name') then res:set_header('X-File-Name', req:query('name')) end
    res:set_header('X-Kept', 'yes')
    if req:query('status') then res:set_status(tonumber(req:query('status'))) end
    res:write('instead of the file')
end
";

struct Site {
    app: App,
    address: SocketAddr,
}

impl Site {
    async fn new() -> Site {
        let app = App::new(&[
            ("app.yaml", ENTRIES),
            ("who.lua", WHO),
            ("make.lua", MAKE),
            ("download.lua", DOWNLOAD),
            ("files/report.txt", "0123456789"),
            ("files/page.html", "<b>hi</b>"),
        ]);
        app.runtime.start().await.expect("the services start");
        let service = app.runtime.resource::<HttpService>("app:web").expect("the server");
        let address = service.local_addr().expect("a server that runs has an address");
        Site { app, address }
    }

    /// A token for an actor under these policies.
    async fn token(&self, actor: &str, policies: &[&str]) -> String {
        let authority =
            self.app.runtime.authority(Actor::new("maker"), &["app:makes"], &[]).expect("it is there");
        let policies = policies.iter().map(|policy| Value::from(*policy)).collect::<Vec<_>>();
        let call = Call::new("app:make").arg(actor).arg(Value::Array(policies)).authority(authority);
        let token = self.app.runtime.call_with(call).await.expect("it is made");
        token.as_str().expect("a text").to_owned()
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        let mut wire = Wire::connect(self.address).await;
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).await;
        wire.answer().await
    }

    async fn status(&self, path: &str, headers: &str) -> u16 {
        self.get(path, headers).await.status
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn a_firewall_asks_the_policies_about_its_endpoint() {
    let site = Site::new().await;
    let (ann, bob) =
        (site.token("user:ann", &["app:reads"]).await, site.token("user:bob", &["app:enters"]).await);
    let mallory = site.token("user:mallory", &["app:reads", "app:nobody"]).await;
    for (path, headers, status) in [
        ("/api/read", String::new(), 401),
        ("/api/read", bearer("nonsense"), 401),
        ("/api/read", bearer(&ann), 200),
        ("/api/write", bearer(&ann), 403),
        ("/api/read", bearer(&bob), 403),
        ("/api/read", bearer(&mallory), 403),
    ] {
        assert_eq!(site.status(path, &headers).await, status, "{path} {headers}");
    }
    assert_eq!(site.get("/api/read", &bearer(&ann)).await.text(), "\"user:ann\"");
}

#[tokio::test]
async fn a_firewall_asks_the_policies_about_what_its_router_names() {
    let site = Site::new().await;
    let (ann, bob) =
        (site.token("user:ann", &["app:reads"]).await, site.token("user:bob", &["app:enters"]).await);
    for (path, headers, status) in [
        ("/admin/".to_owned(), format!("X-Token: Key {ann}\r\n"), 403),
        ("/admin/".to_owned(), format!("X-Token: key {bob}\r\n"), 200),
        ("/admin/".to_owned(), format!("X-Token: Bearer {bob}\r\n"), 401),
        ("/admin/".to_owned(), format!("X-Token: Key{bob}\r\n"), 401),
        ("/admin/".to_owned(), bearer(&bob), 401),
        (format!("/admin/?k={bob}"), String::new(), 200),
        (format!("/admin/?x-auth-token={bob}"), String::new(), 401),
        ("/admin/".to_owned(), format!("Cookie: a=1; c={bob}\r\n"), 200),
        ("/admin/".to_owned(), format!("Cookie: c=wrong; c={bob}\r\n"), 401),
    ] {
        assert_eq!(site.status(&path, &headers).await, status, "{path} {headers}");
    }
}

#[tokio::test]
async fn a_token_says_who_asks_and_blocks_nobody() {
    let site = Site::new().await;
    let ann = site.token("user:ann", &["app:reads"]).await;
    for (headers, who) in [
        (bearer(&ann), "user:ann"),
        (bearer(&format!("{ann}x")), "nobody"),
        (bearer(&"x".repeat(10_000)), "nobody"),
        ("Authorization: Bearer\r\n".to_owned(), "nobody"),
        ("Authorization: Basic YTpi\r\n".to_owned(), "nobody"),
        (String::new(), "nobody"),
        (format!("Cookie: x-auth-token={ann}\r\n"), "user:ann"),
    ] {
        assert_eq!(site.get("/open/who", &headers).await.text(), format!("\"{who}\""), "{headers}");
    }
}

#[tokio::test]
async fn a_handler_sends_a_file() {
    let site = Site::new().await;
    let answer = site.get("/open/file?path=report.txt&name=Q%22%C3%BC.txt", "").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"Q__.txt\"; filename*=UTF-8''Q%22%C3%BC.txt"
    );
    assert_eq!(
        (answer.header("x-kept"), answer.header("x-sendfile"), answer.header("x-file-name")),
        ("yes", "", "")
    );
    assert!(answer.header("content-type").starts_with("text/plain"));
    let part = site.get("/open/file?path=/report.txt", "Range: bytes=2-4\r\n").await;
    assert_eq!(
        (part.status, part.text().as_str(), part.header("content-range")),
        (206, "234", "bytes 2-4/10")
    );
    let known = format!("If-None-Match: {}\r\n", answer.header("etag"));
    assert_eq!(site.status("/open/file?path=report.txt", &known).await, 304);
}

#[tokio::test]
async fn a_handler_sends_no_file_that_is_not_in_its_directory() {
    let site = Site::new().await;
    for path in ["missing.txt", "../app.yaml", "/../app.yaml", "", "."] {
        let answer = site.get(&format!("/open/file?path={path}"), "").await;
        assert_eq!((answer.status, answer.header("x-sendfile")), (404, ""), "{path}: {}", answer.text());
    }
    // An answer that is no success stays what it is.
    let answer = site.get("/open/file?path=report.txt&status=403", "").await;
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("x-sendfile")),
        (403, "instead of the file", "")
    );
}
