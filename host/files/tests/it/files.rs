//! Open files.

use crate::support::{Place, path};
use perilune_files::Access;
use perilune_resource::Stream;
use perilune_resource::stream::Whence;
use perilune_value::Kind;
use std::fs;

#[tokio::test]
async fn a_file_is_read_piece_by_piece_and_at_any_place() {
    let place = Place::new();
    fs::write(place.inside("digits"), "0123456789").expect("written");
    let file = place.directory.open(&path("digits"), Access::Read).await.expect("opened");
    assert_eq!(file.read(4).await, Ok(Some(b"0123".to_vec())));
    assert_eq!(file.read_at(8, 100).await, Ok(b"89".to_vec()));
    assert_eq!(file.read_at(u64::MAX, 1).await.map_err(|failure| failure.kind), Err(Kind::Invalid));
    assert_eq!(file.read_at(10, 5).await, Ok(Vec::new()));
    assert_eq!(file.read(100).await, Ok(Some(b"456789".to_vec())));
    assert_eq!(file.read(1).await, Ok(None));
    assert_eq!(file.seek(Whence::End, -3).await, Ok(7));
    assert_eq!(file.seek(Whence::Current, 1).await, Ok(8));
    assert_eq!(file.stat().position, 8);
    assert_eq!(file.stat().size, Some(10));
    assert_eq!(file.seek(Whence::Set, -1).await.map_err(|failure| failure.kind), Err(Kind::Invalid));
    assert_eq!(file.seek(Whence::Current, -100).await.map_err(|failure| failure.kind), Err(Kind::Invalid));
    assert_eq!(file.write(b"x".to_vec()).await.map_err(|failure| failure.kind), Err(Kind::Invalid));
}

#[tokio::test]
async fn operations_that_begin_together_take_their_turn() {
    let place = Place::new();
    let file = place.directory.open(&path("log"), Access::Write).await.expect("opened");
    let writes = (0..100).map(|number| file.write(format!("{number:02}").into_bytes()));
    futures_util::future::try_join_all(writes).await.expect("written");
    let expected: String = (0..100).map(|number| format!("{number:02}")).collect();
    assert_eq!(place.read("log").await, Ok(expected));
    assert_eq!(file.stat().size, Some(200));
    assert_eq!(file.sync().await, Ok(()));
    assert_eq!(file.read(1).await.map_err(|failure| failure.kind), Err(Kind::Invalid));
}

#[tokio::test]
async fn what_was_asked_of_a_file_goes_on_after_its_name_is_gone() {
    let place = Place::new();
    fs::write(place.inside("a"), "old").expect("written");
    let file = place.directory.open(&path("a"), Access::Read).await.expect("opened");
    place.directory.remove(&path("a")).await.expect("removed");
    fs::write(place.inside("a"), "new, longer").expect("written");
    assert_eq!(file.metadata().await.expect("known").size, 3);
    assert_eq!(file.read(10).await, Ok(Some(b"old".to_vec())));
}

#[tokio::test]
async fn open_files_are_bounded_and_closed_by_being_dropped() {
    let place = Place::new();
    fs::write(place.inside("a"), "").expect("written");
    let mut open = Vec::new();
    let failure = loop {
        match place.directory.open(&path("a"), Access::Read).await {
            Ok(file) => open.push(file),
            Err(failure) => break failure,
        }
    };
    assert_eq!((open.len(), failure.kind, failure.retryable), (512, Kind::RateLimited, Some(true)));
    open.pop();
    assert!(place.directory.open(&path("a"), Access::Read).await.is_ok());
}

#[tokio::test]
async fn a_sparse_file_costs_what_is_read_of_it() {
    let place = Place::new();
    fs::File::create(place.inside("sparse"))
        .expect("made")
        .set_len(1 << 40)
        .expect("a file system with sparse files");
    let file = place.directory.open(&path("sparse"), Access::Read).await.expect("opened");
    assert_eq!(file.metadata().await.expect("known").size, 1 << 40);
    assert_eq!(file.read_at((1 << 40) - 2, 10).await, Ok(vec![0, 0]));
    assert_eq!(file.read(3).await, Ok(Some(vec![0; 3])));
}
