//! Regular expressions: their syntax, what they find, and what keeps them within bounds.

use perilune_text::regexp::{Bound, Cache, Exceeded, Parsed, Regexp};
use perilune_value::{Failure, Kind};
use proptest::prelude::*;

const ROOM: usize = 1 << 20;

fn regexp(pattern: &str) -> Regexp {
    Regexp::new(pattern).unwrap_or_else(|failure| panic!("{pattern} compiles: {failure}"))
}

fn spans(pattern: &str, text: &str) -> Vec<i32> {
    regexp(pattern).spans(text.as_bytes(), false, usize::MAX, Bound::long(ROOM)).expect("it is found")
}

#[test]
fn spans_count_from_one_and_include_both_ends() {
    for (pattern, text, expected) in [
        ("b+", "abbcb", vec![2, 3, 5, 5]),
        ("x", "abc", vec![]),
        // An empty match ends before it begins, as `string.sub` wants it.
        ("", "ab", vec![1, 0, 2, 1, 3, 2]),
        // One that touches the match before it is none.
        ("a*", "baac", vec![1, 0, 2, 3, 5, 4]),
        ("é", "aéb", vec![2, 3]),
    ] {
        assert_eq!(spans(pattern, text), expected, "{pattern} in {text}");
    }
}

#[test]
fn groups_that_took_no_part_are_told_from_empty_ones() {
    let found = regexp("(a)|(b)()").spans(b"b", true, 1, Bound::long(ROOM)).expect("it is found");
    assert_eq!(found, [1, 1, 0, -1, 1, 1, 2, 1]);
}

#[test]
fn shorthands_mean_ascii_and_classes_with_p_all_scripts() {
    for (pattern, text, matches) in [
        (r"^\w+$", "héé", false),
        (r"^\pL+$", "héé", true),
        (r"^\d$", "٣", false),
        (r"^[\d٣]$", "٣", true),
        (r"^\D$", "٣", true),
        (r"^[^\W_]+$", "ab1", true),
        (r"^[^\W_]+$", "a_b", false),
        (r"\bkey\b", "a key.", true),
        (r"é\b", "é", false),
        (r"^\s$", "\u{b}", false),
        (r"^\S$", "\u{b}", true),
        (r"(?i)^STRASSE$", "strasse", true),
        (r"(?s)^a.b$", "a\nb", true),
        (r"^a.b$", "a\nb", false),
        (r"(?x) a \w b # comment", "a_b", true),
    ] {
        assert_eq!(
            regexp(pattern).is_match(text.as_bytes(), Bound::quick()),
            Ok(matches),
            "{pattern} on {text}"
        );
    }
}

#[test]
fn bytes_that_are_no_text_are_searched_as_well() {
    let found = regexp(r"(?-u:\xff)b").spans(b"a\xffb\xfe", false, 9, Bound::long(ROOM));
    assert_eq!(found, Ok(vec![2, 3]));
}

#[test]
fn names_of_groups_are_written_both_ways() {
    assert_eq!(regexp(r"(?P<year>\d+)-(?<month>\d+)-(\d+)").names(), ["", "year", "month", ""]);
}

#[test]
fn replacements_name_groups() {
    for (pattern, replacement, expected) in [
        (r"(\w+)@(\w+)", "$2 at $1", "host at user, c at b"),
        (r"(?P<name>\w+)@\w+", "${name}s", "users, bs"),
        (r"@", "$$", "user$host, b$c"),
        (r"@", "$9", "userhost, bc"),
        (r"x", "y", "user@host, b@c"),
    ] {
        let replaced =
            regexp(pattern).replace_all(b"user@host, b@c", replacement.as_bytes(), Bound::long(ROOM));
        assert_eq!(replaced, Ok(expected.as_bytes().to_vec()), "{pattern} by {replacement}");
    }
}

#[test]
fn a_wrong_pattern_is_invalid_at_its_position() {
    for (pattern, position, says) in [
        ("a(b", 2, "unclosed group"),
        ("é[b", 3, "unclosed character class"),
        ("*a", 1, "repetition operator missing expression"),
        (r"a\q", 2, "unrecognized escape sequence"),
        (r"\pQ", 1, "Unicode property not found"),
        (r"\w\p{Nope}", 3, "Unicode property not found"),
        ("(?=a)", 1, "lookaround is not supported"),
        (r"(a)\1", 4, "backreferences are not supported"),
        ("a{3,1}", 2, "invalid repetition count range"),
    ] {
        let failure = Regexp::new(pattern).expect_err(pattern);
        assert_eq!(failure.kind, Kind::Invalid, "{pattern}");
        assert!(failure.message.contains(says), "{pattern}: {failure}");
        let detail = failure.details.as_ref().and_then(|details| details.get("position")?.as_integer());
        assert_eq!(detail, Some(position), "{pattern}: {failure}");
    }
}

#[test]
fn patterns_that_would_explode_are_invalid() {
    let nested = format!("{}a{}", "(".repeat(500), ")".repeat(500));
    let groups = "(a)".repeat(200);
    let long = "a".repeat(20_000);
    for pattern in
        ["((a{1000}){1000}){1000}", r"\p{L}{1000}{1000}", &nested, &groups, &long, "(?:a{1000}){1000}"]
    {
        let failure = Regexp::new(pattern).expect_err("it is refused");
        assert_eq!(failure.kind, Kind::Invalid);
        assert!(failure.message.len() < 300, "{failure}");
    }
}

#[test]
fn patterns_whose_classes_take_long_to_read_are_invalid_before_they_are_read() {
    for part in [
        r"[\x{0}-\x{10FFFF}]",
        r"[a-\x{FFFF}]",
        r"\pL",
        r"\P{L}",
        r"[\W]",
        r"[[^a]]",
        "[[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]",
        r"[a&&b]",
        r"[a--b]",
    ] {
        let many = part.repeat(16_000 / part.len());
        for pattern in [format!("(?i){many}"), format!("(?i:{many})"), format!("(?s)a(?im-x){many}")] {
            let failure = Regexp::new(&pattern).expect_err("it is refused");
            assert!(failure.message.contains("too many large classes"), "{part}: {failure}");
            let cache = Cache::default();
            assert!(cache.quick(&pattern).expect("nothing was read").is_none(), "{part}");
        }
    }
    assert!(Regexp::new(&r"\pL".repeat(5_000)).is_err());
    // What people write is far from that.
    for pattern in [
        r"(?i)^[\w.%+-]+@[a-z0-9.-]+\.[a-z]{2,}$",
        r"(?i)\b(\pL[\pL\pM'-]*)\b",
        r"(?i)[^\x00-\x{7f}]+|[[:alpha:]]+|\p{Greek}|\p{Cyrillic}",
    ] {
        Regexp::new(pattern).expect(pattern);
    }
    assert!(Cache::default().quick(r"(?i)[a-z]+\w").expect("it is right").is_some());
}

#[test]
fn what_takes_long_to_compile_is_not_compiled_quickly() {
    assert!(Parsed::new(r"^[\w.-]{3,32}@[\w.-]+\.\w{2,}$").expect("it is read").is_quick());
    assert!(!Parsed::new(r"\p{L}{200}").expect("it is read").is_quick());
    let cache = Cache::default();
    assert!(cache.quick(r"\p{L}{200}").expect("it is right").is_none());
    cache.get(r"\p{L}{200}").expect("it compiles");
    assert!(cache.quick(r"\p{L}{200}").expect("it is right").is_some(), "it is kept");
}

#[test]
fn what_is_kept_is_bounded() {
    let cache = Cache::default();
    for number in 0..40 {
        cache.get(&format!(r"{number}\p{{L}}{{100}}")).expect("it compiles");
        assert!(cache.bytes() <= 32 << 20, "{number}: {}", cache.bytes());
    }
    assert!(cache.bytes() > 8 << 20, "it keeps what it can: {}", cache.bytes());
}

#[test]
fn searches_that_would_take_for_ever_are_refused_or_broken_off() {
    let text = vec![b'a'; 1 << 20];
    // One search that is too much by itself.
    let wide = regexp(&format!(
        "(?:{}){{200}}b",
        (0..20).map(|n| format!("a{{{n}}}")).collect::<Vec<_>>().join("|")
    ));
    assert_eq!(wide.spans(&text, true, 1, Bound::long(ROOM)), Err(Exceeded::Work));
    // A million searches, each to the end of the text.
    let quadratic = regexp("a(?:[a-z]*Q)?");
    let exceeded =
        quadratic.spans(&text, false, usize::MAX, Bound::long(64 << 20)).expect_err("it is broken off");
    assert_eq!(exceeded, Exceeded::Time);
    assert_eq!(Failure::from(exceeded).message, "the search took longer than 2 s; search in smaller pieces");
    assert_eq!(quadratic.spans(&text, false, usize::MAX, Bound::quick()), Err(Exceeded::Work));
}

#[test]
fn results_are_bounded() {
    let text = vec![b'a'; 100_000];
    let exceeded = regexp("a").spans(&text, false, usize::MAX, Bound::long(1 << 10)).expect_err("too much");
    assert_eq!(exceeded, Exceeded::Memory);
    assert_eq!(Failure::from(exceeded).message, "the result is too large; search in smaller pieces");
    let long = vec![b'x'; 10_000];
    assert_eq!(regexp("a").replace_all(&text, &long, Bound::long(1 << 20)), Err(Exceeded::Memory));
    assert_eq!(
        regexp("(a)").replace_all(&text, b"$1$1$1$1$1$1$1$1$1$1$1", Bound::long(1 << 20)),
        Err(Exceeded::Memory)
    );
}

proptest! {
    #[test]
    fn no_pattern_panics(pattern in r"[\\\[\](){}|*+?.^$a-z0-9:<>=!,&~-]{0,40}", text in any::<Vec<u8>>()) {
        if let Ok(regexp) = Regexp::new(&pattern) {
            let _ = regexp.spans(&text, true, 100, Bound::long(ROOM));
            let _ = regexp.replace_all(&text, b"$1", Bound::long(ROOM));
        }
    }

    #[test]
    fn literals_are_found_where_they_are(before in "[a-m]{0,20}", word in "[n-z]{1,5}", after in "[a-m]{0,20}") {
        let text = format!("{before}{word}{after}");
        let start = i32::try_from(before.len()).expect("short") + 1;
        let end = start + i32::try_from(word.len()).expect("short") - 1;
        prop_assert_eq!(spans(&word, &text), vec![start, end]);
    }
}
