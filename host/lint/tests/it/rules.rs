//! Each rule: what it finds, and what it leaves alone.

use crate::support::{found, in_body};

/// Bodies of functions with the modules they list; for each, what is found.
macro_rules! rules {
    ($($name:ident { $($modules:literal $body:literal => [$($expected:literal),*];)* })*) => {
        $(#[test]
        fn $name() {
            $({
                let expected: &[&str] = &[$($expected),*];
                assert_eq!(in_body($modules, $body), expected, "{}", $body);
            })*
        })*
    };
}

rules! {
    a_syntax_error_is_reported_once {
        "" "local x = = 1 ) ]" => ["L101:2 unexpected token `=`, expected expression"];
        "" "print('x)" => ["L101:2 unfinished string"];
        "" "goto nowhere" => ["L101:2 no visible label `nowhere` for `goto`"];
        "" "::a:: do ::a:: end goto a" => ["L101:2 label `a` is already defined"];
        "" "do goto inside; local x <const> = 1; ::inside:: print(x) end" => ["L101:2 `goto inside` jumps into the scope of local `x`"];
        "" "break" => ["L101:2 `break` outside of a loop"];
        "" "while true do (function() break end)() end" => ["L101:2 `break` outside of a loop"];
        "" "local x <const> = 1; x = 2; print(x)" => ["L101:2 attempt to assign to const variable `x`"];
        "" "local x <constant> = 1; print(x)" => ["L101:2 unknown attribute `constant`: there are `const` and `close`"];
        "" "return function() return ... end" => ["L101:2 cannot use `...` outside of a function that takes it"];
    }

    what_lua_lets_pass_is_no_syntax_error {
        "" "for i = 1, 3 do if i == 2 then goto continue end; local y = i; print(y) ::continue:: end" => [];
        "" "do goto done end ::done::" => [];
        "" "local a <close> = setmetatable({}, {__close = print}) return 7 // 2 | 1 << 3 ~ 5" => [];
        "" "return ..., [==[long]] ]==], 0x1p4, 1e3, '\\z  x\\u{20AC}', #'x', ~1, -2^2" => [];
    }

    an_undefined_global_is_an_error {
        "" "return pritn" => ["L111:2 nothing is named `pritn`"];
        "" "return json.encode(1)" => ["L111:2 nothing is named `json`"];
        "json" "return json.encode(1)" => [];
        "" "do local inner = 1; print(inner) end return inner" => ["L111:2 nothing is named `inner`"];
        "" "print(channel, subscribe, unsubscribe, process, payload, errors, unpack, _VERSION, _G)" => [];
        "" "return _G.anything, _ENV" => [];
    }

    an_assignment_to_an_undefined_global_is_a_warning {
        "" "total = 1 return total" => ["L112:2 `total` is no local: this makes a global"];
        "" "function helper() end helper()" => ["L112:2 `helper` is no local: this makes a global"];
        "" "_G.total = 1 return total" => [];
        "" "print = nil" => [];
    }

    what_the_sandbox_lacks_is_named {
        "" "return load('x')" => ["L113:2 `load` is not in the sandbox"];
        "" "return debug.traceback()" => ["L113:2 `debug` is not in the sandbox"];
        "" "return os.getenv('HOME')" => ["L113:2 `os.getenv` is not in the sandbox"];
        "" "return string.dump(print)" => ["L113:2 `string.dump` is not in the sandbox"];
        "" "return io.read()" => ["L113:2 `io` is not in the sandbox"];
        "io" "return io.read()" => [];
        "" "if jit then print(jit) end return load or print, type(debug)" => [];
    }

    an_unused_local_is_a_warning {
        "" "local a = 1" => ["L114:2 local `a` is never read"];
        "" "local a; a = 1" => ["L114:2 local `a` is set, but never read"];
        "" "local function helper() end" => ["L114:2 function `helper` is never read"];
        "" "for i, v in pairs({}) do print(v) end" => ["L114:2 local `i` is never read"];
        "" "local _, _b = 1, 2 for _ = 1, 2 do end" => [];
        "" "local a <close> = print() " => [];
        "" "local a = {} a.x = 1" => [];
    }

    an_unused_parameter_is_a_warning_when_none_after_it_is_used {
        "" "return function(a, b) return a end" => ["L115:2 parameter `b` is never read"];
        "" "return function(a, b) return b end" => [];
        "" "return function(_a, ...) return ... end" => [];
        "" "local t = {} function t:m() end function t.n(self) end return t" => [];
    }

    an_unused_label_is_a_warning {
        "" "::again::" => ["L116:2 no `goto` leads to `again`"];
        "" "::again:: goto again" => [];
        "" "::_again::" => [];
    }

    a_shadowed_local_is_a_warning {
        "" "local a = 1 do local a = 2 print(a) end print(a)" => ["L117:2 `a` hides another local"];
        "" "local a = 1 return function(a) return a end, a" => ["L117:2 `a` hides another local"];
        "" "for i = 1, 2 do for i = 1, 2 do print(i) end print(i) end" => ["L117:2 `i` hides another local"];
        "" "local a = 1 do local a = a + 1 print(a) end" => [];
        "" "local a, err = print() print(err) local b, err = print() return a, b, err" => [];
        "" "local ok, a = pcall(print) print(ok, a) local ok, a = pcall(print) return ok, a" => [];
        "" "local _ = 1 local _ = 2" => [];
        "" "do local a = 1 print(a) end local a = 2 print(a)" => [];
    }

    require_of_what_is_not_listed_is_an_error {
        "" "return require('json')" => ["L121:2 `json` is neither in `modules` nor in `imports`"];
        "json" "return require('json')" => [];
        "" "return require('string'), require('process'), require('stream')" => [];
        "" "return pcall(require, 'json')" => [];
        "" "local require = print return require('json')" => [];
    }

    require_of_a_computed_name_is_a_warning {
        "" "return require('a' .. 'b')" => ["L122:2 the name to require is computed"];
        "" "return require(...)" => ["L122:2 the name to require is computed"];
        "json" "return require 'json', require [[json]]" => [];
    }

    an_unknown_name_of_a_module_is_an_error {
        "json" "return json.encod({})" => ["L131:2 `json` has no `encod`"];
        "json" "local j = require('json') return j.encod({})" => ["L131:2 `json` has no `encod`"];
        "http" "return http.STATUS.OKAY" => ["L131:2 `http.STATUS` has no `OKAY`"];
        "http" "return http.STATUS.OK, http.METHOD.GET" => [];
        "" "return string.fromat('x'), math.pi, math.sqr(2)" => ["L131:2 `string` has no `fromat`", "L131:2 `math` has no `sqr`"];
        "" "return process.registry.lookpu('x')" => ["L131:2 `process.registry` has no `lookpu`"];
        "json" "if json.pretty then return json.pretty end return json.fast or json.encode" => ["L131:2 `json` has no `pretty`"];
        "template" "return template.get('app:views')" => [];
        "" "local string = {} string.fromat = print return string.fromat('x')" => [];
        "" "string = {} return string.fromat('x')" => [];
    }

    an_unknown_method_of_an_object_is_an_error {
        "fs" "local f = assert(fs.get('app:files')) return f:opne('x')" => ["L132:2 `FS` has no method `opne`"];
        "fs" "local f, err = fs.get('app:files') return f:open('x'), err:mesage()" => ["L132:2 `error` has no method `mesage`"];
        "fs" "local f = fs.get('app:files') f = {} return f:opne('x')" => [];
        "" "local c = channel.new(1) return c:recieve()" => ["L132:2 `channel` has no method `recieve`"];
        "" "return ('x'):uper(), ('x'):upper()" => ["L132:2 strings have no method `uper`"];
        "time" "return time.now():add('1h'):fromat('x')" => ["L132:2 `time.Time` has no method `fromat`"];
    }

    a_wrong_number_of_arguments_is_an_error {
        "fs" "return fs.get()" => ["L133:2 `fs.get` needs 1 argument, got 0"];
        "fs" "return fs.get('a', 'b')" => ["L133:2 `fs.get` takes 1 argument, got 2"];
        "fs" "return fs.get(...), fs.get(print()), fs.get(nil)" => [];
        "" "return process.send('pid')" => ["L133:2 `process.send` needs 2 arguments, got 1"];
        "" "return process.send('pid', 'topic', 1, 2, 3)" => [];
        "logger" "logger.info('ready')" => ["L133:2 `logger.info` takes its table first"];
        "logger" "logger:info('ready') logger.info(logger, 'ready')" => [];
        "json" "return json:encode({})" => ["L133:2 `json.encode` does not take its table"];
        "fs" "local f = assert(fs.get('a')) return f.open('x')" => ["L133:2 `FS:open` is a method"];
        "" "return string.format(), math.floor()" => [];
    }

    an_error_that_nobody_looks_at_is_a_warning {
        "fs" "local f = assert(fs.get('a')) f:writefile('x', 'y')" => ["L134:2 nobody learns when `FS:writefile` fails"];
        "fs" "local f = assert(fs.get('a')) assert(f:writefile('x', 'y')) local file = assert(f:open('x')) file:close()" => [];
        "funcs" "funcs.call('app:other')" => ["L134:2 nobody learns when `funcs.call` fails"];
        "time" "time.sleep('1s') channel.new(1):send(1)" => [];
    }

    code_behind_the_end_is_a_warning {
        "" "do return 1 end print(2)" => ["L142:2 nothing gets here: each way before it ends in `return`, `break`, `goto` or `error`"];
        "" "while true do break print(1) end" => ["L142:2 nothing gets here: `break` leaves the loop before"];
        "" "error('x') print(1)" => ["L142:2 nothing gets here: `error` is raised before"];
        "" "while true do print(1) end print(2)" => ["L142:2 nothing gets here: the loop before has no end"];
        "" "if ... then return 1 else error('x') end print(2)" => ["L142:2 nothing gets here: each way before it ends in `return`, `break`, `goto` or `error`"];
        "" "while true do if ... then break end end print(2)" => [];
        "" "if ... then return 1 elseif 2 then return 2 end return 3" => [];
        "" "do goto on end ::on:: print(1)" => [];
        "" "for _ = 1, 2 do goto on; ::on:: end" => [];
    }

    a_key_that_is_set_twice_is_a_warning {
        "" "return { a = 1, b = 2, a = 3 }" => ["L143:2 key `a` is set twice"];
        "" "return { a = 1, ['a'] = 2, [1] = 1, [0x1] = 2 }" => ["L143:2 key `a` is set twice", "L143:2 key `[1]` is set twice"];
        "" "return { a = { a = 1 }, [print()] = 1, [print()] = 2, 1, 1, ['1'] = 1, [1.5] = 1 }" => [];
    }

    a_comparison_that_never_changes_is_a_warning {
        "" "return ... == 0/0" => ["L144:2 nothing equals NaN, itself included: this is always false"];
        "" "return ... ~= -(0/0)" => ["L144:2 nothing equals NaN, itself included: this is always true"];
        "" "return ... < 0/0" => ["L144:2 NaN is neither less nor greater than anything: this is always false"];
        "" "return ... == {}" => ["L144:2 a new table or function equals nothing else: this is always false"];
        "" "return not ... == nil" => ["L144:2 a boolean never equals a nil: this is always false"];
        "" "return #(...) == nil" => ["L144:2 a number never equals a nil: this is always false"];
        "" "return 'a' == 1" => ["L144:2 a string never equals a number: this is always false"];
        "" "return ... < nil" => ["L144:2 comparing with nil always raises an error"];
        "" "return type(...) == 'strng'" => ["L144:2 `type` never gives `strng`: this is always false"];
        "" "local x = ... return x ~= x, x == nil, nil == x, not (x == 1), type(x) == 'string', x == 'a', 1 < x" => [];
    }
}

#[test]
fn modules_and_imports_that_nothing_uses_are_warnings() {
    let unused = |modules, source| {
        found(modules, source).into_iter().filter(|line| line.starts_with("L12")).collect::<Vec<_>>()
    };
    assert_eq!(
        unused("json fs", "return function() return json end"),
        ["L123 the source never uses module `fs`"]
    );
    assert_eq!(unused("json", "local json = require('json') return function() return json end"), [""; 0]);
    assert_eq!(unused("json", "return function() return (pcall(require, 'json')) end"), [""; 0]);
    // Who computes names may mean any.
    assert_eq!(unused("json", "return function(name) return _G[name] end"), [""; 0]);
    assert_eq!(unused("json", "return function(name) return require(name) end").len(), 1);
}

#[test]
fn a_method_that_the_source_does_not_return_is_an_error() {
    for (source, expected) in [
        ("return { main = function() end }", None),
        ("return function() end", None),
        ("local function run() end return run", None),
        ("local m = {} function m.main() end return m", None),
        ("local m = { main = print } m.other = 1 return m", None),
        ("local m = {} print(m) return m", None),
        ("return setmetatable({}, {})", None),
        ("if print then return {} end return {}", None),
        ("return { mian = function() end }", Some("L141 the source returns no `main`")),
        ("local m = {} function m.mian() end return m", Some("L141 the source returns no `main`")),
        (
            "function main() end",
            Some("L141 the source returns nothing, not a function or a table of functions"),
        ),
        ("return 5", Some("L141 the source returns a number, not a function or a table of functions")),
    ] {
        assert_eq!(found("", source).first().map(String::as_str), expected, "{source}");
    }
}
