//! Module `json`. A cell writes and reads the usual text itself and asks the host for the rest; nobody can tell which.

use perilune::{Failure, Value};
use perilune_tests::{App, lua_tests};
use perilune_value::json;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What the cell makes of an argument: a result, or kind and message of what was refused.
fn app(function: &str) -> App {
    App::lua(
        "json",
        &format!(
            "local result, err = require('json').{function}((...))\n\
             if err then return {{ kind = err:kind(), message = err:message() }} end\n\
             return {{ result = result }}"
        ),
    )
}

fn outcome(result: Result<Value, Failure>) -> Value {
    match result {
        Ok(Value::Nil) => Value::Map(vec![]),
        Ok(value) => Value::from_iter([("result", as_lua(value))]),
        Err(Failure { kind, message, .. }) => {
            Value::from_iter([("kind", kind.as_str().into()), ("message", Value::from(message))])
        }
    }
}

/// The form in which a table comes back from Lua: holes leave integer keys, fields are in one order.
fn as_lua(value: Value) -> Value {
    match value {
        Value::Array(items) if items.contains(&Value::Nil) => {
            let fields = (1..).zip(items).filter(|(_, item)| *item != Value::Nil);
            let fields: Vec<(Value, Value)> = fields.map(|(at, item)| (at.into(), as_lua(item))).collect();
            let whole = fields.iter().zip(1..).all(|((key, _), at)| *key == Value::Integer(at));
            if whole {
                Value::Array(fields.into_iter().map(|(_, item)| item).collect())
            } else {
                Value::Map(fields)
            }
        }
        Value::Array(items) => Value::Array(items.into_iter().map(as_lua).collect()),
        Value::Map(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, as_lua(value))).collect();
            fields.sort_by(|(a, _), (b, _)| format!("{a:?}").cmp(&format!("{b:?}")));
            Value::Map(fields)
        }
        other => other,
    }
}

/// Runs the cases against one application.
fn agree<T: std::fmt::Debug + Clone>(
    cases: u32,
    function: &str,
    strategy: impl Strategy<Value = T>,
    argument: impl Fn(T) -> Value,
    expected: impl Fn(&T) -> Value,
) {
    let thread = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let app = thread.block_on(async { app(function) });
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let compare = |case: T| {
        let wanted = expected(&case);
        let given = thread.block_on(app.call("app:main", &[argument(case)])).expect("it crosses");
        prop_assert_eq!(format!("{:?}", as_lua(given)), format!("{:?}", as_lua(wanted)));
        Ok(())
    };
    runner.run(&strategy, compare).unwrap_or_else(|error| panic!("{error}"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z_]{0,12}",
        1 => "[ -~]{0,40}",
        1 => "[\\x00-\\x1f\"\\\\<>&/é\u{2027}-\u{202a}\u{1f600}a]{0,20}",
        1 => any::<String>(),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<f64>(),
        (-1e9..1e9f64, 0..8i32).prop_map(|(x, places)| (x * 10f64.powi(places)).round() / 10f64.powi(places)),
        -1.0..1.0f64,
        -1e17..1e17f64,
        // A few units beside what has a short form.
        (1..100_000u64, 0..8i32, -3..4i64).prop_map(|(m, places, off)| {
            f64::from_bits((m as f64 / 10f64.powi(places)).to_bits().wrapping_add_signed(off))
        }),
    ]
}

/// Mostly what has a JSON form, and a little of everything else that a table may hold.
fn value() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        40 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (1..4i64).prop_map(Value::from),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::String),
    ];
    let leaf = prop_oneof![
        8 => text().prop_map(Value::from),
        4 => any::<i64>().prop_map(Value::from),
        4 => (-1000..1000i64).prop_map(Value::from),
        8 => float().prop_map(Value::from),
        4 => any::<bool>().prop_map(Value::from),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::String),
        1 => text().prop_map(|message| Failure::not_found(message).into()),
    ];
    leaf.prop_recursive(5, 100, 24, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..24).prop_map(|fields| {
                let mut unique: Vec<(Value, Value)> = Vec::new();
                for (key, value) in fields {
                    if unique.iter().all(|(known, _)| *known != key) {
                        unique.push((key, value));
                    }
                }
                Value::Map(unique)
            }),
        ]
    })
}

fn encoded(value: &Value) -> Value {
    outcome(json::encode(value).map(Value::from))
}

#[test]
fn a_cell_writes_what_the_host_writes() {
    // Which of several refusals is named depends on the order of fields, so only values with one outcome are compared.
    let one_outcome = value().prop_filter("refused for one reason", |value| json::encode(value).is_ok());
    agree(1_000, "encode", one_outcome, |value| value, encoded);
}

#[test]
fn a_cell_writes_floats_as_the_host_does() {
    let list = prop::collection::vec(float().prop_map(Value::from), 1..200).prop_map(Value::Array);
    agree(300, "encode", list, |value| value, encoded);
}

/// JSON text with white space, escapes, null, every kind of number and, at times, a flaw.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (-100..100i64).prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        float().prop_filter("finite", |n| n.is_finite()).prop_map(|n| n.to_string()),
        float().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?",
    ];
    let string = prop_oneof![
        text().prop_map(|text| serde_json::Value::from(text).to_string()),
        "\"([a-z]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}|\\\\ud83d\\\\ude0[0-9]|é){0,12}\"",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number,
        string.clone(),
    ];
    let whole = leaf.prop_recursive(5, 100, 80, move |inner| {
        let field = (prop_oneof![string.clone(), "\"[ab]\""], inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..80).prop_map(|items| format!(" [{}]\n", items.join(" ,\t"))),
            prop::collection::vec(field, 0..80).prop_map(|fields| {
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{}}}\r", fields.join(", "))
            }),
        ]
    });
    (whole, prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()))).prop_map(
        |(text, flaw)| {
            let mut text = text.into_bytes();
            if let Some((at, byte)) = flaw {
                let at = at.index(text.len());
                if byte < 64 { text.truncate(at) } else { text[at] = byte }
            }
            text
        },
    )
}

#[test]
fn a_cell_reads_what_the_host_reads_and_refuses_what_it_refuses() {
    let expected = |text: &Vec<u8>| outcome(json::decode(text));
    agree(1_500, "decode", document(), Value::String, expected);
}

lua_tests! {
    keys_stand_in_the_order_of_their_bytes("json") r#"
        local json = require("json")
        local keys = { "", "\0", "a", "a\0", "a\0b", "aa", "aaaaaaaa", "aaaaaaaa\0", "aaaaaaaab", "aaaaaaab", "é", "z", "~" }
        for i = 1, 40 do keys[#keys + 1] = ("common prefix %02d"):format(i) keys[#keys + 1] = ("x"):rep(i * 5) end
        local fields = {}
        for i = #keys, 1, -1 do fields[keys[i]] = 1 end
        table.sort(keys)
        for i, key in ipairs(keys) do keys[i] = json.encode(key) .. ":1" end
        assert(json.encode(fields) == "{" .. table.concat(keys, ",") .. "}")
    "#

    text_is_escaped_wherever_it_stands("json") r#"
        local json = require("json")
        local forms = {
            ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
            ["\0"] = "\\u0000", ["\31"] = "\\u001f", ["<"] = "\\u003c", [">"] = "\\u003e", ["&"] = "\\u0026",
            ["\u{2028}"] = "\\u2028", ["\u{2029}"] = "\\u2029", ["\u{2027}"] = "\u{2027}", ["\u{202a}"] = "\u{202a}",
            ["\127"] = "\127", ["/"] = "/", ["é"] = "é", ["😀"] = "😀", ["\xff"] = "\u{fffd}",
        }
        for raw, form in pairs(forms) do
            for before = 0, 17 do
                for after = 0, 9 do
                    local left, right = ("x"):rep(before), ("y"):rep(after)
                    local text = json.encode(left .. raw .. raw .. right)
                    assert(text == '"' .. left .. form .. form .. right .. '"', text)
                    assert(raw == "\xff" or json.decode(text) == left .. raw .. raw .. right)
                end
            end
        end
    "#

    long_texts_cross_whole("json") r#"
        local json = require("json")
        for _, unit in ipairs({ "x", "\n", "<", "é", "\u{2028}", "😀" }) do
            local text = unit:rep(100000)
            assert(json.decode(json.encode({ text })) [1] == text)
        end
    "#

    numbers_have_their_shortest_text("json") r#"
        local json = require("json")
        local cases = {
            { 0.1, "0.1" }, { -0.1, "-0.1" }, { 129.95, "129.95" }, { 1e-7, "0.0000001" }, { 1e-22, "0." .. ("0"):rep(21) .. "1" },
            { 0.1 + 0.2, "0.30000000000000004" }, { 1 / 3, "0.3333333333333333" }, { 2 / 3, "0.6666666666666666" },
            { 100.0, "100" }, { -0.0, "-0" }, { 2^53, "9007199254740992" }, { 2^60, "1152921504606847000" },
            { 1e21, "1" .. ("0"):rep(21) }, { 5e-324, "0." .. ("0"):rep(323) .. "5" }, { 4503599627370495.5, "4503599627370495.5" },
            { math.maxinteger, "9223372036854775807" }, { math.mininteger, "-9223372036854775808" }, { 0, "0" }, { -7, "-7" },
            { 0/0, "null" }, { math.huge, "null" }, { -math.huge, "null" },
        }
        for _, case in ipairs(cases) do
            assert(json.encode(case[1]) == case[2], json.encode(case[1]))
        end
    "#

    numbers_are_integers_where_they_fit_and_floats_elsewhere("json") r#"
        local json = require("json")
        local cases = {
            { "0", 0 }, { "-1", -1 }, { "9223372036854775807", math.maxinteger }, { "-9223372036854775808", math.mininteger },
            { "9223372036854775808", 2^63 }, { "-9223372036854775809", -2^63 }, { "1.0", 1.0 }, { "1e2", 100.0 }, { "1E+2", 100.0 },
            { "25e-1", 2.5 }, { "0.30000000000000004", 0.1 + 0.2 }, { "12345678901234567890123", 12345678901234567890123.0 },
            { "0.1234567890123456789012345678901234567890", 0.12345678901234568 }, { "1e-400", 0.0 }, { "930000000000000000.0e1", 9.3e18 },
            { "1.7976931348623157e308", 1.7976931348623157e308 }, { "5e-324", 5e-324 },
        }
        for _, case in ipairs(cases) do
            local value = json.decode(" " .. case[1] .. " ")
            assert(value == case[2] and math.type(value) == math.type(case[2]), case[1])
        end
        assert(1 / json.decode("-0") == -math.huge and 1 / json.decode("-0.0") == -math.huge)
        for _, text in ipairs({ "01", "-", "1.", ".5", "+1", "1e", "1e+", "0x1", "1e400", "NaN", "Infinity", "-true" }) do
            assert(errors.is(select(2, json.decode(text)), errors.INTERNAL), text)
        end
    "#

    tables_nest_128_deep_in_json_and_no_deeper("json") r#"
        local json = require("json")
        for _, sides in ipairs({ { "[", "]" }, { '{"a":', "}", "1" } }) do
            local function nested(depth)
                return sides[1]:rep(depth) .. (sides[3] or "") .. sides[2]:rep(depth)
            end
            local value = assert(json.decode(nested(128)))
            assert(json.encode(value) == nested(128))
            assert(errors.is(select(2, json.encode({ value })), errors.INTERNAL))
            for _, depth in ipairs({ 129, 10000 }) do
                local none, err = json.decode(nested(depth))
                assert(none == nil and errors.is(err, errors.INTERNAL) and err:message():find("128"), tostring(err))
            end
        end
    "#

    a_table_that_contains_itself_is_refused("json") r#"
        local json = require("json")
        local t = {}
        t.a = { b = { t } }
        local none, err = json.encode(t)
        assert(none == nil and errors.is(err, errors.INTERNAL) and err:message():find("contains itself"), tostring(err))
        assert(json.encode({ a = {}, b = { {} } }) == '{"a":[],"b":[[]]}')
    "#

    one_table_twice_is_written_twice("json") r#"
        local t = { 1 }
        assert(require("json").encode({ t, t }) == "[[1],[1]]")
    "#

    lists_are_lists_however_they_were_made("json") r#"
        local json = require("json")
        local pushed, backwards, shrunk, made = {}, {}, { 1, 2, 3, 4, 5 }, table.create(10, 10)
        for i = 1, 5 do pushed[i] = i backwards[6 - i] = 6 - i made[i] = i end
        for _ = 1, 3 do shrunk[#shrunk] = nil end
        for _, list in ipairs({ pushed, backwards, made, { [1] = 1, [2] = 2, [5] = 5, [4] = 4, [3] = 3 } }) do
            assert(json.encode(list) == "[1,2,3,4,5]")
        end
        assert(json.encode(shrunk) == "[1,2]")
    "#

    tables_with_gaps_or_keys_of_two_kinds_are_refused("json") r#"
        local json = require("json")
        local emptied = { 1, 2, 3, 4 }
        emptied[2] = nil
        for value, part in pairs({
            [{ 1, nil, 3 }] = "sparse array", [emptied] = "sparse array", [{ [0] = 1 }] = "sparse array", [{ [2] = 1 }] = "sparse array",
            [{ 1, x = 2 }] = "mixed key types", [{ x = 2, [true] = 1 }] = "mixed key types",
        }) do
            local none, err = json.encode({ list = { value } })
            assert(none == nil and errors.is(err, errors.INTERNAL), tostring(err))
            assert(err:message():find("`list[1]`", 1, true) and err:message():find(part, 1, true), err:message())
        end
    "#

    an_empty_table_is_an_object_once_it_had_a_field("json") r#"
        local json = require("json")
        local had = { x = 1 }
        had.x = nil
        local emptied = { 1 }
        emptied[1] = nil
        assert(json.encode({ {}, had, emptied, json.decode("{}"), json.decode("[]"), json.decode('{"a":null}') }) == "[[],{},[],{},[],{}]")
    "#

    null_leaves_holes_and_no_fields("json") r#"
        local json = require("json")
        local list = json.decode("[1, null, 3, null]")
        assert(list[1] == 1 and list[2] == nil and list[3] == 3 and next(json.decode('{"a": null}')) == nil)
        assert(#json.decode("[1, null, 3]") == 3)
    "#

    of_equal_keys_the_last_wins("json") r#"
        local json = require("json")
        assert(json.decode('{"a": 1, "b": 2, "a": 3}').a == 3)
        assert(json.encode(json.decode('{"a": 1, "b": 2, "\\u0061": null}')) == '{"b":2}')
    "#

    large_tables_cross_whole("json") r#"
        local json = require("json")
        local list, fields = {}, {}
        for i = 1, 50000 do list[i] = i fields["key " .. i] = i end
        local text = json.encode({ list = list, fields = fields })
        local value = json.decode(text)
        for i = 1, 50000 do assert(value.list[i] == i and value.fields["key " .. i] == i) end
        assert(#value.list == 50000 and json.encode(value) == text)
    "#

    escapes_are_read("json") r#"
        local json = require("json")
        assert(json.decode([["\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u0000"]]) == '"\\/\b\f\n\r\tAé€😀\0')
        for _, text in ipairs({ [["\ud83d"]], [["\ude00"]], [["\ud83d\u0041"]], [["\u12"]], [["\u12g4"]], [["\x"]], '"\n"', '"\0"', '"', '"\\' }) do
            assert(errors.is(select(2, json.decode(text)), errors.INTERNAL), text)
        end
    "#

    text_that_is_not_json_is_refused("json") r#"
        local json = require("json")
        for _, text in ipairs({ "1 2", "[1]x", "[1]\0", "\0", "[", "[1", "[1,", "[1,]", "[,]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}',
                                "{1:2}", "{a:1}", "tru", "nul", "truex", "'a'", '["\xff"]', '["\xed\xa0\x80"]', "]", "[}", "{]", "\u{feff}1" }) do
            local value, err = json.decode(text)
            assert(value == nil and errors.is(err, errors.INTERNAL) and err:message():find("^cannot decode JSON: "), text)
        end
        assert(errors.is(select(2, json.decode("")), errors.INVALID))
    "#

    metatables_do_not_show("json") r#"
        local json = require("json")
        local t = setmetatable({ x = 1 }, { __index = { y = 2 }, __pairs = error, __len = error, __tostring = error })
        assert(json.encode(t) == '{"x":1}')
    "#

    finalizers_may_use_json_while_json_is_read("json") r#"
        local json = require("json")
        local ran = 0
        local text = json.encode({ list = { ("a\n"):rep(20), ("b\n"):rep(20) }, fields = { a = 1, b = { c = "\t" } } })
        local many = "[" .. (text .. ","):rep(500) .. text .. "]"
        for _ = 1, 200 do
            setmetatable({}, { __gc = function()
                ran = ran + 1
                assert(json.encode(json.decode(text)) == text)
            end })
        end
        for _ = 1, 20 do
            local value = json.decode(many)
            assert(#value == 501 and json.encode(value) == many)
        end
        assert(ran > 0)
    "#
}
