//! Module `compress`: what each format gives back, and what it refuses.

use perilune_modules::compress::{Algorithm, Output, decode, encode};
use perilune_value::{Failure, Kind};
use proptest::prelude::*;

fn packed(algorithm: Algorithm, level: Option<i64>, data: &[u8]) -> Vec<u8> {
    let mut output = Output::new(usize::MAX);
    let level = algorithm.level(level).expect("a level that it has");
    encode(algorithm, level, data, &[], &mut output).expect("anything can be compressed");
    output.bytes
}

fn unpacked(algorithm: Algorithm, data: &[u8], max: usize) -> Result<Vec<u8>, Failure> {
    let mut output = Output::new(max);
    decode(algorithm, data, &[], &mut output).map(|()| output.bytes)
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL.to_vec())
}

proptest! {
    #[test]
    fn data_comes_back(algorithm in algorithms(), data in prop::collection::vec(0_u8..8, 1..5000)) {
        prop_assert_eq!(unpacked(algorithm, &packed(algorithm, None, &data), data.len()), Ok(data));
    }

    #[test]
    fn any_bytes_are_data_or_refused(algorithm in algorithms(), data in any::<Vec<u8>>()) {
        if let Err(failure) = unpacked(algorithm, &data, 1 << 16) {
            prop_assert!(matches!(failure.kind, Kind::Invalid | Kind::Internal));
        }
    }

    #[test]
    fn damage_is_noticed_or_harmless(algorithm in algorithms(), at in 0_usize..200, bit in 0_u8..8) {
        let mut data = packed(algorithm, None, &text());
        let at = at % data.len();
        data[at] ^= 1 << bit;
        // Nothing larger than the bound comes out, and nothing panics.
        if let Ok(result) = unpacked(algorithm, &data, 1 << 20) {
            prop_assert!(result.len() <= 1 << 20);
        }
    }
}

fn text() -> Vec<u8> {
    (0..2000).map(|number| format!("line {number}\n")).collect::<String>().into_bytes()
}

#[test]
fn every_level_gives_the_data_back() {
    let text = text();
    for algorithm in Algorithm::ALL {
        for level in algorithm.levels() {
            let packed = packed(algorithm, Some(i64::from(level)), &text);
            assert!(packed.len() < text.len() / 2, "{algorithm:?} {level}: {}", packed.len());
            assert_eq!(unpacked(algorithm, &packed, text.len()).as_ref(), Ok(&text), "{algorithm:?} {level}");
        }
    }
}

#[test]
fn a_level_out_of_range_is_named_with_those_there_are() {
    let cases = [
        (Algorithm::Gzip, 0, "1 to 9"),
        (Algorithm::Brotli, 12, "0 to 11"),
        (Algorithm::Zstd, -1, "1 to 22"),
    ];
    for (algorithm, level, allowed) in cases {
        let failure = algorithm.level(Some(level)).unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.contains(allowed), "{}", failure.message);
    }
}

/// 10 MB of zeros take a few hundred bytes to a few KiB.
#[test]
fn a_bomb_stops_at_the_bound_without_memory_for_what_it_claims() {
    let zeros = vec![0; 10_000_000];
    for algorithm in Algorithm::ALL {
        let bomb = packed(algorithm, None, &zeros);
        assert!(bomb.len() < 20_000, "{algorithm:?}: {}", bomb.len());
        let mut output = Output::new(1 << 20);
        let failure = decode(algorithm, &bomb, &[], &mut output).unwrap_err();
        assert_eq!(failure.kind, Kind::Internal, "{algorithm:?}");
        assert!(failure.message.contains("max_size"), "{}", failure.message);
        assert!(output.bytes.capacity() <= 2 << 20, "{algorithm:?}: {}", output.bytes.capacity());
        assert_eq!(unpacked(algorithm, &bomb, zeros.len()).map(|result| result.len()), Ok(zeros.len()));
    }
}

#[test]
fn a_bomb_in_a_bomb_is_unpacked_one_layer_at_a_time() {
    for algorithm in Algorithm::ALL {
        let inner = packed(algorithm, None, &vec![0; 10_000_000]);
        let outer = packed(algorithm, None, &inner);
        assert_eq!(unpacked(algorithm, &outer, 1 << 16), Ok(inner));
    }
}

#[test]
fn what_is_cut_short_is_refused_wherever_it_is_cut() {
    let text = text();
    for algorithm in Algorithm::ALL {
        let packed = packed(algorithm, None, &text);
        for length in [1, 2, packed.len() / 4, packed.len() / 2, packed.len() - 1] {
            let failure = unpacked(algorithm, &packed[..length], text.len()).unwrap_err();
            assert_eq!(failure.kind, Kind::Invalid, "{algorithm:?} {length}: {}", failure.message);
        }
    }
}

#[test]
fn what_follows_the_data_is_refused() {
    for algorithm in Algorithm::ALL {
        let packed = [packed(algorithm, None, &text()), b"garbage".to_vec()].concat();
        let failure = unpacked(algorithm, &packed, 1 << 20).unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{algorithm:?}: {}", failure.message);
    }
}

#[test]
fn members_of_gzip_and_frames_of_zstd_are_one_text() {
    for algorithm in [Algorithm::Gzip, Algorithm::Zstd] {
        let parts = [packed(algorithm, None, b"one "), packed(algorithm, None, b"two")].concat();
        assert_eq!(unpacked(algorithm, &parts, 100), Ok(b"one two".to_vec()));
    }
}

#[test]
fn formats_are_told_apart() {
    for algorithm in Algorithm::ALL {
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let failure = unpacked(other, &packed(algorithm, None, &text()), 1 << 20).unwrap_err();
            assert!(failure.message.contains(other.name()), "{}", failure.message);
        }
    }
}

#[test]
fn a_dictionary_is_needed_on_both_sides() {
    let dict = text();
    let data = b"line 1500\nline 1501\nline 1502\n";
    let mut packed = Output::new(usize::MAX);
    encode(Algorithm::Zstd, 3, data, &dict, &mut packed).unwrap();
    assert!(packed.bytes.len() < data.len());
    let mut output = Output::new(100);
    decode(Algorithm::Zstd, &packed.bytes, &dict, &mut output).unwrap();
    assert_eq!(output.bytes, data);
    assert!(unpacked(Algorithm::Zstd, &packed.bytes, 100).is_err());
}
