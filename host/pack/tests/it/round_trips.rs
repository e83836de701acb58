//! What goes in comes out, and the same goes in the same way.

use crate::support::small;
use perilune_pack::{BLOCK, Content, Pack, Writer};
use proptest::prelude::*;

const KINDS: [Content; 5] =
    [Content::Document, Content::Source, Content::Embedded, Content::Bytecode, Content::Image];

fn packed(files: &[(Content, String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new();
    for (content, path, bytes) in files {
        writer.add(*content, path, bytes).expect("a right path");
    }
    writer.finish(None).expect("a pack")
}

/// Bytes that do not get smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_small_pack_is_written_the_same_each_time() {
    assert_eq!(small(false), small(false));
    assert_eq!(small(true), small(true), "signatures are deterministic as well");
}

#[test]
fn the_order_in_which_files_are_added_does_not_matter() {
    let mut files: Vec<(Content, String, Vec<u8>)> = Vec::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        for name in ["b", "a", "c/d", "ä"] {
            files.push((kind, name.to_owned(), vec![number as u8; 10 * number]));
        }
    }
    let first = packed(&files);
    files.reverse();
    assert_eq!(packed(&files), first);
    files.swap(3, 7);
    assert_eq!(packed(&files), first);
}

#[test]
fn contents_of_all_sizes_come_back() {
    for size in [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17] {
        for bytes in [vec![7; size], noise(size)] {
            let pack =
                Pack::read(packed(&[(Content::Embedded, "file".to_owned(), bytes.clone())])).expect("a pack");
            let file = pack.get(Content::Embedded, "file").expect("it is there");
            assert_eq!(file.size(), size as u64);
            assert!(file.stored() <= file.size(), "{size} bytes got more");
            assert!(file.read().expect("it is read") == bytes, "{size} bytes came back as others");
        }
    }
}

#[test]
fn the_middle_of_a_file_is_read_without_the_rest() {
    let bytes = noise(3 * BLOCK + 17);
    let zeros = vec![0; 3 * BLOCK + 17];
    for bytes in [bytes, zeros] {
        let pack =
            Pack::read(packed(&[(Content::Embedded, "file".to_owned(), bytes.clone())])).expect("a pack");
        let file = pack.get(Content::Embedded, "file").expect("it is there");
        for offset in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 16] {
            let end = ((offset / BLOCK + 1) * BLOCK).min(bytes.len());
            let read = file.read_block(offset as u64).expect("it is read");
            assert!(*read == bytes[offset..end], "from {offset} on");
        }
        for offset in [bytes.len() as u64, u64::MAX] {
            assert!(file.read_block(offset).expect("it is read").is_empty(), "from {offset} on");
        }
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let pack = Pack::read(small(false)).expect("a pack");
    assert!(pack.get(Content::Document, "app.yaml").is_some());
    assert!(pack.get(Content::Source, "app.yaml").is_none(), "another kind of content");
    assert!(pack.get(Content::Document, "./app.yaml").is_none());
    assert_eq!(pack.descriptions().collect::<Vec<_>>(), [("perilune", "0.1.0")]);
    assert_eq!(
        pack.files(Content::Embedded).map(|file| file.path().to_owned()).collect::<Vec<_>>(),
        ["assets/zeros"]
    );
}

#[test]
fn a_file_is_told_by_its_first_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("any.name");
    std::fs::write(&path, small(false)).expect("it is written");
    assert!(Pack::is_pack(&path));
    assert!(Pack::open(&path).is_ok());
    std::fs::write(&path, b"\x89PLP").expect("it is written");
    assert!(!Pack::is_pack(&path));
    assert!(!Pack::is_pack(folder.path()));
    assert_eq!(Pack::open(folder.path()).expect_err("a folder").code(), "P001");
    assert_eq!(Pack::open(&folder.path().join("none")).expect_err("nothing").code(), "P018");
}

proptest! {
    #[test]
    fn any_files_come_back(
        files in proptest::collection::btree_map("[a-z]{1,8}", proptest::collection::vec(any::<u8>(), 0..2000), 0..10),
        texts in proptest::collection::btree_map("[a-z.]{0,8}", ".{0,30}", 0..4),
    ) {
        let mut writer = Writer::new();
        for (key, text) in &texts {
            writer.describe(key, text).expect("a short text");
        }
        for (at, (path, bytes)) in files.iter().enumerate() {
            writer.add(KINDS[at % KINDS.len()], path, bytes).expect("a right path");
        }
        let pack = Pack::read(writer.finish(None).expect("a pack")).expect("an honest pack");
        prop_assert_eq!(pack.all().count(), files.len());
        for (at, (path, bytes)) in files.iter().enumerate() {
            let file = pack.get(KINDS[at % KINDS.len()], path).expect("it is there");
            prop_assert_eq!(&file.read().expect("it is read"), bytes);
        }
        let described: Vec<_> = pack.descriptions().map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
        prop_assert_eq!(described, texts.into_iter().collect::<Vec<_>>());
    }
}
