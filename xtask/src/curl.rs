//! The part of `curl` that pages use, so that they run where there is none.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::transcript::Outcome;

/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may take to listen.
const STARTING: Duration = Duration::from_secs(20);

/// Sends a request: `[-s] [--path-as-is] [-w ' %{http_code}\n'] [-X METHOD] [-H HEADER]… [-d BODY] URL`.
///
/// # Errors
///
/// When an option is another one, or no answer comes.
pub fn run(args: &[String]) -> anyhow::Result<Outcome> {
    let (mut method, mut url, mut headers, mut body) = (None, None, Vec::new(), None);
    let mut after = String::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().with_context(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            // Paths are always sent as they are, and nothing but the body is shown.
            "-s" | "--path-as-is" => {}
            "-w" => after = value()?.replace("\\n", "\n"),
            "-X" => method = Some(value()?),
            "-H" => headers.push(value()?),
            "-d" => body = Some(value()?),
            other if other.starts_with('-') => bail!("pages use no option `{other}` of curl"),
            _ => url = Some(arg.clone()),
        }
    }
    let url = url.context("curl needs a URL")?;
    let rest = url.strip_prefix("http://").with_context(|| format!("`{url}` is no http:// URL"))?;
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
    let body = body.unwrap_or_default();
    // With version 1.0 the answer ends where the connection does.
    let mut request =
        format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|header| request.extend([header, "\r\n"]));
    request.extend(["\r\n", &body]);

    let mut stream = connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no head")?;
    let code = head.split(' ').nth(1).context("the answer has no status")?;
    let shown = format!("{body}{}", after.replace("%{http_code}", code));
    Ok(Outcome::new(0, shown.lines().map(str::to_owned)))
}

/// Connects to a server, which may have been started a moment ago.
fn connect(host: &str) -> anyhow::Result<TcpStream> {
    let begun = Instant::now();
    loop {
        match TcpStream::connect(host) {
            Err(_) if begun.elapsed() < STARTING => thread::yield_now(),
            connected => return connected.with_context(|| format!("cannot connect to {host}")),
        }
    }
}
