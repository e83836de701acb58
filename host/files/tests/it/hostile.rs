//! Nothing outside of the directory is reached, whatever lies inside of it.
#![cfg(unix)]

use crate::support::{CANARY, Place, path};
use perilune_files::{Access, Directory, FileType, VirtualPath};
use perilune_resource::Stream;
use perilune_value::{Failure, Kind};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// A directory full of links that lead out, and some that do not.
fn trap() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.inside("dir/deep")).expect("made");
    fs::write(place.inside("dir/in.txt"), "inside").expect("written");
    place.link("../outside", "out");
    place.link(place.outside(""), "absolute");
    place.link("../outside/secret.txt", "file");
    place.link("hop", "chain");
    place.link("dir/deep/hop", "hop");
    place.link("../../../outside", "dir/deep/hop");
    place.link("loop", "loop");
    place.link("pong", "ping");
    place.link("ping", "pong");
    place.link("/proc/self/root", "proc");
    place.link("/proc/self/cwd", "cwd");
    place.link("/", "slash");
    place.link("..", "up");
    place.link("../inside", "back");
    place.link("../outside/new.txt", "dangling");
    place.link("dir", "fine");
    place.link("dir/in.txt", "fine.txt");
    place
}

#[tokio::test]
async fn links_lead_within_the_directory_or_nowhere() {
    let place = trap();
    for (text, kind) in [
        ("file", Kind::PermissionDenied),
        ("out/secret.txt", Kind::PermissionDenied),
        ("absolute/secret.txt", Kind::PermissionDenied),
        ("chain/secret.txt", Kind::PermissionDenied),
        ("dir/deep/hop/secret.txt", Kind::PermissionDenied),
        ("proc/etc/passwd", Kind::PermissionDenied),
        ("cwd/Cargo.toml", Kind::PermissionDenied),
        ("slash/etc/passwd", Kind::PermissionDenied),
        ("up/outside/secret.txt", Kind::PermissionDenied),
        ("up/inside/dir/in.txt", Kind::PermissionDenied),
        ("back/dir/in.txt", Kind::PermissionDenied),
        ("dangling", Kind::PermissionDenied),
        ("loop", Kind::Invalid),
        ("ping", Kind::Invalid),
        ("ping/x", Kind::Invalid),
        ("dir/../../outside/secret.txt", Kind::Invalid),
    ] {
        let failure = place.read(text).await.expect_err(text);
        assert_eq!(failure.kind, kind, "read {text}: {failure}");
        let written = place.write(text, Access::Write, "x").await.expect_err(text);
        assert_eq!(written.kind, kind, "write {text}: {written}");
    }
    for text in ["fine/in.txt", "fine.txt", "fine/../dir/in.txt", "dir/deep/../in.txt"] {
        assert_eq!(place.read(text).await.as_deref(), Ok("inside"), "{text}");
    }
}

#[tokio::test]
async fn what_lies_behind_a_link_out_is_neither_listed_nor_described_nor_changed() {
    let place = trap();
    for text in ["out", "absolute", "chain", "up", "proc", "slash"] {
        let path = path(text);
        let outcomes = [
            place.directory.list(&path, 100).await.map(drop),
            place.directory.metadata(&path).await.map(drop),
            place
                .directory
                .metadata(&VirtualPath::parse(&format!("{text}/none")).expect("a path"))
                .await
                .map(drop),
            place
                .directory
                .create_directory(&VirtualPath::parse(&format!("{text}/new")).expect("a path"))
                .await,
            place.directory.remove(&VirtualPath::parse(&format!("{text}/secret.txt")).expect("a path")).await,
        ];
        for outcome in outcomes {
            assert_eq!(outcome.expect_err(text).kind, Kind::PermissionDenied, "{text}");
        }
    }
    let items = place.directory.list(&path("/"), 100).await.expect("listed");
    let kind = |name: &str| items.iter().find(|item| item.name == name).map(|item| item.file_type);
    assert_eq!(kind("out"), Some(FileType::Link));
    assert_eq!(kind("loop"), Some(FileType::Link));
    assert_eq!(kind("fine"), Some(FileType::Directory));
    assert_eq!(kind("fine.txt"), Some(FileType::File));
}

#[tokio::test]
async fn removing_a_link_leaves_what_it_leads_to() {
    let place = trap();
    for text in ["file", "out", "loop", "fine.txt"] {
        place.directory.remove(&path(text)).await.expect(text);
    }
    assert!(place.outside("secret.txt").exists() && place.inside("dir/in.txt").exists());
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let place = Place::new();
    let pipe = std::process::Command::new("mkfifo").arg(place.inside("pipe")).status().expect("mkfifo");
    assert!(pipe.success());
    let _socket = std::os::unix::net::UnixListener::bind(place.inside("socket")).expect("bound");
    for name in ["pipe", "socket"] {
        for access in [Access::Read, Access::Write, Access::Append] {
            let failure = place.directory.open(&path(name), access).await.map(drop).expect_err(name);
            assert_eq!(failure.kind, Kind::Invalid, "{failure}");
            assert!(failure.message.ends_with("it is no regular file"), "{failure}");
        }
        assert_eq!(place.directory.metadata(&path(name)).await.expect("known").file_type, FileType::Other);
    }
}

/// A directory changes places with a link out, again and again, while a file in it is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_swapped_for_a_link_does_not_lead_out() {
    let place = Place::new();
    fs::create_dir(place.inside("dir")).expect("made");
    fs::write(place.inside("dir/secret.txt"), "inside").expect("written");
    let done = AtomicBool::new(false);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (dir, aside) = (place.inside("dir"), place.inside("aside"));
            while !done.load(Ordering::Relaxed) {
                fs::rename(&dir, &aside).expect("moved");
                std::os::unix::fs::symlink("../outside", &dir).expect("linked");
                fs::remove_file(&dir).expect("removed");
                fs::rename(&aside, &dir).expect("moved back");
            }
        });
        let reading = async {
            for _ in 0..5_000 {
                let text = match place.read("dir/secret.txt").await {
                    Ok(text) => text,
                    Err(failure) => failure.kind.to_string(),
                };
                *seen.entry(text).or_default() += 1;
                let _ = place.write("dir/secret.txt", Access::Append, "").await;
                let _ = place.directory.remove(&path("dir/none")).await;
                let _ = place.directory.open(&path("dir/new"), Access::Write).await;
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(reading));
        done.store(true, Ordering::Relaxed);
    });
    assert!(seen.contains_key("inside") && !seen.contains_key(CANARY), "{seen:?}");
    let names: Vec<_> = fs::read_dir(place.outside(""))
        .expect("listed")
        .map(|item| item.expect("read").file_name())
        .collect();
    assert_eq!(names, ["secret.txt"]);
}

/// Everything below a folder, with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let items = fs::read_dir(folder).expect("listed").map(|item| item.expect("read").path());
    items.map(|path| (path.display().to_string(), fs::read(&path).expect("read"))).collect()
}

async fn everything(directory: &Directory, path: &VirtualPath, operation: usize) -> Result<Vec<u8>, Failure> {
    match operation {
        0 => {
            let file = directory.open(path, Access::Read).await?;
            file.read_at(0, 100).await
        }
        1 => directory.open(path, Access::Write).await?.write(b"x".to_vec()).await.map(|()| Vec::new()),
        2 => directory.open(path, Access::Create).await?.write(b"x".to_vec()).await.map(|()| Vec::new()),
        3 => directory.open(path, Access::Append).await?.write(b"x".to_vec()).await.map(|()| Vec::new()),
        4 => directory.create_directory(path).await.map(|()| Vec::new()),
        5 => directory.remove(path).await.map(|()| Vec::new()),
        6 => {
            let items = directory.list(path, 100).await?;
            Ok(items.into_iter().map(|item| item.name).collect::<String>().into_bytes())
        }
        _ => directory.metadata(path).await.map(|metadata| metadata.name.into_bytes()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_series_of_operations_touches_what_is_outside(
        steps in proptest::collection::vec(
            (0..8_usize, proptest::collection::vec(prop::sample::select(vec![
                "out", "absolute", "file", "chain", "hop", "loop", "ping", "proc", "slash", "up", "back", "dangling", "fine",
                "dir", "deep", "in.txt", "secret.txt", "outside", "inside", "..", ".", "", "etc", "new",
            ]), 1..6)),
            1..30,
        ),
    ) {
        let place = trap();
        let before = contents(&place.outside(""));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for (operation, parts) in steps {
            let Ok(path) = VirtualPath::parse(&parts.join("/")) else { continue };
            if let Ok(bytes) = runtime.block_on(everything(&place.directory, &path, operation)) {
                let text = String::from_utf8_lossy(&bytes);
                prop_assert!(!text.contains(CANARY) && !text.contains("passwd"), "{path}: {text}");
            }
        }
        prop_assert_eq!(contents(&place.outside("")), before);
    }
}
