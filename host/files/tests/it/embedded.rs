//! `fs.embed`: the same files whether they lie in the application's folder or in a pack.

use crate::support::{of_kind, path, read};
use perilune_files::{Access, Directory, Embedded, FileType, Ground, Packed, read_whole};
use perilune_pack::{BLOCK, Content, Pack, Writer};
use perilune_registry::{Entry, EntryId};
use perilune_resource::stream::Whence;
use perilune_resource::{Shared, Stream};
use perilune_value::{Failure, Kind, Value};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// Larger than a block, and without two blocks alike.
fn large() -> Vec<u8> {
    (0..BLOCK as u32).flat_map(u32::to_le_bytes).collect()
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("web/index.html", b"<h1>hello</h1>".to_vec()),
        ("web/img/a.png", vec![1; 10]),
        ("web/img/deep/b.png", vec![2; 10]),
        ("web/large", large()),
        ("web/empty", Vec::new()),
        ("web/.secret", b"hidden".to_vec()),
        ("other/c.html", b"elsewhere".to_vec()),
    ]
}

/// The directory of an `fs.embed` in a folder, and in a pack.
fn both(fields: &[(&str, Value)]) -> (TempDir, [Arc<Directory>; 2]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut writer = Writer::new();
    for (path, bytes) in files() {
        let place = folder.path().join(path);
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        fs::write(place, &bytes).expect("written");
        writer.add(Content::Embedded, path, &bytes).expect("a right path");
    }
    let pack = Pack::read(writer.finish(None).expect("a pack")).expect("an honest pack");
    let packed = Shared::default();
    packed.get_or(|| Packed(Some(pack)));
    let lying = of_kind("fs.embed", Some(folder.path()), &[], fields, Shared::default());
    let packed = of_kind("fs.embed", None, &[], fields, packed);
    let open = |resources: Arc<perilune_resource::Resources>| {
        resources.get::<Directory>("app:files").unwrap_or_else(|failure| panic!("{}", failure.message))
    };
    (folder, [open(lying), open(packed)])
}

async fn refused(directory: &Directory, of: &str, access: Access) -> Failure {
    match directory.open(&path(of), access).await {
        Ok(_) => panic!("{of} is opened"),
        Err(failure) => failure,
    }
}

fn web() -> Vec<(&'static str, Value)> {
    vec![("directory", Value::from("web"))]
}

#[tokio::test]
async fn files_are_read_from_both_alike() {
    let (_folder, both) = both(&web());
    for directory in both {
        directory.ready().await.expect("it is there");
        assert_eq!(read(&directory, "/index.html").await.expect("read"), "<h1>hello</h1>");
        assert_eq!(read(&directory, "img/../empty").await.expect("read"), "");
        let file = directory.open(&path("/large"), Access::Read).await.expect("open");
        let mut bytes = Vec::new();
        while let Some(piece) = file.read(100_000).await.expect("read") {
            bytes.extend(piece);
        }
        assert!(bytes == large(), "a large file");
        assert_eq!(file.read_at(BLOCK as u64 - 4, 8).await.expect("read"), large()[BLOCK - 4..BLOCK + 4]);
        assert_eq!(file.seek(Whence::End, -4).await.expect("there"), large().len() as u64 - 4);
        assert_eq!(file.read(100).await.expect("read").expect("the end"), large()[large().len() - 4..]);
        assert_eq!(file.read(100).await.expect("read"), None);
        assert!(file.seek(Whence::Set, -1).await.is_err());
        assert_eq!(file.stat().size, Some(large().len() as u64));
        file.sync().await.expect("nothing to do");
    }
}

#[tokio::test]
async fn they_list_the_same() {
    let (_folder, both) = both(&web());
    for directory in both {
        for (of, expected) in
            [("/", "empty img/ index.html large"), ("/img", "a.png deep/"), ("/img/deep/", "b.png")]
        {
            let items = directory.list(&path(of), 100).await.expect("listed");
            let shown = items.iter().map(|item| match item.file_type {
                FileType::Directory => format!("{}/", item.name),
                _ => item.name.clone(),
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{of}");
        }
        let failure = directory.list(&path("/"), 3).await.expect_err("too many");
        assert_eq!(failure.kind, Kind::RateLimited);
        assert_eq!(failure.message, "app:files: `/`: it holds more than 3 files");
        assert_eq!(directory.list(&path("/index.html"), 3).await.expect_err("a file").kind, Kind::Invalid);
        assert_eq!(directory.list(&path("/none"), 3).await.expect_err("nothing").kind, Kind::NotFound);
    }
}

#[tokio::test]
async fn they_know_the_same_of_a_file() {
    let (_folder, [lying, packed]) = both(&web());
    for of in ["/", "/img", "/index.html", "/empty"] {
        let (a, b) = (
            lying.metadata(&path(of)).await.expect("there"),
            packed.metadata(&path(of)).await.expect("there"),
        );
        assert_eq!((a.name, a.file_type), (b.name, b.file_type), "{of}");
        if a.file_type == FileType::File {
            assert_eq!(a.size, b.size, "{of}");
            assert!(a.hash.is_none() && b.hash.is_some(), "a pack knows no times, and the hash instead");
        }
    }
}

#[tokio::test]
async fn nothing_else_is_found() {
    let (_folder, both) = both(&web());
    for directory in both {
        for gone in ["/.secret", "/none", "/img/none", "/c.html", "/index.html2"] {
            let failure = refused(&directory, gone, Access::Read).await;
            assert_eq!(failure.kind, Kind::NotFound, "{gone}: {}", failure.message);
            assert_eq!(directory.metadata(&path(gone)).await.expect_err(gone).kind, Kind::NotFound, "{gone}");
        }
        assert_eq!(refused(&directory, "/img", Access::Read).await.kind, Kind::Invalid);
    }
}

#[tokio::test]
async fn nothing_is_written() {
    let (folder, both) = both(&web());
    for directory in both {
        for access in [Access::Write, Access::Create, Access::Append] {
            for of in ["/index.html", "/new"] {
                let failure = refused(&directory, of, access).await;
                assert_eq!(failure.kind, Kind::PermissionDenied, "{}", failure.message);
            }
        }
        for failure in
            [directory.create_directory(&path("/new")).await, directory.remove(&path("/index.html")).await]
        {
            let failure = failure.expect_err("embedded");
            assert_eq!(failure.kind, Kind::PermissionDenied);
            assert!(failure.message.contains("use an `fs.directory`"), "{}", failure.message);
        }
        let file = directory.open(&path("/index.html"), Access::Read).await.expect("open");
        assert_eq!(file.write(b"x".to_vec()).await.expect_err("it is read").kind, Kind::Invalid);
    }
    assert!(!folder.path().join("web/new").exists());
    assert!(folder.path().join("web/index.html").exists());
}

#[tokio::test]
async fn patterns_choose_what_is_shown() {
    let mut fields = web();
    fields.push(("files", Value::from("**/*.png")));
    let (_folder, both) = both(&fields);
    for directory in both {
        assert!(directory.open(&path("/img/deep/b.png"), Access::Read).await.is_ok());
        assert_eq!(refused(&directory, "/index.html", Access::Read).await.kind, Kind::NotFound);
        let items = directory.list(&path("/"), 100).await.expect("listed");
        assert_eq!(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["img"]);
    }
}

#[test]
fn a_file_that_is_too_large_for_a_pack_is_named() {
    let (folder, _) = both(&web());
    let entry =
        Entry::new(EntryId::parse("app:files").expect("an id"), "fs.embed").with_field("directory", "web");
    let found = Embedded::find(&entry, folder.path()).expect("found");
    let large = found.paths().position(|path| path.ends_with("large")).expect("it is there");
    let failure = found.read(large, 1_000).expect_err("too large");
    assert_eq!(failure.kind, Kind::RateLimited);
    assert_eq!(failure.message, "app:files: `large`: it has 1048576 bytes, more than a pack holds");
}

#[cfg(unix)]
#[test]
fn a_file_whose_name_is_no_text_cannot_be_embedded() {
    use std::os::unix::ffi::OsStrExt;
    let (folder, _) = both(&web());
    fs::write(folder.path().join("web/img").join(std::ffi::OsStr::from_bytes(b"a\xff")), "x")
        .expect("written");
    let entry =
        Entry::new(EntryId::parse("app:files").expect("an id"), "fs.embed").with_field("directory", "web");
    let failure = Embedded::find(&entry, folder.path()).map(drop).expect_err("no text");
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(failure.message, "app:files: the name `a\u{fffd}` in `/img` is not UTF-8");
}

#[test]
fn what_a_capability_cannot_stand_for_has_none() {
    let (folder, [embedded, _]) = both(&web());
    let opened = |fields: &[(&str, Value)]| {
        let fields = [&[("directory", Value::from("web"))], fields].concat();
        of_kind("fs.directory", Some(folder.path()), &[], &fields, Shared::default())
            .get::<Directory>("app:files")
            .expect("opened")
    };
    let limits = Value::from_iter([("files", Value::Integer(10))]);
    for (directory, why) in [
        (embedded, "app:files: its files are embedded, and no folder holds them alone"),
        (opened(&[("mode", Value::from("0500"))]), "app:files: its `mode` does not allow that"),
        (
            opened(&[("limits", limits)]),
            "app:files: it has limits, which are not kept where something writes by itself",
        ),
    ] {
        let failure = directory.capability(true).map(drop).expect_err(why);
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::PermissionDenied, why));
    }
    assert!(opened(&[]).capability(true).is_ok());
}

#[test]
fn a_file_of_a_directory_that_is_known_later_is_not_read_before() {
    let entry = Entry::new(EntryId::parse("app:files").expect("an id"), "fs.directory")
        .with_field("directory", "${env:WHERE}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ground = Ground { folder: Some(folder.path()), directories: &[], pack: None };
    let failure = read_whole(&entry, ground, "a", 100).expect_err("not known");
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(failure.message, "app:files: where it lies is known only when it is opened");
}

#[test]
fn a_host_reads_a_file_whole_from_both() {
    let (folder, _) = both(&web());
    let mut writer = Writer::new();
    files()
        .iter()
        .for_each(|(path, bytes)| writer.add(Content::Embedded, path, bytes).expect("a right path"));
    let pack = Pack::read(writer.finish(None).expect("a pack")).expect("an honest pack");
    let id = EntryId::parse("app:files").expect("an id");
    let entry = Entry::new(id, "fs.embed").with_field("directory", "web");
    for ground in [
        Ground { folder: Some(folder.path()), directories: &[], pack: None },
        Ground { folder: None, directories: &[], pack: Some(&pack) },
    ] {
        assert_eq!(read_whole(&entry, ground, "index.html", 100).expect("read"), b"<h1>hello</h1>");
        for (of, kind) in [
            ("none", Kind::NotFound),
            (".secret", Kind::NotFound),
            ("img", Kind::Invalid),
            ("../other/c.html", Kind::Invalid),
        ] {
            assert_eq!(read_whole(&entry, ground, of, 100).expect_err(of).kind, kind, "{of}");
        }
        assert_eq!(read_whole(&entry, ground, "large", 100).expect_err("large").kind, Kind::RateLimited);
    }
}
