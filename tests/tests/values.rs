//! Values cross exactly, or are refused with the place where they cannot.

use perilune::{Failure, Kind, Value};
use perilune_tests::{App, failure, lua_tests};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn map(fields: Vec<(Value, Value)>) -> Value {
    Value::Map(fields)
}

fn bytes(bytes: &[u8]) -> Value {
    bytes.into()
}

/// What Lua makes of a value: maps in one order, NaN in one form, no stacks.
fn normal(value: Value) -> String {
    match value {
        Value::Float(n) if n.is_nan() => "NaN".to_owned(),
        Value::Array(items) => format!("[{}]", items.into_iter().map(normal).collect::<Vec<_>>().join(",")),
        Value::Map(fields) => {
            let mut fields: Vec<String> =
                fields.into_iter().map(|(key, value)| format!("{}={}", normal(key), normal(value))).collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Error(failure) => {
            let Failure { kind, message, retryable, details, .. } = *failure;
            format!("error({kind:?} {message:?} {retryable:?} {:?})", details.map(normal))
        }
        other => format!("{other:?}"),
    }
}

fn echo() -> App {
    App::lua("", "return ...")
}

#[tokio::test]
async fn values_come_back_as_they_went() {
    let app = echo();
    let cases = [
        Value::Nil,
        true.into(),
        false.into(),
        0.into(),
        127.into(),
        128.into(),
        (-33).into(),
        65536.into(),
        i64::MAX.into(),
        i64::MIN.into(),
        0.0.into(),
        1.0.into(),
        (-1.5).into(),
        f64::MAX.into(),
        f64::MIN_POSITIVE.into(),
        f64::INFINITY.into(),
        f64::NEG_INFINITY.into(),
        f64::NAN.into(),
        "".into(),
        "text €".into(),
        bytes(b"\0\xff\xfe\x80"),
        bytes(&[0xf0; 70_000]),
        "x".repeat(70_000).into(),
        vec![].into(),
        map(vec![]),
        vec![1.into(), "two".into(), 3.0.into()].into(),
        Value::Array((0..70_000).map(Value::from).collect()),
        map(vec![
            ("a".into(), 1.into()),
            (true.into(), 2.into()),
            (7.into(), 3.into()),
            (1.5.into(), 4.into()),
        ]),
        map(vec![("list".into(), vec![].into()), ("map".into(), map(vec![]))]),
        map(vec![(bytes(b"\xff\0"), bytes(b"\0"))]),
        Failure::not_found("gone").with_detail("what", 5).with_retryable(true).into(),
        vec![Failure { kind: Kind::Other("Own".into()), message: "m".into(), ..Failure::default() }.into()]
            .into(),
    ];
    for case in cases {
        let returned = app.call("app:main", std::slice::from_ref(&case)).await.expect("it crosses");
        assert!(
            normal(returned) == normal(case.clone()),
            "{}",
            format!("{case:?}").chars().take(200).collect::<String>()
        );
    }
}

#[tokio::test]
async fn minus_zero_keeps_its_sign() {
    let Value::Float(zero) = echo().call("app:main", &[(-0.0).into()]).await.expect("it crosses") else {
        panic!("a float")
    };
    assert!(zero == 0.0 && zero.is_sign_negative());
}

#[tokio::test]
async fn a_whole_float_stays_a_float_and_an_integer_an_integer() {
    let app = App::lua("", "local f, i = ... return { math.type(f), math.type(i), f, i }");
    let expected: Vec<Value> = vec!["float".into(), "integer".into(), 3.0.into(), 3.into()];
    assert_eq!(app.call("app:main", &[3.0.into(), 3.into()]).await.expect("it crosses"), expected.into());
}

#[tokio::test]
async fn tables_made_in_lua_are_arrays_when_their_keys_are_one_to_n() {
    let cases: [(&str, Value); 11] = [
        ("{}", vec![].into()),
        ("{ 1, 2 }", vec![1.into(), 2.into()].into()),
        ("{ [1] = 'a', [2] = 'b' }", vec!["a".into(), "b".into()].into()),
        ("{ x = 1 }", map(vec![("x".into(), 1.into())])),
        ("{ 1, x = 2 }", map(vec![(1.into(), 1.into()), ("x".into(), 2.into())])),
        ("{ 1, nil, 3 }", map(vec![(1.into(), 1.into()), (3.into(), 3.into())])),
        ("{ [2] = 'b' }", map(vec![(2.into(), "b".into())])),
        ("{ [0] = 'z', 'a' }", map(vec![(0.into(), "z".into()), (1.into(), "a".into())])),
        ("{ [-1] = 'n' }", map(vec![((-1).into(), "n".into())])),
        ("{ [1.0] = 'whole' }", vec!["whole".into()].into()),
        ("{ ['1'] = 'text' }", map(vec![("1".into(), "text".into())])),
    ];
    for (source, expected) in cases {
        let value = App::lua("", &format!("return {source}")).main().await;
        assert_eq!(normal(value), normal(expected), "{source}");
    }
}

#[tokio::test]
async fn an_emptied_map_stays_a_map() {
    assert_eq!(App::lua("", "local t = { x = 1 } t.x = nil return t").main().await, map(vec![]));
}

#[tokio::test]
async fn holes_stay_holes() {
    let app =
        App::lua("", "local list = ... return { list[1], select('#', list[2]), list[2] == nil, list[3] }");
    let list: Value = vec!["a".into(), Value::Nil, "c".into()].into();
    let expected: Vec<Value> = vec!["a".into(), 1.into(), true.into(), "c".into()];
    assert_eq!(app.call("app:main", &[list]).await.expect("it crosses"), expected.into());
}

#[tokio::test]
async fn metatables_stay_inside() {
    let source = "return setmetatable({ x = 1 }, { __index = { y = 2 }, __len = function() return 5 end, __pairs = error })";
    assert_eq!(App::lua("", source).main().await, map(vec![("x".into(), 1.into())]));
}

#[tokio::test]
async fn one_table_twice_becomes_two() {
    let app = App::lua("", "local t = { 1 } return { t, t }");
    assert_eq!(app.main().await, vec![vec![1.into()].into(), vec![1.into()].into()].into());
}

#[tokio::test]
async fn nil_arguments_count() {
    let app = App::lua("", "return select('#', ...)");
    for count in [0, 1, 2, 5] {
        let count_seen = app.call("app:main", &vec![Value::Nil; count]).await.expect("it runs");
        assert_eq!(count_seen, Value::from(count as i64));
    }
    assert_eq!(app.call("app:main", &[1.into(), Value::Nil, Value::Nil]).await.expect("it runs"), 3.into());
}

#[tokio::test]
async fn many_arguments_arrive() {
    let app = App::lua("", "return { select('#', ...), (select(5000, ...)) }");
    let args: Vec<Value> = (1..=5000).map(Value::from).collect();
    assert_eq!(app.call("app:main", &args).await.expect("it runs"), vec![5000.into(), 5000.into()].into());
}

/// `levels` tables inside each other.
fn nested(levels: usize) -> Value {
    (1..levels).fold(vec![].into(), |inner, _| vec![inner].into())
}

#[tokio::test]
async fn tables_nest_128_deep_and_no_deeper() {
    let app = echo();
    assert_eq!(app.call("app:main", &[nested(128)]).await.expect("it crosses"), nested(128));
    assert_eq!(app.call("app:main", &[nested(129)]).await.expect_err("it is refused").kind, Kind::Invalid);
    for (levels, fine) in [(128, true), (129, false)] {
        let body = format!("local t = {{}} for _ = 2, {levels} do t = {{ t }} end return t");
        match App::lua("", &body).call("app:main", &[]).await {
            Ok(value) => assert!(fine && value == nested(levels)),
            Err(failure) => {
                assert!(!fine && failure.kind == Kind::Invalid, "{failure:?}");
                assert!(failure.message.contains("nested more than 128 deep"), "{}", failure.message);
            }
        }
    }
}

/// Lua expressions that cannot cross, the path below the root, and what the message calls them.
const REFUSED: [(&str, &str, &str); 9] = [
    ("print", "", "a function"),
    ("{ user = { callback = function() end } }", ".user.callback", "a function"),
    ("{ 1, { x = coroutine.create(print) } }", "[2].x", "a coroutine"),
    ("{ list = { 'a', 'b', channel.new() } }", ".list[3]", "a channel"),
    ("{ [5] = { [1.5] = print } }", "[5][1.5]", "a function"),
    ("{ p = payload.new(1) }", ".p", "a payload"),
    ("{ case = channel.new():case_receive() }", ".case", "a channel.case"),
    ("(function() local t = { a = {} } t.a.b = t return t end)()", ".a.b", "a table that contains itself"),
    (
        "{ e = errors.new({ message = 'm', details = { deep = { print } } }) }",
        ".e.details.deep[1]",
        "a function",
    ),
];

#[tokio::test]
async fn a_result_that_cannot_cross_is_refused_with_its_place() {
    for (source, path, what) in REFUSED {
        let failure = failure("", &format!("return {source}")).await;
        let expected = format!("the result{path}: {what} cannot cross the sandbox boundary");
        assert_eq!((failure.kind, failure.message), (Kind::Invalid, expected));
    }
}

#[tokio::test]
async fn an_argument_that_cannot_cross_is_refused_with_its_place() {
    for (source, path, what) in REFUSED {
        let body = format!(
            "local _, e = require('funcs').call('app:main', 'first', {source})\nreturn {{ e:kind(), e:message() }}"
        );
        let expected = format!("argument 2{path}: {what} cannot cross the sandbox boundary");
        assert_eq!(App::lua("funcs", &body).main().await, vec!["Invalid".into(), expected.into()].into());
    }
}

#[tokio::test]
async fn keys_that_cannot_cross_are_refused() {
    for key in ["{}", "print", "channel.new()", "coroutine.create(print)", "errors.new('m')"] {
        let failure = failure("", &format!("return {{ x = {{ [{key}] = 1 }} }}")).await;
        assert_eq!(failure.kind, Kind::Invalid, "{key}");
        assert!(failure.message.starts_with("the result.x["), "{}", failure.message);
        assert!(
            failure.message.ends_with("only strings, numbers and booleans can be keys outside the sandbox"),
            "{}",
            failure.message
        );
    }
}

#[tokio::test]
async fn details_that_cannot_cross_make_the_failure_invalid() {
    let details = "{ deep = { callback = print } }";
    let expected = "details.deep.callback: a function cannot cross the sandbox boundary; the error was: m";
    for how in ["error(e)", "return nil, e"] {
        let body = format!(
            "local e = errors.new({{ message = 'm', retryable = true, details = {details} }})\n{how}"
        );
        let failure = failure("", &body).await;
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Invalid, expected));
        assert_eq!((failure.retryable, failure.details), (Some(false), None));
    }
}

lua_tests! {
    a_refused_argument_leaves_the_next_call_working("funcs") r#"
        local funcs = require("funcs")
        if ... then return ... end
        for _ = 1, 100 do
          local none, err = funcs.call("app:main", ("x"):rep(1000), { print })
          assert(none == nil and errors.is(err, errors.INVALID))
        end
        assert(funcs.call("app:main", "fine") == "fine")
    "#

    values_cross_between_functions_as_they_are("funcs") r#"
        if ... ~= nil then return ... end
        local echo = function(v) return (require("funcs").call("app:main", v)) end
        assert(math.type(echo(3.0)) == "float" and math.type(echo(3)) == "integer")
        assert(echo(math.mininteger) == math.mininteger and echo(math.maxinteger) == math.maxinteger)
        assert(1 / echo(-0.0) == -math.huge and echo(math.huge) == math.huge)
        local nan = echo(0/0)
        assert(nan ~= nan)
        assert(echo("\0\xff") == "\0\xff" and echo("") == "")
        local t = echo({ 1, nil, 3, x = { y = true }, [2.5] = false })
        assert(t[1] == 1 and t[2] == nil and t[3] == 3 and t.x.y == true and t[2.5] == false)
    "#
}

/// Any value that can be in a Lua table: no NaN or nil as keys, no nil as element or field.
fn value() -> impl Strategy<Value = Value> {
    tree().prop_map(canonical)
}

fn tree() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-3..5i64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_filter("no NaN", |n| !n.is_nan()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::String),
    ];
    let leaf = prop_oneof![4 => key.clone(), 1 => Just(Value::from(f64::NAN))];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        let fields = prop::collection::vec((key.clone(), inner.clone()), 0..8);
        let failure =
            (".{0,8}", ".{0,20}", any::<Option<bool>>(), prop::option::of((".{0,8}", inner.clone())));
        prop_oneof![
            prop::collection::vec(inner, 0..8).prop_map(Value::from),
            fields.prop_map(Value::Map),
            failure.prop_map(|(kind, message, retryable, detail)| {
                let details = detail.map(|(key, value)| Value::from_iter([(key, value)]));
                Failure { kind: Kind::from(&*kind), message, retryable, details, stack: None }.into()
            }),
        ]
    })
}

/// The form that Lua gives a map: whole floats are integer keys, the last of equal keys wins, 1..n is an array.
fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Map(fields) => {
            let mut unique: Vec<(Value, Value)> = Vec::new();
            for (key, value) in fields {
                let key = key.as_integer().map_or(key, Value::from);
                unique.retain(|(known, _)| *known != key);
                unique.push((key, canonical(value)));
            }
            unique.sort_by_key(|(key, _)| key.as_integer());
            let is_list = unique.iter().enumerate().all(|(i, (key, _))| *key == Value::from(i as i64 + 1));
            if is_list && !unique.is_empty() {
                return Value::Array(unique.into_iter().map(|(_, value)| value).collect());
            }
            Value::Map(unique)
        }
        Value::Error(mut failure) => {
            failure.details = failure.details.map(canonical);
            Value::Error(failure)
        }
        other => other,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

#[test]
fn any_value_comes_back_as_it_went() {
    let app = echo();
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&value(), |value| {
        let returned = block_on(app.call("app:main", std::slice::from_ref(&value))).expect("it crosses");
        prop_assert_eq!(normal(returned), normal(value));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

/// Bytes, and texts made of what Lua is made of.
fn source() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "return", "function", "end", "local", "x", "=", "(", ")", "{", "}", "[[", "]]", "--", "\n", "\"",
        "\\x", "0x", "1e", "..", "...", "goto", "::", "<close>", "if", "then", "while", "do", "repeat",
        "until", "for", "in", "~", "//", "\0", "\x1bLua", "#", "main", ",", ";", "$", "é",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(words.clone(), 0..60).prop_map(|words| words.join(" ").into_bytes()),
        prop::collection::vec(words, 0..60).prop_map(|words| words.concat().into_bytes()),
    ]
}

#[test]
fn any_bytes_as_a_source_are_refused_or_run() {
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&source(), |source| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let yaml = "version: '1.0'\nnamespace: app\nname: main\nkind: function.lua\nsource: file://main.lua\nmethod: main\n\
                    limits: {cpu: 50ms, memory: 16MiB}\n";
        std::fs::write(folder.path().join("app.yaml"), yaml).expect("it is written");
        std::fs::write(folder.path().join("main.lua"), source).expect("it is written");
        if let Ok(runtime) = perilune::Runtime::builder().directory(folder.path()).build() {
            // Whatever comes of it: that it comes back is the promise.
            let _ = block_on(runtime.call("app:main", []));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
