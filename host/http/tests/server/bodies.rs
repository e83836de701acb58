//! What functions read of requests.

use crate::support::{Function, Site, function};
use perilune_http::{BodyLimits, Exchange, Form};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;
use std::time::Duration;

const LIMITS: BodyLimits = BodyLimits { most: 1 << 30, timeout: Duration::from_secs(30) };

async fn read(exchange: &Arc<Exchange>, limits: BodyLimits) -> Result<Vec<u8>, Failure> {
    let mut body = exchange.take_body(limits)?;
    let mut whole = Vec::new();
    while let Some(piece) = body.next().await? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

/// Says how many bytes came.
fn counts(limits: BodyLimits) -> Function {
    function("f", move |exchange| async move {
        let body = read(&exchange, limits).await?;
        Ok(Value::from(i64::try_from(body.len()).expect("not so many")))
    })
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n{body}")
}

fn sized(body: &str) -> String {
    post("/a", &format!("Content-Length: {}\r\n", body.len()), body)
}

#[tokio::test]
async fn a_body_comes_whole_however_it_was_sent() {
    let site = Site::plain(&["POST /a f"], [counts(LIMITS)]).await;
    let mut wire = site.connect().await;
    let large = "x".repeat(1 << 20);
    for (request, count) in [
        (sized("hello"), 5),
        (sized(&large), 1 << 20),
        (
            post(
                "/a",
                "Transfer-Encoding: chunked\r\n",
                "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
            ),
            11,
        ),
    ] {
        wire.send(request).await;
        assert_eq!(wire.reply().await.text(), count.to_string());
    }
}

#[tokio::test]
async fn a_body_is_read_once() {
    let f = function("f", |exchange| async move {
        assert_eq!(read(&exchange, LIMITS).await?, b"hello");
        assert_eq!(read(&exchange, LIMITS).await.expect_err("read before").kind, Kind::Invalid);
        Ok(Value::Nil)
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send(sized("hello")).await;
    assert_eq!(wire.reply().await.status, 204);
}

#[tokio::test]
async fn without_a_body_there_is_nothing_to_read() {
    let f = function("f", |exchange| async move {
        assert_eq!(exchange.length(), Some(0));
        assert_eq!(read(&exchange, LIMITS).await.expect_err("no body").kind, Kind::Invalid);
        Ok(Value::Nil)
    });
    assert_eq!(Site::plain(&["GET /a f"], [f]).await.ask("GET", "/a").await.status, 204);
}

#[tokio::test]
async fn the_handler_may_allow_less_than_the_server() {
    let site = Site::plain(&["POST /a f"], [counts(BodyLimits { most: 4, ..LIMITS })]).await;
    for request in
        [sized("hello"), post("/a", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")]
    {
        let mut wire = site.connect().await;
        wire.send(request).await;
        assert_eq!(wire.reply().await.status, 413);
    }
    let mut wire = site.connect().await;
    wire.send(sized("four")).await;
    assert_eq!(wire.reply().await.text(), "4");
}

#[tokio::test]
async fn a_handler_learns_that_a_body_was_too_large() {
    let f = function("f", |exchange| async move {
        let failure = read(&exchange, BodyLimits { most: 4, ..LIMITS }).await.expect_err("too large");
        assert_eq!(failure.kind, Kind::Invalid);
        Ok(Value::from("handled"))
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send(sized("hello")).await;
    assert_eq!(wire.reply().await.text(), "\"handled\"");
}

#[tokio::test]
async fn a_handler_learns_that_a_body_did_not_come() {
    let f = function("f", |exchange| async move {
        let limits = BodyLimits { timeout: Duration::from_millis(10), ..LIMITS };
        let failure = read(&exchange, limits).await.expect_err("it does not come");
        exchange.reply().write(format!("{}: {failure}", failure.kind).as_bytes())?;
        Ok(Value::Nil)
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    // Too large to be read before the function is called.
    wire.send(post("/a", "Content-Length: 1000000\r\n", "a beginning")).await;
    assert_eq!(wire.reply().await.text(), "Internal: the body did not arrive within 10ms");
}

#[tokio::test]
async fn a_stream_gives_the_body_piece_by_piece() {
    let f = function("f", |exchange| async move {
        let stream = exchange.take_body(LIMITS)?.into_stream();
        assert_eq!(
            (stream.stat().size, stream.stat().readable, stream.stat().writable),
            (Some(5), true, false)
        );
        assert_eq!(stream.read(2).await?, Some(b"he".to_vec()));
        assert_eq!(stream.stat().position, 2);
        assert_eq!(stream.read(10).await?, Some(b"llo".to_vec()));
        assert_eq!((stream.read(10).await?, stream.read(10).await?), (None, None));
        assert_eq!(stream.write(Vec::new()).await.expect_err("not writable").kind, Kind::Internal);
        stream.close().await?;
        Ok(Value::Nil)
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send(sized("hello")).await;
    assert_eq!(wire.reply().await.status, 204);
}

#[tokio::test]
async fn questions_about_a_request_are_answered() {
    let f = function("f", |exchange| async move {
        assert_eq!(exchange.method(), "GET");
        assert_eq!((exchange.uri().path(), exchange.host()), ("/a", "example.com:81"));
        assert!(exchange.client().ip().is_loopback());
        assert_eq!(exchange.header("x-MANY").as_deref(), Some(&b"1, 2"[..]));
        assert_eq!((exchange.header("missing"), exchange.header("no name")), (None, None));
        assert_eq!(exchange.header("cookie").as_deref(), Some(&b"a=1; b=2"[..]));
        let query: Vec<_> = exchange.query().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(query, ["a=1", "b=x y", "a=2", "c="]);
        for (wanted, accepted) in [
            ("application/json", true),
            ("APPLICATION/JSON; charset=utf-8", true),
            ("text/html", true),
            ("text/plain", true),
            ("image/png", false),
            ("application/xml", false),
        ] {
            assert_eq!(exchange.accepts(wanted), accepted, "{wanted}");
        }
        Ok(Value::Nil)
    });
    let site = Site::plain(&["GET /a f"], [f]).await;
    let mut wire = site.connect().await;
    let headers = "Host: example.com:81\r\nX-Many: 1\r\nx-many: 2\r\nCookie: a=1\r\nCookie: b=2\r\nAccept: application/json;q=0.9, text/*, image/png;q=0\r\n";
    wire.send(format!("GET /a?a=1&b=x+y&a=2&c HTTP/1.1\r\n{headers}\r\n")).await;
    assert_eq!(wire.reply().await.status, 204);
}

/// A form of parts, each with its headers.
fn form(parts: &[(&str, &str)]) -> String {
    let parts: String = parts
        .iter()
        .map(|(headers, body)| format!("--X\r\nContent-Disposition: form-data; {headers}\r\n\r\n{body}\r\n"))
        .collect();
    let body = format!("{parts}--X--\r\n");
    post(
        "/a",
        &format!("Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {}\r\n", body.len()),
        &body,
    )
}

/// What reading a form with so much memory comes to.
async fn reading(request: String, memory: usize) -> String {
    let f = function("f", move |exchange| async move {
        let body = exchange.take_body(LIMITS)?;
        let said = match Form::read(body, memory).await {
            Err(failure) => format!("{}: {failure}", failure.kind),
            Ok(form) => {
                let mut said: Vec<String> = Vec::new();
                for (name, value) in form.values {
                    said.push(format!("{name}={}", String::from_utf8_lossy(&value)));
                }
                for file in form.files {
                    let stream = file.open();
                    let mut content = Vec::new();
                    while let Some(piece) = stream.read(1_000).await? {
                        content.extend(piece);
                    }
                    assert_eq!((content.len() as u64, stream.stat().size), (file.size(), Some(file.size())));
                    let kind =
                        String::from_utf8_lossy(file.header("content-type").unwrap_or_default()).into_owned();
                    said.push(format!("{}:{}:{kind}:{}", file.field, file.name, content.len()));
                }
                said.join(" ")
            }
        };
        exchange.reply().write(said.as_bytes())?;
        Ok(Value::Nil)
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send(request).await;
    wire.reply().await.text()
}

#[tokio::test]
async fn a_form_has_values_and_files() {
    let large = "y".repeat(300_000);
    let parts = [
        ("name=\"a\"", "1"),
        ("name=\"a\"", "2"),
        ("name=\"f\"; filename=\"small.txt\"\r\nContent-Type: text/plain", "hello"),
        ("name=\"f\"; filename=\"../large\"", large.as_str()),
    ];
    // With and without room for the large one in memory.
    for memory in [1 << 20, 1_000] {
        let said = reading(form(&parts), memory).await;
        assert_eq!(said, "a=1 a=2 f:small.txt:text/plain:5 f:../large::300000");
    }
}

#[tokio::test]
async fn forms_are_bounded() {
    let long = "x".repeat(2_000);
    let said = reading(form(&[("name=\"a\"", &long)]), 1_000).await;
    assert_eq!(said, "Invalid: the fields of the form are larger than the memory allowed for them");

    let many = vec![("name=\"a\"", ""); 1_001];
    let said = reading(form(&many), 1 << 20).await;
    assert!(said.starts_with("Invalid: the form has more than 1000 parts"), "{said}");

    let endless = form(&[(&format!("name=\"{}\"", "n".repeat(500_000)), "")]);
    let said = reading(endless, 1 << 20).await;
    assert_eq!(said, "Invalid: a part of the form does not begin within 65536 bytes");

    let preamble = "p".repeat(500_000);
    let headers =
        format!("Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {}\r\n", preamble.len());
    let said = reading(post("/a", &headers, &preamble), 1 << 20).await;
    assert_eq!(said, "Invalid: a part of the form does not begin within 65536 bytes");
}

/// A part without room in memory lies on the disk: a thousand of them must not take a thousand of the host's descriptors.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_files_of_a_form_lie_in_one() {
    let contents: Vec<String> = (0..900).map(|number| format!("{number:>2000}")).collect();
    let parts: Vec<(&str, &str)> =
        contents.iter().map(|content| ("name=\"f\"; filename=\"\"", content.as_str())).collect();
    let f = function("f", move |exchange| async move {
        // There is room for their names, and for none of them.
        let form = Form::read(exchange.take_body(LIMITS)?, 1_900).await?;
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux tells");
        let unnamed = open.flatten().filter_map(|open| std::fs::read_link(open.path()).ok());
        let unnamed = unnamed.filter(|path| path.to_string_lossy().ends_with(" (deleted)")).count();
        // Other tests have some as well.
        assert!(unnamed < 100, "{unnamed} files are open");
        for (number, file) in form.files.iter().enumerate() {
            let text = file.open().read(4_000).await?.unwrap_or_default();
            assert_eq!(text, format!("{number:>2000}").into_bytes());
        }
        exchange.reply().write(form.files.len().to_string().as_bytes())?;
        Ok(Value::Nil)
    });
    let site = Site::plain(&["POST /a f"], [f]).await;
    let mut wire = site.connect().await;
    wire.send(form(&parts)).await;
    assert_eq!(wire.reply().await.text(), "900");
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let said = reading(sized("hello"), 1_000).await;
    assert!(said.starts_with("Invalid: the body is no form"), "{said}");
    for body in [
        "--X\r\nContent-Disp",
        "--X\r\n\r\nhello",
        "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello",
    ] {
        let headers =
            format!("Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {}\r\n", body.len());
        let said = reading(post("/a", &headers, body), 1_000).await;
        assert!(said.starts_with("Internal: the form is malformed"), "{body}: {said}");
    }
}
