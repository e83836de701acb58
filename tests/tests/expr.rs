//! Module `expr`, as Lua sees it. The crate `expr-lang` says what expressions mean; it is not what evaluates them, because it can be
//! made to take any amount of memory.

use perilune::{Kind, Value};
use perilune_tests::{App, TIGHT, lua_tests};
use perilune_value::json;

/// Expressions that both must agree on. Maps are compared as JSON.
const AGREED: &[&str] = &[
    "nil",
    "true",
    "42",
    "1.5",
    "\"hello\"",
    "[1, 2, 3]",
    "{a: 1, b: \"two\"}",
    "1 + 2 * 3",
    "2 ** 3",
    "2 ^ -1",
    "1 + 0.5",
    "1 == 1.0",
    "1 < 1.5",
    "nil ?? \"fallback\"",
    "true ? \"yes\" : \"no\"",
    "[1, 2, 3][-1]",
    "[1, 2, 3, 4][1:3]",
    "2 in [1, 2, 3]",
    "\"hello\" startsWith \"he\"",
    "\"hello\" endsWith \"lo\"",
    "\"hello\" contains \"ell\"",
    "\"hello\" matches \"^h.*o$\"",
    "\"hello\" matches \"^a\"",
    "1..3",
    "3..1",
    "let x = 2; x * 3",
    "let x = 2; let y = x + 1; x * y",
    "upper(\"mise\")",
    "lower(\"ÄB\")",
    "split(\"a,b,c\", \",\")",
    "split(\"a,b,c\", \",\", 2)",
    "splitAfter(\"a,b\", \",\", -1)",
    "len(split(\"abc\", \",\", 0))",
    "map([1, 2, 3], {# * 2})",
    "map([1, 2, 3], # * 2)",
    "filter([1, 2, 3], {# > 1})",
    "find([1, 2, 3], {# > 1})",
    "findIndex([1, 2, 3], {# > 1})",
    "findLast([1, 2, 3], # < 3)",
    "findLastIndex([1, 2, 3], # < 3)",
    "all([1, 2], # > 0)",
    "any([1, 2], # > 1)",
    "none([1, 2], # > 2)",
    "one([1, 2], # > 1)",
    "sort([3, 1, 2])",
    "sort([3, 1, 2], \"desc\")",
    "sort(keys({a: 1, b: 2}))",
    "len({a: 1, b: 2})",
    "int(\"42\")",
    "int(1.9)",
    "float(\"1.5\")",
    "float(5)",
    "string(42)",
    "string(1.5)",
    "string(1 / 0)",
    "string(100000.0)",
    "bitand(14, 11)",
    "bitor(8, 3)",
    "bitxor(6, 3)",
    "bitnand(35, 9)",
    "bitnot(5)",
    "bitshl(39, 3)",
    "bitshr(5, 1)",
    "bitshr(-5, 64)",
    "bitushr(-5, 2)",
    "0x2A",
    "0o52",
    "0b101010",
    "1_000_000",
    ".5",
    "2 not in [1, 3]",
    "\"name\" not in {other: 1}",
    "{\"display-name\": \"mise\"}[\"display-name\"]",
    "[1, 2,]",
    "{a: 1,}",
    "max(5, 7)",
    "min(5, 7)",
    "max(1.5, 2)",
    "max([1, [5, 3]], 4)",
    "abs(-5)",
    "abs(-1.5)",
    "ceil(1.5)",
    "floor(-1.5)",
    "round(1.5)",
    "round(-1.5)",
    "mean([1, 2, 3, 4])",
    "median([4, 1, 3, 2])",
    "join([\"a\", \"b\", \"c\"], \"-\")",
    "join([\"a\", \"b\"])",
    "first([1, 2, 3])",
    "first([])",
    "last([1, 2, 3])",
    "take([1, 2, 3], 2)",
    "take([1, 2], 9)",
    "reverse([1, 2, 3])",
    "uniq([1, 2, 1, 3, 2])",
    "uniq([1, 1.0, 2])",
    "concat([1, 2], [3], [])",
    "flatten([1, [2, [3]], 4])",
    "count([true, false, true])",
    "count([1, 2, 3], {# > 1})",
    "sum([1, 2, 3])",
    "sum([1, 2.5, 3])",
    "sum([1, 2, 3], {# * 2})",
    "reduce([1, 2, 3], #acc + #)",
    "reduce([1, 2, 3], #acc + #, 10)",
    "reduce([1, 2, 3], {let doubled = # * 2; #acc + doubled}, 10)",
    "[1, 2, 3] | reduce(#acc + #, 10)",
    "[1, 2, 3] | map(# + 1) | filter(# > 2)",
    "\"a,b,c\" | split(\",\")",
    "type(nil)",
    "type(42)",
    "type(1.5)",
    "type([1])",
    "type({a: 1})",
    "type(max(1.5, 2))",
    "get([1, 2], 1)",
    "get([1, 2], 9)",
    "get({a: 1}, \"missing\")",
    "toBase64(\"Hello World\")",
    "fromBase64(\"SGVsbG8gV29ybGQ=\")",
    "sortBy(toPairs({a: 1, b: 2}), {#[0]})",
    "fromPairs([[\"a\", 1], [\"b\", 2]]).b",
    "fromPairs([[1, \"one\"]])[1]",
    "sortBy([{n: 2}, {n: 1}], .n)",
    "sortBy([{n: 2}, {n: 1}], .n, \"desc\")",
    "repeat(\"foo\", 3)",
    "replace(\"foo,bar,baz,goo\", \",\", \"-\", 2)",
    "replace(\"aaa\", \"a\", \"b\")",
    "map([10, 20, 30], #index)",
    "reduce([10, 20, 30], #acc + #index, 0)",
    "if true { 1 } else { 2 }",
    "if false { 1 } else if true { 2 } else { 3 }",
    "if true { let x = 2; x * 3 } else { 0 }",
    "5 / 2",
    "6 / 2",
    "-7 % 3",
    "7 % -3",
    "9223372036854775807 + 1",
    "[1, 2][2:1]",
    "[1, 2][99:]",
    "[1, 2][-99:]",
    "[1, 2][:-1]",
    "1 + 1..2 + 2",
    "\"héllo\"[1:3]",
    "len(\"é🙂\")",
    "trim(\"  x \")",
    "trim(\"__x_\", \"_\")",
    "trimPrefix(\"foobar\", \"foo\")",
    "trimSuffix(\"foobar\", \"bar\")",
    "indexOf(\"abcabc\", \"c\")",
    "lastIndexOf(\"abcabc\", \"c\")",
    "indexOf(\"abc\", \"z\")",
    "hasPrefix(\"abc\", \"ab\")",
    "hasSuffix(\"abc\", \"bc\")",
    "groupBy(1..9, # % 2)[0]",
    "groupBy([\"a\", \"bb\"], len(#))[2]",
    "keys({a: 1})",
    "values({a: 1})",
    "toJSON([1, nil, {a: 1.5}])",
    "fromJSON(\"[1, {\\\"a\\\": null}]\")[0]",
    "not false",
    "!true || true",
    "true and not false",
    "1 != 2 && 2 >= 2 && 3 <= 3",
    "\"a\" < \"b\"",
    "\"a\" + \"b\"",
    "[1, [2]] == [1, [2]]",
    "[1] == [2]",
    "-2 ** 2",
    "2 ** 3 ** 2",
    "10 - 2 - 3",
    "(1 + 2) * 3",
    "// a comment\n1 /* another */ + 1",
    "`raw \\n text`",
    "1e3",
    "1.2e-4",
    "map([[1, 2], [3]], map(#, # * 10))",
    "len(1..10)",
    "nil == nil",
    "[{a: 1}, {a: 2}] | map(.a) | sum()",
    "true ? false ? 1 : 2 : 3",
    "\"x\" in {x: 1}",
    "1 in [1.0]",
];

/// Expressions that both must refuse.
const REFUSED: &[&str] = &[
    "true and 1",
    "1 ? 2 : 3",
    "reduce([], #acc + #)",
    "repeat(\"x\", -1)",
    "sort([1, \"2\"])",
    "if 1 { 2 } else { 3 }",
    "1 % 0",
    "1 +",
    "(1",
    "[1",
    "{a 1}",
    "\"open",
    "nobody(1)",
    "1 + \"a\"",
    "\"a\" * 2",
    "nil.x",
    "1 < \"a\"",
    "!1",
    "-\"a\"",
    "1__0",
    "0x10000000000000000",
    "9223372036854775808",
    "1e9999",
    "\"\\z\"",
    "\"a\" matches \"(\"",
    "map(1, #)",
    "let x = 1",
    "a b",
    "1 2",
    "@",
    "filter([1], 1)",
    "len(5)",
    "fromJSON(\"{\")",
    "upper(1)",
    "sum([\"a\"])",
    "\"a\" in 5",
];

async fn evaluator() -> App {
    App::lua("expr", "return require('expr').eval(...)")
}

#[tokio::test]
async fn expressions_mean_what_the_language_says() {
    let app = evaluator().await;
    let mut differ = Vec::new();
    for source in AGREED {
        let theirs = expr::eval(source, &expr::Context::default())
            .map(|value| json::encode(&to_value(value)).expect("it has a JSON form"));
        let ours = app
            .call("app:main", &[(*source).into()])
            .await
            .map(|value| json::encode(&value).expect("it has a JSON form"));
        match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) if theirs == ours => {}
            _ => differ.push(format!("{source}\n  theirs: {theirs:?}\n  ours: {ours:?}")),
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn what_means_nothing_is_refused() {
    let app = evaluator().await;
    let mut wrong = Vec::new();
    for source in REFUSED {
        let theirs = expr::eval(source, &expr::Context::default());
        let ours = app.call("app:main", &[(*source).into()]).await;
        if theirs.is_ok() || ours.as_ref().err().is_none_or(|failure| failure.kind != Kind::Internal) {
            wrong.push(format!("{source}\n  theirs: {theirs:?}\n  ours: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn to_value(value: expr::Value) -> Value {
    match value {
        expr::Value::Integer(value) => value.into(),
        expr::Value::Bool(value) => value.into(),
        expr::Value::Float(value) => value.into(),
        expr::Value::String(value) => value.into(),
        expr::Value::Array(items) => Value::Array(items.into_iter().map(to_value).collect()),
        expr::Value::Map(fields) => fields.into_iter().map(|(key, value)| (key, to_value(value))).collect(),
        _ => Value::Nil,
    }
}

lua_tests! {
    the_environment_is_read_by_name("expr") r#"
        local expr = require("expr")
        local env = { price = 10, tax = 0.2, items = { { n = 1, tags = { "a" } }, { n = 2 } }, user = { name = "ann" }, f = print }
        for source, expected in pairs({
            ["price * (1 + tax)"] = 12.0, ["items[1].n"] = 2, ["items[-1].n"] = 2, ["user.name"] = "ann", ['user["name"]'] = "ann",
            ["len(items)"] = 2, ["sum(items, .n)"] = 3, ["items | filter(.n > 1) | map(.n) | first()"] = 2, ['$env["price"]'] = 10,
            ["missing ?? 5"] = 5, ["user?.name"] = "ann", ["missing?.name.first ?? 6"] = 6, ["(missing?.name) ?? 7"] = 7, ["user.age ?? 8"] = 8,
            ["f == nil"] = true, ["'a' in items[0].tags"] = true, ["any(items, 'a' in (.tags ?? []))"] = true, ["missing?.[0] ?? 9"] = 9,
        }) do
            local value, err = expr.eval(source, env)
            assert(value == expected and math.type(value) == math.type(expected), source .. ": " .. tostring(value) .. tostring(err))
        end
        assert(expr.eval("price") == nil and expr.eval("1 + 1") == 2)
        assert(expr.eval("{a: {b: [5]}}.a.b[0] + ({a: [1]} == {a: [1]} ? 1 : 0)") == 6 and expr.eval('"\\u00e9"') == "é")
    "#

    lists_may_hold_nil_while_they_are_worked_on("expr") r#"
        local expr = require("expr")
        local env = { users = { { mail = "a" }, {}, { mail = "c" } } }
        assert(expr.eval("len(map(users, .mail))", env) == 3)
        assert(expr.eval("count(map(users, .mail), # == nil)", env) == 1)
        assert(expr.eval("map(users, .mail) | filter(# != nil) | join('+')", env) == "a+c")
        assert(expr.eval("toJSON(map(users, .mail))", env) == '["a",null,"c"]')
        local mails = expr.eval("map(users, .mail)", env)
        assert(mails[1] == "a" and mails[2] == nil and mails[3] == "c")
    "#

    programs_are_compiled_once_and_run_often("expr") r#"
        local expr = require("expr")
        local program = assert(expr.compile("x > limit ? 'over' : 'under'", { x = 0, limit = 0 }))
        assert(program:run({ x = 1, limit = 2 }) == "under" and program:run({ x = 3, limit = 2 }) == "over")
        local none, err = expr.compile("y > 1", { x = 0 })
        assert(none == nil and err:kind() == errors.INTERNAL and err:message():find("`y`"))
        assert(select(2, program:run(5)):kind() == errors.INVALID)
        for i = 1, 2100 do
            assert(expr.eval("1 + " .. i) == 1 + i)
        end
    "#

    mistakes_are_named_with_their_place("expr") r#"
        local expr = require("expr")
        for _, empty in ipairs({ "", "  \n", 5, false }) do
            assert(select(2, expr.eval(empty)):kind() == errors.INVALID and select(2, expr.compile(empty)):kind() == errors.INVALID)
        end
        for source, place in pairs({ ["1 +\n  )"] = "`)` at line 2 column 3", ["nobody(1)"] = "`nobody` at line 1 column 1", ["max()"] = "max takes 1 to any number" }) do
            local value, err = expr.eval(source)
            assert(value == nil and err:kind() == errors.INTERNAL and err:message():find(place, 1, true), tostring(err))
        end
        assert(select(2, expr.eval("a.b", { a = 5 })):message():find("cannot fetch b from int"))
        assert(select(2, expr.eval("a[3]", { a = { 1 } })):message():find("index out of range"))
    "#

    deep_and_circular_things_are_errors("expr") r#"
        local expr = require("expr")
        local loop, other = {}, {}
        loop.loop, other.loop = loop, other
        for _, source in ipairs({
            ("("):rep(1000) .. "1" .. (")"):rep(1000), ("a["):rep(1000) .. "0" .. ("]"):rep(1000), ("-"):rep(1000) .. "1", ("["):rep(5000),
            "loop == other", "string(loop)", "toJSON(loop)", "1..1000000000", "repeat('x', 1000000000)", "1" .. ("** 1"):rep(1000),
        }) do
            local value, err = expr.eval(source, { loop = loop, other = other, a = {} })
            assert(value == nil and err:kind() == errors.INTERNAL, source:sub(1, 30))
        end
        assert(expr.eval("1" .. (" + 1"):rep(5000)) == 5001)
    "#

    regular_expressions_are_bounded("expr") r#"
        local expr = require("expr")
        local long = ("a"):rep(200 * 1024)
        assert(expr.eval("long matches 'b$'", { long = long .. "b" }) == true)
        assert(expr.eval("long matches '(a*)*c'", { long = long }) == false)
        assert(expr.eval("'a\xffb' matches 'b'") == true)
        for _, pattern in ipairs({ "(", ("a"):rep(2000), "(a{100}){100}{100}" }) do
            local value, err = expr.eval("'a' matches pattern", { pattern = pattern })
            assert(value == nil and err:kind() == errors.INTERNAL, pattern:sub(1, 20))
        end
        assert(select(2, expr.eval("long matches 'a'", { long = ("a"):rep(300 * 1024) })):kind() == errors.INTERNAL)
    "#
}

/// What takes any amount of memory or time elsewhere ends the cell that asks for it, and nothing else.
#[tokio::test]
async fn hostile_expressions_end_their_own_cell() {
    let doubling: String = (1..40).map(|n| format!("let x{n} = x{} + x{};", n - 1, n - 1)).collect();
    let hostile = [
        format!("let x0 = 'xxxxxxxxxxxxxxxx'; {doubling} len(x39)"),
        "reduce(1..60, #acc + #acc, 'xx')".to_owned(),
        "count(1..1000000, count(1..1000000, count(1..1000000, true) > 0) > 0)".to_owned(),
        "reduce(1..100, [#acc, #acc, #acc, 1..1000000], [])".to_owned(),
    ];
    let app = App::entries_with(
        &[
            (
                "hostile",
                "function",
                "modules: [expr]",
                "return function(s) return nil, select(2, require('expr').eval(s)) end",
            ),
            (
                "calm",
                "function",
                "modules: [expr]",
                "return function() return require('expr').eval('1 + 1') end",
            ),
        ],
        |builder| builder.limits(TIGHT),
    );
    for source in hostile {
        let failure = app.call("app:hostile", &[source.as_str().into()]).await.expect_err(&source);
        assert!(matches!(failure.kind, Kind::RateLimited | Kind::Timeout), "{source}: {failure:?}");
        assert_eq!(app.call("app:calm", &[]).await, Ok(2.into()));
    }
}
