//! Static directories.

use crate::support::{Site, endpoint, problems, says};
use perilune_files::Packed;
use perilune_pack::{Content, Pack, Writer};
use perilune_resource::Shared;
use std::fs;

/// A site with files at `/`, an API beside it, and an application in the browser at `/app`.
async fn site() -> Site {
    let line = |line: &str| line.to_owned();
    let lines = [
        line("{name: web, kind: http.service, addr: '127.0.0.1:0'}"),
        line("{name: api, kind: http.router, meta: {server: web}, prefix: /api}"),
        endpoint("GET", "/a", "f"),
        line("{name: public, kind: fs.directory, directory: ./public}"),
        line(
            "{name: pages, kind: http.static, meta: {server: web}, path: /, fs: public, static_options: {cache: 'max-age=60'}}",
        ),
        line("{name: docs, kind: http.static, server: web, path: /docs, fs: public}"),
        line(
            "{name: spa, kind: http.static, server: web, path: /app, fs: public, static_options: {spa: true, index: index.html}}",
        ),
    ];
    let site = Site::of(&lines, [says("f")]).await.expect("it starts");
    let public = site.folder.path().join("public");
    fs::create_dir_all(public.join("sub")).expect("a folder");
    fs::create_dir_all(public.join("app")).expect("a folder");
    fs::create_dir_all(public.join(".well-known")).expect("a folder");
    for (name, content) in [
        ("index.html", "index"),
        ("a.txt", "hello world"),
        ("sub/index.html", "sub index"),
        ("app/main.js", "main"),
        (".secret", "secret"),
        (".well-known/known", "known"),
        ("empty.css", ""),
    ] {
        fs::write(public.join(name), content).expect("a file");
    }
    fs::write(public.join("large.bin"), large()).expect("a file");
    fs::write(site.folder.path().join("outside.txt"), "outside").expect("a file");
    std::os::unix::fs::symlink("../outside.txt", public.join("out.txt")).expect("a link");
    std::os::unix::fs::symlink("a.txt", public.join("in.txt")).expect("a link");
    site
}

/// More than is read at once.
fn large() -> Vec<u8> {
    (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn files_are_found_by_their_path() {
    let site = site().await;
    for (path, content) in [
        ("/", "index"),
        ("/index.html", "index"),
        ("/a.txt", "hello world"),
        ("/a%2Etxt?query", "hello world"),
        ("/sub/", "sub index"),
        ("/docs/a.txt", "hello world"),
        ("/docs", "index"),
        ("/in.txt", "hello world"),
        ("/.well-known/known", "known"),
        ("/empty.css", ""),
        ("/api/a", "\"f\""),
        ("/app/main.js", "main"),
        ("/app/any/page", "index"),
        ("/app", "index"),
    ] {
        assert_eq!(site.get(path).await, (200, content.to_owned()), "{path}");
    }
    // The prefix of a router is the router's, also where it has no endpoint.
    for path in ["/nothing", "/api/nothing", "/docsa.txt", "/apples"] {
        assert_eq!(site.get(path).await.0, 404, "{path}");
    }
    let below = site.ask("GET", "/sub").await;
    assert_eq!((below.status, below.header("location")), (308, "/sub/"));
}

#[tokio::test]
async fn no_path_leads_out_or_to_what_is_hidden() {
    let site = site().await;
    for path in [
        "/../outside.txt",
        "/sub/../a.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/%2e%2e%2foutside.txt",
        "/sub/..%5c..%5coutside.txt",
        "//outside.txt",
        "//evil.example/sub",
        "/./a.txt",
        "/a.txt%00.html",
        "/a.txt%0a",
        "/out.txt",
        "/.secret",
        "/sub/.hidden",
        "/%2esecret",
        "/.git/config",
        "/%ff",
        // The same, encoded twice, too long, or in other slashes.
        "/%252e%252e/outside.txt",
        "/%c0%ae%c0%ae/outside.txt",
        "/%e0%80%ae%e0%80%ae/outside.txt",
        "/..%c0%afoutside.txt",
        "/....//outside.txt",
        "/sub/%2e%2e/%2e%2e/outside.txt",
        "/sub%00/../a.txt",
        "/%00",
        "/sub/nothing/a.txt",
        "/a.txt/",
        "/a.txt/b",
    ] {
        assert_eq!(site.get(path).await.0, 404, "{path}");
    }
    assert_eq!(site.get(&format!("/{}", "x".repeat(5_000))).await.0, 404);
}

#[tokio::test]
async fn a_file_comes_with_what_caches_need() {
    let site = site().await;
    let reply = site.ask("GET", "/a.txt").await;
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(
        (reply.header("cache-control"), reply.header("x-content-type-options")),
        ("max-age=60", "nosniff")
    );
    let (tag, date) = (reply.header("etag"), reply.header("last-modified"));
    for (header, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: \"x\", W/{tag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"x\"".to_owned(), 200),
        (format!("If-Modified-Since: {date}"), 304),
        ("If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        ("If-Modified-Since: nonsense".to_owned(), 200),
        // The tag says more than the date.
        (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {date}"), 200),
    ] {
        let reply = site.ask_with("GET", "/a.txt", &format!("{header}\r\n")).await;
        assert_eq!((reply.status, reply.header("etag")), (status, tag), "{header}");
        assert_eq!(reply.text(), if status == 200 { "hello world" } else { "" });
    }
    let head = site.ask("HEAD", "/a.txt").await;
    assert_eq!((head.status, head.header("content-length"), head.header("etag")), (200, "11", tag));
    fs::write(site.folder.path().join("public/a.txt"), "changed").expect("a file");
    assert_ne!(site.ask("GET", "/a.txt").await.header("etag"), tag);
}

#[tokio::test]
async fn a_part_of_a_file_can_be_had() {
    let site = site().await;
    let tag = site.ask("GET", "/a.txt").await.header("etag").to_owned();
    for (range, status, content, shown) in [
        ("bytes=0-4", 206, "hello", "bytes 0-4/11"),
        ("bytes=6-", 206, "world", "bytes 6-10/11"),
        ("bytes=-5", 206, "world", "bytes 6-10/11"),
        ("bytes=0-99", 206, "hello world", "bytes 0-10/11"),
        ("bytes=-99", 206, "hello world", "bytes 0-10/11"),
        ("bytes=10-18446744073709551615", 206, "d", "bytes 10-10/11"),
        ("bytes=11-", 416, "", "bytes */11"),
        ("bytes=-0", 416, "", "bytes */11"),
        ("bytes=4-2", 200, "hello world", ""),
        ("bytes=0-1,3-4", 200, "hello world", ""),
        ("bytes=a-b", 200, "hello world", ""),
        ("bytes=-", 200, "hello world", ""),
        ("lines=0-1", 200, "hello world", ""),
    ] {
        let reply = site.ask_with("GET", "/a.txt", &format!("Range: {range}\r\n")).await;
        assert_eq!(
            (reply.status, reply.text().as_str(), reply.header("content-range")),
            (status, content, shown),
            "{range}"
        );
    }
    for (condition, status) in [(tag.as_str(), 206), ("\"x\"", 200), ("Thu, 01 Jan 1970 00:00:00 GMT", 200)] {
        let headers = format!("Range: bytes=0-4\r\nIf-Range: {condition}\r\n");
        assert_eq!(site.ask_with("GET", "/a.txt", &headers).await.status, status, "{condition}");
    }
}

#[tokio::test]
async fn a_large_file_comes_whole_and_in_parts() {
    let site = site().await;
    let reply = site.ask("GET", "/large.bin").await;
    assert_eq!(
        (reply.header("content-length"), reply.header("content-type")),
        ("4000000", "application/octet-stream")
    );
    assert!(reply.body == large());
    let part = site.ask_with("GET", "/large.bin", "Range: bytes=1000000-2999999\r\n").await;
    assert!(part.body == large()[1_000_000..3_000_000]);
}

#[tokio::test]
async fn files_are_read_and_not_written() {
    let site = site().await;
    for method in ["POST", "PUT", "DELETE"] {
        let reply = site.ask(method, "/a.txt").await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD, OPTIONS"));
    }
    assert_eq!(site.ask("OPTIONS", "/a.txt").await.status, 204);
}

#[test]
fn what_is_wrong_with_a_static_directory_is_said_at_load() {
    let server = "{name: web, kind: http.service, addr: ':0'}";
    let public = "{name: public, kind: fs.directory, directory: ./public}";
    for (fields, said) in [
        ("path: /, fs: web", "is of kind `http.service`"),
        ("path: '/{a}', fs: public", "a prefix has no open segments"),
        ("path: /, fs: public, static_options: {spa: true}", "field `static_options.index`: it is missing"),
        ("path: /, fs: public, options: {spa: true}", "field `static_options.index`: it is missing"),
        ("path: /, fs: public, static_options: {cache: \"a\\nb\"}", "no header can hold it"),
    ] {
        let problems =
            problems(&[server, public, &format!("{{name: s, kind: http.static, server: web, {fields}}}")]);
        assert!(problems.contains(said), "{fields}: {problems}");
    }
}

/// A site that shows the file of a pack.
async fn packed(content: &[u8]) -> Site {
    let mut writer = Writer::new();
    writer.add(Content::Embedded, "public/a.txt", content).expect("a right path");
    let pack = Pack::read(writer.finish(None).expect("a pack")).expect("an honest pack");
    let shared = Shared::default();
    shared.get_or(|| Packed(Some(pack)));
    let lines = [
        "{name: web, kind: http.service, addr: '127.0.0.1:0'}",
        "{name: public, kind: fs.embed, directory: public}",
        "{name: pages, kind: http.static, meta: {server: web}, path: /, fs: public}",
    ];
    Site::within(&lines.map(str::to_owned), [says("f")], shared).await.expect("it starts")
}

#[tokio::test]
async fn files_of_a_pack_are_told_apart_by_their_content() {
    let (old, new) = (packed(b"hello world").await, packed(b"hello there").await);
    let first = old.ask("GET", "/a.txt").await;
    assert_eq!((first.status, first.text().as_str()), (200, "hello world"));
    // A time that never changes would keep copies of what was there before.
    assert_eq!(first.header("last-modified"), "");
    let since = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    assert_eq!(new.ask_with("GET", "/a.txt", since).await.text(), "hello there");
    let known = format!("If-None-Match: {}\r\n", first.header("etag"));
    assert_eq!(old.ask_with("GET", "/a.txt", &known).await.status, 304);
    assert_eq!(new.ask_with("GET", "/a.txt", &known).await.text(), "hello there");
    let range = format!("Range: bytes=6-\r\nIf-Range: {}\r\n", first.header("etag"));
    let part = old.ask_with("GET", "/a.txt", &range).await;
    assert_eq!((part.status, part.text().as_str()), (206, "world"));
    assert_eq!(new.ask_with("GET", "/a.txt", &range).await.text(), "hello there");
    assert_eq!(old.get("/none.txt").await.0, 404);
}
