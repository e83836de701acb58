//! Errors: the objects, how a method fails, and what of a failure crosses to the caller.

use perilune::{Failure, Kind, Value};
use perilune_tests::{App, failure, lua_tests};

lua_tests! {
    kinds_are_constants("") r#"
        local kinds = {
          UNKNOWN = "", NOT_FOUND = "NotFound", ALREADY_EXISTS = "AlreadyExists", INVALID = "Invalid",
          PERMISSION_DENIED = "PermissionDenied", UNAVAILABLE = "Unavailable", INTERNAL = "Internal", CANCELED = "Canceled",
          CONFLICT = "Conflict", TIMEOUT = "Timeout", RATE_LIMITED = "RateLimited",
        }
        for name, text in pairs(kinds) do assert(errors[name] == text, name) end
    "#

    an_error_is_made_of_a_message("") r#"
        local e = errors.new("went wrong")
        assert(e:message() == "went wrong" and e:kind() == "" and e:retryable() == nil and e:details() == nil)
    "#

    an_error_is_made_of_a_kind_and_a_message("") r#"
        local e = errors.new(errors.NOT_FOUND, "no such thing")
        assert(e:kind() == "NotFound" and e:message() == "no such thing" and e:retryable() == nil)
    "#

    an_error_is_made_of_fields("") r#"
        local e = errors.new({ message = "m", kind = errors.TIMEOUT, retryable = true, details = { a = 1, b = { 2 } } })
        assert(e:message() == "m" and e:kind() == "Timeout" and e:retryable() == true)
        assert(e:details().a == 1 and e:details().b[1] == 2)
        assert(errors.new({ message = "m", retryable = false }):retryable() == false)
    "#

    a_kind_may_be_of_ones_own("") r#"
        assert(errors.new({ message = "m", kind = "OutOfStock" }):kind() == "OutOfStock")
        assert(errors.is(errors.new("OutOfStock", "m"), "OutOfStock"))
    "#

    wrong_fields_raise("") r#"
        for _, wrong in ipairs({
          {}, { message = 5 }, { message = "m", kind = 5 }, { message = "m", retryable = "yes" }, { message = "m", details = "d" },
        }) do
          local ok, problem = pcall(errors.new, wrong)
          assert(not ok and problem:find("bad field '%a+' of errors.new"), tostring(problem))
        end
        for _, wrong in ipairs({ 5, true, print }) do
          local ok, problem = pcall(errors.new, wrong)
          assert(not ok and problem:find("bad argument #1 to 'new' (string or table expected", 1, true), problem)
        end
        assert(not pcall(errors.new) and not pcall(errors.new, "kind", 5))
    "#

    details_keep_text_keys_only("") r#"
        local details = errors.new({ message = "m", details = { "one", x = 1, [true] = 2 } }):details()
        assert(details.x == 1 and details[1] == nil and details[true] == nil)
    "#

    details_are_copies("") r#"
        local given = { x = 1 }
        local e = errors.new({ message = "m", details = given })
        given.x = 2
        local got = e:details()
        got.x = 3
        assert(e:details().x == 1 and not rawequal(e:details(), e:details()))
    "#

    empty_details_are_none("") r#"
        assert(errors.new({ message = "m", details = {} }):details() == nil)
        assert(errors.new({ message = "m", details = { "only", "numbers" } }):details() == nil)
    "#

    an_error_is_an_opaque_object("") r#"
        local e = errors.new("m")
        assert(type(e) == "userdata" and getmetatable(e) == "error" and e.state == nil)
        assert(not pcall(function() e.message = nil end))
        assert(e == e and errors.new("m") ~= errors.new("m"))
    "#

    methods_refuse_other_objects("") r#"
        local e = errors.new("m")
        for _, name in ipairs({ "message", "kind", "retryable", "details", "stack" }) do
          for _, wrong in ipairs({ "text", {}, channel.new() }) do
            local ok, problem = pcall(e[name], wrong)
            assert(not ok and problem:find("bad argument #1 to '" .. name .. "' (error expected", 1, true), problem)
          end
        end
    "#

    an_error_is_shown_as_its_message("") r#"
        local e = errors.new(errors.INVALID, "m")
        assert(tostring(e) == "m" and e .. "!" == "m!" and "so: " .. e == "so: m" and e .. e == "mm")
    "#

    wrap_puts_context_in_front_of_the_text("") r#"
        local inner = errors.new({ message = "m", kind = "Conflict", retryable = true, details = { x = 1 } })
        local e = errors.wrap(inner, "while saving")
        assert(tostring(e) == "while saving: m" and e .. "" == "while saving: m")
        assert(e:message() == "m" and e:kind() == "Conflict" and e:retryable() == true and e:details().x == 1)
        assert(tostring(inner) == "m")
    "#

    wraps_pile_up("") r#"
        local e = errors.wrap(errors.wrap(errors.new("m"), "inner"), "outer")
        assert(tostring(e) == "outer: inner: m" and e:message() == "m")
        assert(e:stack():find("outer: inner: m", 1, true))
    "#

    wrap_takes_texts_and_errors_for_both("") r#"
        local e = errors.wrap("plain", errors.new("context"))
        assert(tostring(e) == "context: plain" and e:message() == "plain" and e:kind() == "" and e:retryable() == nil)
    "#

    wrap_refuses_everything_else("") r#"
        for _, wrong in ipairs({ 5, true, {}, print }) do
          local ok, problem = pcall(errors.wrap, wrong, "context")
          assert(not ok and problem:find("bad argument #1 to 'wrap'", 1, true), problem)
          local ok, problem = pcall(errors.wrap, "text", wrong)
          assert(not ok and problem:find("bad argument #2 to 'wrap'", 1, true), problem)
        end
        assert(not pcall(errors.wrap, nil, "context") and not pcall(errors.wrap, "text"))
    "#

    is_compares_the_kind("") r#"
        local e = errors.new(errors.TIMEOUT, "m")
        assert(errors.is(e, errors.TIMEOUT) == true and errors.is(e, errors.INVALID) == false)
        assert(errors.is(errors.wrap(e, "context"), errors.TIMEOUT))
        assert(errors.is(errors.new("m"), errors.UNKNOWN))
    "#

    is_is_false_for_what_is_no_error("") r#"
        for _, value in ipairs({ "Timeout", 5, {}, false, channel.new() }) do assert(errors.is(value, errors.TIMEOUT) == false) end
        assert(errors.is(nil, errors.UNKNOWN) == false and errors.is("", "") == false)
    "#

    call_stack_says_where_the_error_was_made("") r#"
        local function make() return (errors.new("m")) end
        local e = make()
        local stack = errors.call_stack(e)
        assert(type(stack.thread) == "string" and #stack.frames >= 2)
        local first, second = stack.frames[1], stack.frames[2]
        assert(first.level == 1 and first.source == "app:main" and first.line == 3 and first.name == "make" and first.type == "local")
        assert(second.level == 2 and second.line == 4)
    "#

    call_stack_is_nil_where_there_is_none("") r#"
        assert(errors.call_stack("text") == nil and errors.call_stack(nil) == nil and errors.call_stack({}) == nil)
    "#

    stack_is_text_with_places("") r#"
        local function make() return (errors.new("m")) end
        local text = make():stack()
        assert(text:find("^m\n\tapp:main:3: in local make\n\tapp:main:4: in "), text)
        assert(not text:find("<", 1, true), "no frames of the runtime itself")
    "#

    error_and_pcall_keep_the_object("") r#"
        local e = errors.new("m")
        local ok, caught = pcall(error, e)
        assert(not ok and rawequal(caught, e))
        local ok, caught = pcall(function() error(e, 2) end)
        assert(not ok and rawequal(caught, e))
        local ok, caught = xpcall(function() error(e) end, function(problem) return errors.wrap(problem, "handled") end)
        assert(not ok and tostring(caught) == "handled: m")
        local ok, caught = coroutine.resume(coroutine.create(function() error(e) end))
        assert(not ok and rawequal(caught, e))
    "#

    a_raised_text_gets_its_place("") r#"
        local ok, problem = pcall(function() error("m") end)
        assert(problem == "app:main:3: m", problem)
        local function raise() error("m", 2) end
        ok, problem = pcall(function() raise() end)
        assert(problem == "app:main:6: m", problem)
        ok, problem = pcall(error, "m", 0)
        assert(problem == "m")
    "#

    any_value_can_be_raised_and_caught("") r#"
        local t = {}
        assert(rawequal(select(2, pcall(error, t)), t) and select(2, pcall(error, 5)) == 5 and select(2, pcall(error)) == nil)
    "#

    lua_errors_name_the_variable("") r#"
        local t = {}
        local ok, problem = pcall(function() return t.missing.field end)
        assert(problem == "app:main:4: attempt to index a nil value (field 'missing')", problem)
    "#
}

const MAKE: &str = "errors.new({ kind = 'Conflict', message = 'm', retryable = true, details = { at = 7, deep = { 'x' } } })";

fn made() -> Failure {
    let details: Value =
        [("at", Value::from(7)), ("deep", vec![Value::from("x")].into())].into_iter().collect();
    Failure {
        kind: Kind::Conflict,
        message: "m".into(),
        retryable: Some(true),
        details: Some(details),
        stack: None,
    }
}

/// A failure without its stack and with the fields of its details in order.
fn plain(mut failure: Failure) -> Failure {
    failure.stack = None;
    if let Some(Value::Map(fields)) = &mut failure.details {
        fields.sort_by(|a, b| a.0.as_str().cmp(&b.0.as_str()));
    }
    failure
}

#[tokio::test]
async fn a_raised_error_fails_the_call_with_all_it_says() {
    assert_eq!(plain(failure("", &format!("error({MAKE})")).await), made());
}

#[tokio::test]
async fn a_returned_error_fails_the_call_with_all_it_says() {
    assert_eq!(plain(failure("", &format!("return nil, {MAKE}")).await), made());
    assert_eq!(plain(failure("", &format!("return 'a value too', {MAKE}")).await), made());
}

#[tokio::test]
async fn a_failure_carries_the_stack_where_the_error_was_made() {
    let failure = failure("", "local function make() return (errors.new('m')) end\nerror(make())").await;
    let stack = failure.stack.expect("a stack");
    assert!(stack.starts_with("m\n\tapp:main:2: in local make\n\tapp:main:3: in "), "{stack}");
}

#[tokio::test]
async fn a_raised_text_is_an_internal_failure_with_its_place() {
    let failure = failure("", "\nerror('m')").await;
    assert_eq!(
        (failure.kind, failure.message.as_str(), failure.retryable),
        (Kind::Internal, "app:main:3: m", None)
    );
    let stack = failure.stack.expect("a stack");
    assert!(stack.contains("app:main:3:"), "{stack}");
}

#[tokio::test]
async fn a_returned_text_is_an_internal_failure_that_is_not_retryable() {
    let failure = failure("", "return nil, 'm'").await;
    assert_eq!(
        (failure.kind, failure.message.as_str(), failure.retryable),
        (Kind::Internal, "m", Some(false))
    );
}

#[tokio::test]
async fn second_values_of_other_types_are_ignored() {
    for second in
        ["nil", "false", "true", "5", "{}", "{ message = 'm', kind = 'Internal' }", "print", "channel.new()"]
    {
        let app = App::lua("", &format!("return 'value', {second}"));
        assert_eq!(app.main().await, Value::from("value"), "{second}");
    }
}

#[tokio::test]
async fn only_the_first_value_is_the_result() {
    assert_eq!(App::lua("", "return 1, nil, 'third', errors.new('fourth')").main().await, Value::from(1));
    assert_eq!(App::lua("", "return").main().await, Value::Nil);
}

#[tokio::test]
async fn a_table_that_looks_like_an_error_is_data() {
    let value = App::lua("", "return { error = 'm', kind = 'Internal' }").main().await;
    assert_eq!(value.get("error"), Some(&Value::from("m")));
}

#[tokio::test]
async fn an_error_as_the_first_value_is_a_value() {
    let Value::Error(error) = App::lua("", &format!("return {MAKE}")).main().await else {
        panic!("an error")
    };
    assert_eq!(plain(*error), made());
}

#[tokio::test]
async fn a_raised_table_is_an_internal_failure() {
    let plain = failure("", "error({ code = 5 })").await;
    assert_eq!(plain.kind, Kind::Internal);
    assert!(plain.message.starts_with("raised a table instead of an error: table: "), "{}", plain.message);
    let shown = failure("", "error(setmetatable({}, { __tostring = function() return 'shown' end }))").await;
    assert_eq!(shown.message, "raised a table instead of an error: shown");
    let broken = failure("", "error(setmetatable({}, { __tostring = function() error('x') end }))").await;
    assert_eq!(broken.message, "raised a table instead of an error: ?");
}

#[tokio::test]
async fn raised_nil_numbers_and_booleans_are_internal_failures() {
    for (raised, message) in [
        ("nil", "raised a nil instead of an error: nil"),
        ("5", "raised a number instead of an error: 5"),
        ("false", "raised a boolean instead of an error: false"),
    ] {
        let failure = failure("", &format!("error({raised})")).await;
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, message));
    }
}

#[tokio::test]
async fn a_wrapped_error_fails_the_call_with_its_context() {
    let failure = failure("", &format!("error(errors.wrap({MAKE}, 'while saving'))")).await;
    assert_eq!(plain(failure), Failure { message: "while saving: m".into(), ..made() });
}

#[tokio::test]
async fn an_unset_kind_and_retryable_stay_unset() {
    let failure = failure("", "error(errors.new('m'))").await;
    assert_eq!((failure.kind, failure.retryable, failure.details), (Kind::Unknown, None, None));
}

#[tokio::test]
async fn a_kind_of_ones_own_reaches_the_caller() {
    assert_eq!(
        failure("", "error(errors.new('OutOfStock', 'm'))").await.kind,
        Kind::Other("OutOfStock".into())
    );
}

/// The callee fails in each way; the caller of `funcs.call` gets an error object that says the same.
#[tokio::test]
async fn an_error_crosses_a_call_with_all_it_says() {
    let check = "local value, e = funcs.call('app:callee')\n\
                 assert(value == nil and errors.is(e, errors.CONFLICT) and type(e) == 'userdata')\n\
                 assert(e:message() == 'm' and e:kind() == 'Conflict' and e:retryable() == true)\n\
                 assert(e:details().at == 7 and e:details().deep[1] == 'x')\n\
                 assert(tostring(e) == 'm' and tostring(errors.wrap(e, 'c')) == 'c: m')\n\
                 assert(e:stack():find('app:callee:', 1, true), e:stack())\n\
                 error(e)";
    for how in [format!("error({MAKE})"), format!("return nil, {MAKE}")] {
        let app = App::entries(&[
            ("callee", "function", "", &format!("return function() {how} end")),
            ("main", "function", "modules: [funcs]", &format!("return function() {check} end")),
        ]);
        assert_eq!(plain(app.main_fails().await), made(), "{how}");
    }
}

#[tokio::test]
async fn a_text_crosses_a_call_as_an_internal_error() {
    for (how, message, retryable) in
        [("error('m')", "app:callee:1: m", "nil"), ("return nil, 'm'", "m", "false")]
    {
        let app = App::entries(&[
            ("callee", "function", "", &format!("return function() {how} end")),
            (
                "main",
                "function",
                "modules: [funcs]",
                "return function() local _, e = funcs.call('app:callee') return { e:kind(), e:message(), tostring(e:retryable()) } end",
            ),
        ]);
        let expected: Vec<Value> = ["Internal", message, retryable].map(Value::from).into();
        assert_eq!(app.main().await, Value::from(expected));
    }
}

#[tokio::test]
async fn errors_cross_inside_tables_too() {
    let app = App::entries(&[
        (
            "callee",
            "function",
            "",
            "return function(t) assert(errors.is(t.e, 'Conflict')) return { e = errors.wrap(t.e, 'seen') } end",
        ),
        (
            "main",
            "function",
            "modules: [funcs]",
            &format!("return function() local t = funcs.call('app:callee', {{ e = {MAKE} }}) return t.e end"),
        ),
    ]);
    let Value::Error(error) = app.main().await else { panic!("an error") };
    assert_eq!((error.kind.clone(), error.retryable), (Kind::Conflict, Some(true)));
    assert!(error.message.ends_with('m'), "{}", error.message);
}

#[tokio::test]
async fn a_message_of_any_bytes_reaches_the_host_as_text() {
    let failure = failure("", "error('\\xff\\xfe ok', 0)").await;
    assert!(failure.message.ends_with(" ok"), "{}", failure.message);
}
