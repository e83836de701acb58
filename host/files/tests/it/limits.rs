//! How much a directory may hold.

use crate::support::{Place, path};
use perilune_files::{Access, Limits};
use perilune_resource::Stream;
use perilune_resource::stream::Whence;
use perilune_value::{Failure, Kind, Value};
use std::fs;

fn place(limits: Limits) -> Place {
    let Place { folder, directory } = Place::new();
    Place { folder, directory: directory.within(limits) }
}

/// Which limit was reached.
fn limit(outcome: Result<impl Sized, Failure>) -> String {
    let Err(failure) = outcome else { return "none".to_owned() };
    assert_eq!(failure.kind, Kind::RateLimited, "{failure}");
    let limit = failure.details.as_ref().and_then(|details| details.get("limit")).and_then(Value::as_str);
    limit.expect("it is named").to_owned()
}

const TEN: Limits = Limits { size: Some(10), file_size: None, files: None };

#[tokio::test]
async fn all_files_together_have_so_many_bytes() {
    let place = place(TEN);
    fs::create_dir(place.inside("d")).expect("made");
    fs::write(place.inside("d/there"), "1234").expect("written");
    place.write("a", Access::Write, "12345").await.expect("nine");
    assert_eq!(limit(place.write("b", Access::Write, "12").await), "size");
    place.write("b", Access::Append, "1").await.expect("ten");
    assert_eq!(limit(place.write("a", Access::Append, "1").await), "size");
    // What is written over, emptied or removed makes room.
    place.write("a", Access::Write, "54321").await.expect("the same again");
    place.write("a", Access::Write, "1").await.expect("less");
    place.write("b", Access::Append, "1234").await.expect("ten again");
    place.directory.remove(&path("d/there")).await.expect("removed");
    place.write("b", Access::Append, "1234").await.expect("and again");
    assert_eq!(limit(place.write("b", Access::Append, "1").await), "size");
}

#[tokio::test]
async fn a_hole_counts_like_what_is_written() {
    let place = place(TEN);
    let file = place.directory.open(&path("a"), Access::Write).await.expect("made");
    file.seek(Whence::Set, 1 << 40).await.expect("it may be anywhere");
    assert_eq!(limit(file.write(b"1".to_vec()).await), "size");
    assert_eq!(fs::metadata(place.inside("a")).expect("there").len(), 0);
}

#[tokio::test]
async fn a_removed_file_takes_its_room_until_it_is_closed() {
    let place = place(TEN);
    let file = place.directory.open(&path("a"), Access::Write).await.expect("made");
    file.write(b"12345".to_vec()).await.expect("five");
    place.directory.remove(&path("a")).await.expect("removed");
    file.write(b"1234".to_vec()).await.expect("nine");
    assert_eq!(limit(place.write("b", Access::Write, "12").await), "size");
    drop(file);
    place.write("b", Access::Write, "1234567890").await.expect("all of it");
}

#[tokio::test]
async fn each_file_has_so_many_bytes() {
    let place = place(Limits { file_size: Some(4), ..Limits::default() });
    for name in ["a", "b", "c"] {
        place.write(name, Access::Create, "1234").await.expect("four");
    }
    assert_eq!(limit(place.write("a", Access::Append, "5").await), "file_size");
    assert_eq!(place.read("a").await.as_deref(), Ok("1234"));
}

#[tokio::test]
async fn there_are_so_many_files_and_directories() {
    let place = place(Limits { files: Some(2), ..Limits::default() });
    place.directory.create_directory(&path("d")).await.expect("one");
    place.write("d/a", Access::Write, "").await.expect("two");
    assert_eq!(limit(place.write("b", Access::Write, "").await), "files");
    assert_eq!(limit(place.directory.create_directory(&path("e")).await), "files");
    place.write("d/a", Access::Write, "what is there may grow").await.expect("written");
    place.directory.remove(&path("d/a")).await.expect("removed");
    place.write("b", Access::Write, "").await.expect("two again");
}

/// Many at once cannot share the same last byte.
#[tokio::test]
async fn what_is_written_at_the_same_time_counts_once_each() {
    let place = place(Limits { size: Some(50), ..Limits::default() });
    let writes = (0..100).map(|n| {
        let directory = place.directory.clone();
        async move {
            let file = directory.open(&path(&format!("f{n}")), Access::Write).await?;
            file.write(b"1".to_vec()).await
        }
    });
    let done = futures_util::future::join_all(writes).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 50);
}
