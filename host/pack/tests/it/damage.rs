//! Damage by accident: each bit and each length.

use crate::support::small;
use perilune_pack::{Pack, PackError};
use proptest::prelude::*;

#[test]
fn a_changed_bit_is_noticed_wherever_it_is() {
    for signed in [false, true] {
        let pack = small(signed);
        assert!(Pack::read(pack.clone()).is_ok());
        for bit in 0..pack.len() * 8 {
            let mut changed = pack.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Pack::read(changed).is_err(), "bit {bit} of a pack (signed: {signed}) can be changed");
        }
    }
}

#[test]
fn a_pack_that_is_cut_anywhere_is_refused() {
    for signed in [false, true] {
        let pack = small(signed);
        for length in 0..pack.len() {
            let error = Pack::read(pack[..length].to_vec()).expect_err("a cut pack");
            let is_told = match error {
                PackError::NotAPack => length == 0,
                PackError::Truncated { have, want } => have == length as u64 && want > have,
                _ => false,
            };
            assert!(is_told, "cut to {length} bytes: {error}");
        }
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let mut pack = small(true);
    pack.push(0);
    let error = Pack::read(pack).expect_err("a byte too many");
    assert_eq!(error.code(), "P004");
}

#[test]
fn exchanged_bytes_are_noticed() {
    let pack = small(false);
    for at in 64..pack.len() - 1 {
        let mut changed = pack.clone();
        changed.swap(at, at + 1);
        if changed != pack {
            let error = Pack::read(changed).expect_err("a changed pack");
            assert_eq!(
                error.to_string(),
                "its bytes do not match their hash: it was damaged or changed, copy it again",
                "bytes {at} and {}",
                at + 1
            );
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Pack::read(bytes).is_err());
    }

    #[test]
    fn no_index_makes_the_reader_panic(
        index in proptest::collection::vec(any::<u8>(), 0..300),
        contents in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        // The hash is right, so that the index is what is looked at.
        let _ = Pack::read(crate::support::sealed(&index, &contents));
    }

    #[test]
    fn no_change_of_a_good_index_makes_the_reader_panic(
        at in 64_usize..300, to in any::<[u8; 4]>(), length in 1_usize..5,
    ) {
        let pack = small(false);
        let end = 64 + u64::from_le_bytes(pack[16..24].try_into().expect("8 bytes")) as usize;
        let (mut index, contents) = (pack[64..end].to_vec(), &pack[end..]);
        for (offset, byte) in to.into_iter().take(length).enumerate() {
            if let Some(place) = index.get_mut(at - 64 + offset) {
                *place = byte;
            }
        }
        let _ = Pack::read(crate::support::sealed(&index, contents));
    }
}
