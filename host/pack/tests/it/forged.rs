//! Packs made to lie: header and hash are right, and something else is not. Each lie has its own message.

use crate::support::{Lie, index, sealed, with_header};
use insta::assert_snapshot;
use perilune_pack::{Content, Limits, Pack, PackError, Writer};
use sha2::{Digest, Sha256};

fn refused(pack: Vec<u8>) -> String {
    let error = Pack::read(pack).expect_err("a pack that lies");
    format!("{}: {error}", error.code())
}

/// One file, of which something is not as it is.
fn one(change: impl FnOnce(&mut Lie)) -> Vec<u8> {
    let mut file = Lie::honest(1, "app.yaml", b"namespace: app\nentries: []");
    change(&mut file);
    sealed(&index(&[file]), b"namespace: app\nentries: []")
}

fn two(first: (u8, &str), second: (u8, &str)) -> Vec<u8> {
    let file = |(content, path)| Lie::honest(content, path, b"x");
    sealed(&index(&[file(first), file(second)]), b"xx")
}

#[test]
fn an_honest_one_is_read() {
    assert!(Pack::read(one(|_| ())).is_ok());
    assert!(Pack::read(two((1, "a"), (1, "b"))).is_ok());
    assert!(Pack::read(sealed(&index(&[]), b"")).is_ok());
}

#[test]
fn headers() {
    let empty = index(&[]);
    let said = |version, flags, index: u64, contents: u64| {
        refused(with_header(version, flags, index, contents, &empty, b""))
    };
    let length = empty.len() as u64;
    let lies = [
        ("something else", refused(b"#!/bin/sh\necho".to_vec())),
        ("nothing", refused(Vec::new())),
        ("a mark that was transferred as text", refused(b"\x89PLPK\n\x1a\0\0\0\0\0".to_vec())),
        ("a newer version", said(2, 0, length, 0)),
        ("the newest version", said(u32::MAX, 0, length, 0)),
        ("version 0", said(0, 0, length, 0)),
        ("an unknown flag", said(1, 6, length, 0)),
        ("signed without a signature", said(1, 1, length, 0)),
        ("an index of 4 GiB", said(1, 0, 1 << 32, 0)),
        ("contents of 4 GiB", said(1, 0, length, 1 << 32)),
        ("lengths beyond all numbers", said(1, 0, u64::MAX, u64::MAX)),
        ("an index that is shorter", said(1, 0, length - 1, 0)),
    ];
    assert_snapshot!(listed(&lies));
}

#[test]
fn numbers() {
    let mut many_files = 0_u32.to_le_bytes().to_vec();
    many_files.extend(u32::MAX.to_le_bytes());
    let mut many_descriptions = u32::MAX.to_le_bytes().to_vec();
    many_descriptions.extend(0_u32.to_le_bytes());
    let mut followed = index(&[]);
    followed.push(7);
    // The path of the first takes the room of the second.
    let mut cut = index(&[Lie::honest(1, &"a".repeat(43), b"x")]);
    cut[4] = 2;
    let lies = [
        ("4 billion files", refused(sealed(&many_files, b""))),
        ("4 billion descriptions", refused(sealed(&many_descriptions, b""))),
        ("no index", refused(sealed(b"", b""))),
        ("half a number", refused(sealed(&[0, 0, 0, 0, 1, 0], b""))),
        ("bytes after the last file", refused(sealed(&followed, b""))),
        ("a file that is not there", refused(sealed(&cut, b"x"))),
        ("an unknown kind of content", refused(one(|file| file.content = 9))),
        ("a size of 4 GiB", refused(one(|file| file.size = 1 << 32))),
        ("a size beyond all numbers", refused(one(|file| file.size = u64::MAX))),
        ("a size of 1 GiB in one block", refused(one(|file| file.size = 1 << 30))),
        ("a size that is too small", refused(one(|file| file.size = 1))),
        ("a size that is too large", refused(one(|file| file.size += 1))),
        ("a block of no bytes", refused(one(|file| file.blocks = vec![0]))),
        ("a block of 4 GiB", refused(one(|file| file.blocks = vec![u32::MAX]))),
        ("a block that is missing", refused(one(|file| file.blocks.clear()))),
        ("a block too many", refused(one(|file| file.blocks.push(1)))),
        ("another hash", refused(one(|file| file.hash[0] ^= 1))),
        ("contents of nobody", refused(sealed(&index(&[Lie::honest(1, "a", b"x")]), b"xy"))),
        ("contents that end early", refused(sealed(&index(&[Lie::honest(1, "a", b"xyz")]), b"xy"))),
        ("a file twice the limit", {
            let limits = Limits { contents: 10, ..Limits::default() };
            Pack::read_within(one(|_| ()), &limits).expect_err("it is too large").to_string()
        }),
        ("more files than allowed", {
            let limits = Limits { files: 1, ..Limits::default() };
            Pack::read_within(two((1, "a"), (1, "b")), &limits).expect_err("too many files").to_string()
        }),
    ];
    assert_snapshot!(listed(&lies));
}

/// An index of these descriptions and no file, each text behind its length.
fn described(texts: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = (texts.len() as u32).to_le_bytes().to_vec();
    for text in texts.iter().flat_map(|(key, text)| [key, text]) {
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(0_u32.to_le_bytes());
    bytes
}

#[test]
fn descriptions() {
    let cut = |length: u8, bytes: &[u8]| sealed(&[&[1, 0, 0, 0, length, 0], bytes].concat(), b"");
    let lies = [
        ("a key that is cut off", refused(cut(9, b"ab"))),
        ("a key that is no text", refused(cut(2, b"\xff\xff\0\0"))),
        ("a text that is cut off", refused(cut(2, b"ab\x09\0c"))),
        ("unsorted", refused(sealed(&described(&[("b", "1"), ("a", "2")]), b""))),
        ("twice", refused(sealed(&described(&[("a", "1"), ("a", "2")]), b""))),
    ];
    assert_snapshot!(listed(&lies), @r"
    a key that is cut off
      P008: its index is wrong at byte 70: the key of a description takes 9 bytes, and 2 are left; make the pack again
    a key that is no text
      P008: its index is wrong at byte 72: the key of a description is not UTF-8; make the pack again
    a text that is cut off
      P008: its index is wrong at byte 74: the text of a description takes 9 bytes, and 1 are left; make the pack again
    unsorted
      P008: its index is wrong at byte 80: the description `a` is not in its place; make the pack again
    twice
      P008: its index is wrong at byte 80: the description `a` is not in its place; make the pack again
    ");
    assert!(Pack::read(sealed(&described(&[("a", "1"), ("b", "2")]), b"")).is_ok());
}

#[test]
fn orders_and_doubles() {
    let lies = [
        ("unsorted", refused(two((1, "b"), (1, "a")))),
        ("unsorted kinds", refused(two((2, "a"), (1, "b")))),
        ("twice", refused(two((1, "a.yaml"), (1, "a.yaml")))),
        ("twice but for its case", refused(two((3, "Logo.png"), (3, "logo.png")))),
        ("twice but for the case of other letters", refused(two((3, "Äpfel"), (3, "äpfel")))),
        ("a file that is a folder", refused(two((3, "a"), (3, "a/b")))),
        ("a file that is a folder but for its case", refused(two((3, "A"), (3, "a/b")))),
    ];
    assert_snapshot!(listed(&lies));
    assert!(
        Pack::read(two((1, "a.yaml"), (3, "A.yaml"))).is_ok(),
        "kinds of contents are apart from each other"
    );
}

const BAD_PATHS: [&str; 17] = [
    "",
    "/etc/passwd",
    "../secret",
    "a/../../secret",
    "a/..",
    "./a",
    "a//b",
    "a/",
    "C:\\boot.ini",
    "c:boot.ini",
    "a\\..\\b",
    "\\\\server\\share",
    "a\0.yaml",
    "a\n.yaml",
    "\u{1b}[2J",
    "a\u{7f}",
    "..",
];

#[test]
fn paths() {
    let mut lies: Vec<(&str, String)> = BAD_PATHS
        .iter()
        .map(|path| (*path, refused(one(|file| file.path = path.as_bytes().to_vec()))))
        .collect();
    let long = "x/".repeat(600) + "x";
    lies.push(("a long path", refused(one(|file| file.path = long.clone().into_bytes()))));
    lies.push(("a long name", refused(one(|file| file.path = vec![b'x'; 256]))));
    lies.push(("no UTF-8", refused(one(|file| file.path = b"a\xff".to_vec()))));
    let shown = lies.iter().map(|(path, error)| (path.escape_debug().to_string(), error.clone()));
    let shown: Vec<(String, String)> = shown.collect();
    let shown: Vec<(&str, String)> =
        shown.iter().map(|(path, error)| (path.as_str(), error.clone())).collect();
    assert_snapshot!(listed(&shown));
}

#[test]
fn a_writer_takes_no_more_than_a_reader_would() {
    let mut writer = Writer::new();
    let long = writer.describe("author", &"x".repeat(1 << 16)).expect_err("a long text");
    for number in 0..Limits::default().files {
        writer.add(Content::Embedded, &number.to_string(), b"").expect("there is room");
    }
    let many = writer.add(Content::Embedded, "more", b"").expect_err("too many files");
    let refusals = [long, many].map(|error| format!("{}: {error}", error.code()));
    assert_snapshot!(refusals.join("\n"), @r"
    P007: the description `author` has 65536 bytes, more than the 65535 allowed: shorten it
    P007: it would hold more than 100000 files: leave out those that the application does not need
    ");
}

#[test]
fn a_writer_takes_no_path_that_a_reader_would_refuse() {
    for path in BAD_PATHS {
        let error = Writer::new().add(Content::Embedded, path, b"").expect_err(path);
        assert!(matches!(error, PackError::Path { .. }), "{path:?}: {error}");
    }
    let mut writer = Writer::new();
    writer.add(Content::Embedded, "a", b"").expect("a right path");
    assert_eq!(writer.add(Content::Embedded, "a", b"").expect_err("twice").code(), "P010");
    writer.add(Content::Embedded, "A", b"").expect("a right path");
    assert_eq!(writer.finish(None).expect_err("doubles").code(), "P011");
}

/// A file in one block of these bytes that says that it has so many.
fn packed(bytes: &[u8], size: u64) -> String {
    let file = Lie {
        content: 3,
        path: b"bomb".to_vec(),
        size,
        hash: Sha256::digest(bytes).into(),
        blocks: vec![bytes.len() as u32],
    };
    refused(sealed(&index(&[file]), bytes))
}

#[test]
fn compressed_blocks() {
    let compressed = |length: usize| zstd::bulk::compress(&vec![0; length], 9).expect("zeros");
    let mut streamed = zstd::bulk::compress(&[1, 2, 3], 1).expect("a frame");
    // A frame that says of itself that it has 3 GiB.
    streamed[4] = 0xff;
    let lies = [
        ("a bomb of 64 MiB that says it has 1 KiB", packed(&compressed(64 << 20), 250_000)),
        ("a bomb of 1 KiB more", packed(&compressed(101 << 10), 100 << 10)),
        ("less than it says", packed(&compressed(99 << 10), 100 << 10)),
        ("no frame", packed(b"no zstd at all", 1000)),
        ("half a frame", packed(&compressed(1 << 17)[..10], 1 << 17)),
        ("a frame that lies", packed(&streamed, 1000)),
        ("a frame, and more", packed(&[compressed(1 << 17), b"more".to_vec()].concat(), 1 << 17)),
        ("another content", {
            let bytes = compressed(1 << 17);
            packed(&bytes, 1 << 17)
        }),
    ];
    assert_snapshot!(listed(&lies));
}

fn listed(lies: &[(&str, String)]) -> String {
    lies.iter().map(|(lie, message)| format!("{lie}\n  {message}\n")).collect()
}
