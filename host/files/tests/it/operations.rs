//! What is done with paths.

use crate::support::{Place, path};
use perilune_files::{Access, Directory, FileType, Mode, Root};
use perilune_value::Kind;
use std::fs;

#[tokio::test]
async fn files_are_opened_as_asked() {
    let place = Place::new();
    assert_eq!(place.read("a").await.expect_err("missing").kind, Kind::NotFound);
    place.write("a", Access::Create, "one").await.expect("made");
    assert_eq!(place.write("a", Access::Create, "x").await.expect_err("exists").kind, Kind::AlreadyExists);
    place.write("a", Access::Append, " two").await.expect("appended");
    assert_eq!(place.read("/./a/").await.as_deref(), Ok("one two"));
    place.write("a", Access::Write, "new").await.expect("replaced");
    assert_eq!(place.read("a").await.as_deref(), Ok("new"));
}

#[tokio::test]
async fn metadata_says_what_something_is() {
    let place = Place::new();
    place.directory.create_directory(&path("d")).await.expect("made");
    place.write("d/f", Access::Write, "text").await.expect("written");
    let file = place.directory.metadata(&path("d/f")).await.expect("known");
    assert_eq!((file.name.as_str(), file.size, file.file_type), ("f", 4, FileType::File));
    assert!(file.modified_seconds() > 1_700_000_000);
    assert_eq!(file.mode & !0o644, 0);
    let root = place.directory.metadata(&path("/")).await.expect("known");
    assert_eq!((root.name.as_str(), root.file_type), ("/", FileType::Directory));
}

#[tokio::test]
async fn directories_are_made_listed_and_removed_one_by_one() {
    let place = Place::new();
    let make = async |text: &str| {
        place.directory.create_directory(&path(text)).await.map_err(|failure| failure.kind)
    };
    let remove = async |text: &str| place.directory.remove(&path(text)).await.map_err(|failure| failure.kind);
    assert_eq!(make("a/b").await, Err(Kind::NotFound));
    assert_eq!(make("a").await, Ok(()));
    assert_eq!(make("a/b").await, Ok(()));
    assert_eq!(make("a").await, Err(Kind::AlreadyExists));
    assert_eq!(make("/").await, Err(Kind::AlreadyExists));
    place.write("a/f", Access::Write, "").await.expect("written");
    let items = place.directory.list(&path("a"), 10).await.expect("listed");
    let items: Vec<_> = items.iter().map(|item| (item.name.as_str(), item.file_type)).collect();
    assert_eq!(items, [("b", FileType::Directory), ("f", FileType::File)]);
    assert_eq!(place.directory.list(&path("a"), 1).await.expect_err("too many").kind, Kind::RateLimited);
    assert_eq!(place.directory.list(&path("a/f"), 1).await.expect_err("a file").kind, Kind::Invalid);
    assert_eq!(remove("a").await, Err(Kind::Invalid));
    assert_eq!(remove("a/b").await, Ok(()));
    assert_eq!(remove("a/f").await, Ok(()));
    assert_eq!(remove("a").await, Ok(()));
    assert_eq!(remove("a").await, Err(Kind::NotFound));
    assert_eq!(remove("/").await, Err(Kind::Invalid));
}

#[tokio::test]
async fn a_file_is_no_directory_and_the_other_way_round() {
    let place = Place::new();
    place.write("f", Access::Write, "").await.expect("written");
    for (text, access) in
        [("/", Access::Read), ("/", Access::Write), ("f/x", Access::Read), ("f/x", Access::Write)]
    {
        let failure = place.directory.open(&path(text), access).await.map(drop).expect_err(text);
        assert_eq!(failure.kind, Kind::Invalid, "{text}: {}", failure.message);
    }
}

#[tokio::test]
async fn the_mode_masks_what_is_done() {
    let place = Place::new();
    place.write("f", Access::Write, "text").await.expect("written");
    let with = |mode: &str| {
        let root = Root::trusted(place.folder.path().join("inside"));
        Directory::new("app:files", root, Mode::parse(mode).expect("a mode"))
    };
    let reading = with("0555");
    assert_eq!(crate::support::read(&reading, "f").await.as_deref(), Ok("text"));
    for failure in [
        reading.open(&path("f"), Access::Append).await.map(drop),
        reading.open(&path("new"), Access::Write).await.map(drop),
        reading.create_directory(&path("d")).await,
        reading.remove(&path("f")).await,
    ] {
        let failure = failure.expect_err("nothing is written");
        assert_eq!(failure.kind, Kind::PermissionDenied);
        assert!(
            failure.message.ends_with("the `mode` of the directory does not let entries write"),
            "{failure}"
        );
    }
    let writing = with("333");
    assert!(writing.open(&path("f"), Access::Append).await.is_ok());
    assert_eq!(
        writing.open(&path("f"), Access::Read).await.map(drop).expect_err("masked").kind,
        Kind::PermissionDenied
    );
    assert_eq!(writing.metadata(&path("f")).await.expect_err("masked").kind, Kind::PermissionDenied);
    assert!(
        ["", "755x", "0o755", "888", "07555", "75", "-755"].iter().all(|text| Mode::parse(text).is_none())
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_mode_is_taken_from_what_is_created() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let directory =
        Directory::new("app:files", Root::trusted(place.inside("")), Mode::parse("640").expect("a mode"));
    directory.open(&path("f"), Access::Write).await.map(drop).expect("made");
    directory.create_directory(&path("d")).await.expect("made");
    let mode = |name: &str| fs::metadata(place.inside(name)).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode("f"), mode("d")), (0o640, 0o750));
}

#[tokio::test]
async fn a_failure_names_the_entry_and_the_path_and_nothing_of_the_machine() {
    let place = Place::new();
    let root = Root::trusted(place.folder.path().join("inside"));
    let directory = Directory::new("app:files", root, Mode::default());
    let failure = directory.metadata(&path("x/../no")).await.expect_err("missing");
    assert_eq!(failure.message, "app:files: `/no`: there is no such file or directory");
}
