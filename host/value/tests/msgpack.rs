//! The wire form: everything that Lua can hold survives it, nothing that a hostile cell writes gets further than an error.

mod common;

use perilune_value::{DecodeError, Failure, Kind, Packed, Value, Writer, args_from_msgpack, args_to_msgpack};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_value_round_trips(value in common::value()) {
        prop_assert_eq!(Value::from_msgpack(&value.to_msgpack()), Ok(value));
    }

    #[test]
    fn any_arguments_round_trip(args in prop::collection::vec(common::value(), 0..5)) {
        prop_assert_eq!(args_from_msgpack(&args_to_msgpack(&args)), Ok(args));
    }

    #[test]
    fn any_bytes_decode_or_fail(bytes in any::<Vec<u8>>()) {
        if let Ok(value) = Value::from_msgpack(&bytes) {
            // Whatever was understood can be said again. Compared as bytes, since NaN is not equal to itself.
            let again = value.to_msgpack();
            prop_assert_eq!(Value::from_msgpack(&again).map(|value| value.to_msgpack()), Ok(again));
        }
    }

    #[test]
    fn bytes_can_be_packed_exactly_when_they_can_be_read(bytes in any::<Vec<u8>>(), value in common::value(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut changed = value.to_msgpack();
        prop_assert_eq!(Packed::new(changed.clone()), Ok(Packed::from(&value)));
        let at = at.index(changed.len());
        changed[at] = byte;
        for bytes in [bytes, changed] {
            let packed = Packed::new(bytes.clone()).map(|packed| packed.as_bytes().to_vec());
            prop_assert_eq!(packed, Value::from_msgpack(&bytes).map(|_| bytes));
        }
    }

    #[test]
    fn a_shortened_message_is_truncated(value in common::value(), cut in 1usize..32) {
        let bytes = value.to_msgpack();
        let shorter = &bytes[..bytes.len().saturating_sub(cut)];
        prop_assert_eq!(Value::from_msgpack(shorter), Err(DecodeError::Truncated));
    }
}

#[test]
fn pieces_are_written_as_the_tree_of_them() {
    let failure = Value::Error(Box::new(Failure::not_found("gone")));
    let tree = Value::Map(vec![
        (Value::from("text"), Value::from("T")),
        (Value::from("number"), Value::Integer(-7)),
        (Value::from("any"), failure.clone()),
        (Value::from("packed"), Value::Array(vec![Value::Bool(true)])),
        (Value::from("broken"), Value::Nil),
    ]);
    let mut out = Writer::default();
    out.array(1).map(5).text("text").text("T").text("number").integer(-7).text("any").value(&failure);
    out.text("packed").packed(&Value::Array(vec![Value::Bool(true)]).to_msgpack());
    out.text("broken").packed(b"\xc1");
    assert_eq!(out.finish(), args_to_msgpack(&[tree]));
}

#[test]
fn every_width_of_number_is_read() {
    let cases: [(&[u8], Value); 16] = [
        (&[0x07], 7.into()),
        (&[0xff], (-1).into()),
        (&[0xcc, 0xff], 255.into()),
        (&[0xcd, 0xff, 0xff], 65_535.into()),
        (&[0xce, 0xff, 0xff, 0xff, 0xff], 4_294_967_295.into()),
        (&[0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX.into()),
        (&[0xd0, 0x80], (-128).into()),
        (&[0xd1, 0x80, 0x00], (-32_768).into()),
        (&[0xd2, 0x80, 0x00, 0x00, 0x00], (-2_147_483_648).into()),
        (&[0xd3, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00], i64::MIN.into()),
        (&[0xca, 0x3f, 0x00, 0x00, 0x00], 0.5.into()),
        (&[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], 0.5.into()),
        (&[0xa1, b'a'], "a".into()),
        (&[0xd9, 1, b'a'], "a".into()),
        (&[0xc4, 1, 0xfe], Value::String(vec![0xfe])),
        (&[0xdc, 0, 1, 0xc0], Value::Array(vec![Value::Nil])),
    ];
    for (bytes, value) in cases {
        assert_eq!(Value::from_msgpack(bytes), Ok(value), "{bytes:02x?}");
    }
}

#[test]
fn text_is_str_and_other_bytes_are_bin() {
    assert_eq!(Value::from("é").to_msgpack(), b"\xa2\xc3\xa9");
    assert_eq!(Value::String(vec![0xff]).to_msgpack(), b"\xc4\x01\xff");
}

#[test]
fn what_lua_cannot_hold_is_refused() {
    let cases: [(&[u8], DecodeError); 12] = [
        (&[], DecodeError::Truncated),
        (&[0xc1], DecodeError::Reserved),
        (&[0xc0, 0xc0], DecodeError::Trailing { bytes: 1 }),
        (&[0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0], DecodeError::IntegerRange { value: 1 << 63 }),
        (&[0xd4, 5, 0], DecodeError::Extension { number: 5 }),
        (&[0xd6, 0xff, 0, 0, 0, 0], DecodeError::Extension { number: -1 }),
        (&[0x81, 0xc0, 1], DecodeError::Key { key: "nil" }),
        (&[0x81, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 1], DecodeError::Key { key: "NaN" }),
        (&[0xdd, 0xff, 0xff, 0xff, 0xff], DecodeError::Truncated),
        (&[0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0], DecodeError::Truncated),
        (&[0xc6, 0xff, 0xff, 0xff, 0xff], DecodeError::Truncated),
        (&[0xc9, 0xff, 0xff, 0xff, 0xff, 1], DecodeError::Truncated),
    ];
    for (bytes, error) in cases {
        assert_eq!(Value::from_msgpack(bytes), Err(error), "{bytes:02x?}");
    }
}

#[test]
fn error_objects_with_a_wrong_body_are_refused() {
    let map = |body: Value| {
        let body = body.to_msgpack();
        [&[0xc7, u8::try_from(body.len()).unwrap(), 1], &body[..]].concat()
    };
    for body in [
        Value::Nil,
        "text".into(),
        Value::from_iter([("kind", 1)]),
        Value::from_iter([("retryable", "yes")]),
        Value::from_iter([("colour", "red")]),
    ] {
        let error = Value::from_msgpack(&map(body.clone())).unwrap_err();
        assert!(matches!(error, DecodeError::ErrorObject { .. }), "{body:?}: {error}");
    }
    assert_eq!(Value::from_msgpack(&[0xc7, 2, 1, 0x80, 0x80]), Err(DecodeError::Trailing { bytes: 1 }));
}

#[test]
fn an_error_message_of_any_bytes_becomes_text() {
    let body = [&[0x81, 0xa7][..], b"message", &[0xc4, 1, 0xff]].concat();
    let bytes = [&[0xc7, u8::try_from(body.len()).unwrap(), 1], &body[..]].concat();
    let Ok(Value::Error(failure)) = Value::from_msgpack(&bytes) else { panic!("no error object") };
    assert_eq!((failure.message.as_str(), failure.kind), ("\u{fffd}", Kind::Unknown));
}

#[test]
fn tables_nest_128_levels_and_no_deeper() {
    let nested = |levels: usize| [vec![0x91; levels], vec![0xc0]].concat();
    assert!(Value::from_msgpack(&nested(128)).is_ok());
    assert_eq!(Value::from_msgpack(&nested(129)), Err(DecodeError::TooDeep));
    assert_eq!(Value::from_msgpack(&nested(1 << 20)), Err(DecodeError::TooDeep));
}

#[test]
fn arguments_may_each_nest_as_deep_as_a_value() {
    let mut value = Value::Nil;
    for _ in 0..Value::MAX_DEPTH {
        value = Value::Array(vec![value]);
    }
    assert!(args_from_msgpack(&args_to_msgpack(&[value])).is_ok());
}

#[test]
fn an_error_object_counts_as_one_level() {
    let nested = |levels: usize| {
        let wrap = |inner: Value| Failure { details: Some(inner), ..Failure::default() }.into();
        Value::from_msgpack(&(0..levels).fold(Value::Nil, |inner, _| wrap(inner)).to_msgpack())
    };
    assert!(nested(128).is_ok());
    assert_eq!(nested(129), Err(DecodeError::TooDeep));
}

#[test]
fn one_message_cannot_hold_more_values_than_the_host_wants_to_build() {
    let count: u32 = 5 << 20;
    let bytes = [&[0xdd], &count.to_be_bytes()[..], &vec![0xc0; count as usize]].concat();
    assert!(matches!(Value::from_msgpack(&bytes), Err(DecodeError::TooMany { .. })));
}

#[test]
fn a_deep_host_made_value_is_written_without_recursion() {
    let mut value = Value::Nil;
    for _ in 0..2_000 {
        value = Value::Array(vec![Failure { details: Some(value), ..Failure::default() }.into()]);
    }
    // A thread this small would overflow if each level took a stack frame.
    let small = std::thread::Builder::new().stack_size(64 << 10);
    let written =
        std::thread::scope(|scope| small.spawn_scoped(scope, || value.to_msgpack().len()).unwrap().join());
    assert!(written.unwrap() > 2_000);
}

#[test]
fn arguments_must_be_an_array() {
    assert_eq!(args_from_msgpack(&[0xc0]), Err(DecodeError::Arguments));
    assert_eq!(args_from_msgpack(&[0x80]), Err(DecodeError::Arguments));
}
