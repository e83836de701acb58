//! The language: which globals there are, what the standard libraries do, and that shared tables stay as they are.

use perilune::Value;
use perilune_tests::{App, failure, lua_tests};

lua_tests! {
    every_promised_global_is_there("") r#"
        local functions = {
          "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawset",
          "require", "select", "setmetatable", "subscribe", "tonumber", "tostring", "type", "unpack", "unsubscribe", "xpcall",
        }
        for _, name in ipairs(functions) do assert(type(_G[name]) == "function", name) end
        for _, name in ipairs({ "channel", "coroutine", "errors", "math", "os", "package", "payload", "process", "string", "table" }) do
          assert(type(_G[name]) == "table", name)
        end
        assert(_G._G == _G and _VERSION == "Lua 5.4")
    "#

    an_argument_that_is_missing_is_nil("") r#"
        local function five(a, b, c, d, e) return a, b, c, d, e end
        local function count(...) return table.pack(five(...)).n end
        for given = 0, 6 do
          local values = table.pack(five(table.unpack({ 1, 2, 3, 4, 5, 6 }, 1, given)))
          assert(values.n == 5 and count(table.unpack({}, 1, given)) == 5)
          for i = 1, 5 do assert(values[i] == (i <= given and i or nil), i) end
        end
        local one, two = five(1)
        assert(one == 1 and two == nil)
        local a, b, c, d = five(1, 2)
        assert(b == 2 and c == nil and d == nil)
        local function rest(a, b, ...) return a, b, table.pack(...).n end
        local x, y, z = rest()
        assert(x == nil and y == nil and z == 0)
    "#

    a_field_that_was_emptied_is_as_new("") r#"
        local list = { 1, 2, 3 }
        list[2] = nil
        list[2] = "two"
        assert(list[2] == "two" and #list == 3)
        local seen = {}
        local object = setmetatable({ x = 1, [1] = 1 }, { __newindex = function(self, key, value) seen[key] = value end })
        object.x, object[1] = nil, nil
        object.x, object[1] = 2, 3
        assert(rawget(object, "x") == nil and rawget(object, 1) == nil and seen.x == 2 and seen[1] == 3)
    "#

    a_metamethod_may_come_and_go("") r#"
        local class = { __index = function() return "first" end }
        local object = setmetatable({}, class)
        assert(object.any == "first")
        class.__index = nil
        assert(object.any == nil)
        class.__index = function() return "second" end
        assert(object.any == "second")
    "#

    there_are_no_other_globals("") r#"
        local known = {}
        for name in ([[assert error getmetatable ipairs next pairs pcall print rawequal rawget rawset require select
            setmetatable subscribe tonumber tostring type unpack unsubscribe xpcall channel coroutine errors math os package
            payload process string table _G _VERSION]]):gmatch("%S+") do
          known[name] = true
        end
        for name in pairs(_G) do assert(known[name], name) end
    "#

    what_reaches_outside_or_loads_code_is_absent("") r#"
        for _, name in ipairs({ "load", "loadstring", "loadfile", "dofile", "io", "debug", "utf8", "collectgarbage", "rawlen",
                                "warn", "newproxy", "getfenv", "setfenv", "module" }) do
          assert(_G[name] == nil, name)
          assert(not pcall(require, name), name)
        end
        assert(string.dump == nil)
    "#

    os_knows_only_time("") r#"
        local names = {}
        for name in pairs(os) do names[#names + 1] = name end
        table.sort(names)
        assert(table.concat(names, " ") == "clock date difftime platform time", table.concat(names, " "))
    "#

    package_is_a_stub("") r#"
        assert(package.path == "" and package.cpath == "")
        for _, name in ipairs({ "loaded", "loaders", "loadlib", "preload", "searchers", "searchpath", "config" }) do
          assert(package[name] == nil, name)
        end
    "#

    standard_functions_are_complete("") r#"
        local expected = {
          string = [[byte char find format gfind gmatch gsub len lower match pack packsize rep reverse sub unpack upper]],
          table = [[concat create freeze getn insert isfrozen maxn move pack remove sort unpack]],
          math = [[abs acos asin atan atan2 ceil cos cosh deg exp floor fmod log log10 max min modf pow rad random randomseed
            sin sinh sqrt tan tanh tointeger type ult]],
          coroutine = [[close create isyieldable resume running spawn status wrap yield]],
          channel = [[new select]],
          errors = [[call_stack is new wrap]],
        }
        for library, names in pairs(expected) do
          for name in names:gmatch("%S+") do
            assert(type(_G[library][name]) == "function", library .. "." .. name)
          end
        end
    "#

    strings_match_and_format("") r#"
        assert(("hello"):upper() == "HELLO" and #"a\0b" == 3)
        assert(("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key")
        assert(("abc"):gsub("%w", "%0%0") == "aabbcc")
        assert(("a\0b"):find("%z") == 2)
        assert(string.format("%5.2f|%d|%q|%s", 3.14159, 42, "x\n", nil) == " 3.14|42|\"x\\\n\"|nil")
        assert(("x"):rep(3, ",") == "x,x,x")
        assert(string.unpack("<i4", string.pack("<i4", -7)) == -7)
        assert(("\u{20AC}\x41\z
                B") == "€AB")
    "#

    gfind_is_gmatch("") r#"
        local words = {}
        for word in string.gfind("one two", "%a+") do words[#words + 1] = word end
        assert(#words == 2 and words[2] == "two")
    "#

    tables_are_packed_moved_and_unpacked("") r#"
        local packed = table.pack(1, nil, 3)
        assert(packed.n == 3 and packed[3] == 3)
        assert(select('#', table.unpack(packed, 1, packed.n)) == 3 and unpack({ 7 }) == 7)
        local moved = table.move({ 1, 2, 3 }, 2, 3, 1, {})
        assert(#moved == 2 and moved[1] == 2 and moved[2] == 3)
        local list = { 3, 1, 2 }
        table.sort(list, function(a, b) return a > b end)
        assert(table.concat(list, ",") == "3,2,1")
        table.insert(list, 1, 4)
        assert(table.remove(list) == 1 and table.concat(list, ",") == "4,3,2")
    "#

    lengths_are_counted_the_old_way_too("") r#"
        assert(table.getn({ 1, 2, 3 }) == 3 and table.getn({}) == 0)
        assert(table.maxn({ 1, nil, 3, [10] = true, x = 1, [2.5] = 1 }) == 10)
        assert(table.maxn({}) == 0 and table.maxn({ [-1] = 1 }) == 0)
    "#

    tables_are_created_with_room("") r#"
        local list = table.create(100, 10)
        assert(next(list) == nil and #list == 0)
        list[1] = "one"
        assert(#list == 1 and next(table.create(0)) == nil)
        assert(next(table.create(math.maxinteger, math.maxinteger)) == nil)
        assert(not pcall(table.create, -1) and not pcall(table.create) and not pcall(table.create, 1, -1))
    "#

    a_frozen_table_refuses_every_write("") r#"
        local list = { 1, 2, name = "x" }
        assert(not table.isfrozen(list))
        assert(rawequal(table.freeze(list), list) and table.isfrozen(list))
        local function refused(...)
          local ok, problem = pcall(...)
          assert(not ok and tostring(problem):find("read%-only"), tostring(problem))
        end
        refused(function() list[1] = 5 end)
        refused(function() list.new = 5 end)
        refused(function() list.name = nil end)
        refused(function() list[3] = 3 end)
        refused(rawset, list, "name", "y")
        refused(setmetatable, list, {})
        refused(table.insert, list, 3)
        refused(table.remove, list)
        refused(table.sort, list, function(a, b) return a > b end)
        refused(table.move, { 9 }, 1, 1, 1, list)
        assert(list[1] == 1 and list[2] == 2 and list.name == "x" and #list == 2)
    "#

    freezing_is_shallow_and_only_for_tables("") r#"
        local inner = {}
        local outer = table.freeze({ inner = inner })
        outer.inner.x = 1
        assert(inner.x == 1 and not table.isfrozen(inner))
        assert(not pcall(table.freeze, "text") and not pcall(table.isfrozen, 5))
    "#

    mathematics_of_old_and_new("") r#"
        local function near(a, b) assert(math.abs(a - b) < 1e-12, a) end
        near(math.atan2(1, 1), math.pi / 4)
        near(math.atan(1, -1), 3 * math.pi / 4)
        near(math.pow(2, 10), 1024)
        near(math.log10(1000), 3)
        near(math.log(8, 2), 3)
        near(math.cosh(0) + math.sinh(0) + math.tanh(0), 1)
        assert(math.huge == 1 / 0 and -math.huge < math.mininteger)
        assert(math.maxinteger + 1 == math.mininteger and math.ult(1, -1))
        assert(math.tointeger(3.0) == 3 and math.tointeger(3.5) == nil)
        assert(select(2, math.modf(3.5)) == 0.5 and math.fmod(-5, 3) == -2)
    "#

    integers_and_floats_are_two_kinds_of_numbers("") r#"
        assert(math.type(1) == "integer" and math.type(1.0) == "float" and math.type("1") == nil and 1 == 1.0)
        assert(tostring(3) == "3" and tostring(3.0) == "3.0" and 7 // 2 == 3 and 7 / 2 == 3.5 and 7 // 2.0 == 3.0)
        assert(math.type(math.floor(3.7)) == "integer" and math.type(2 ^ 2) == "float" and -7 % 3 == 2)
        assert(9007199254740993 ~= 9007199254740992.0 and 9007199254740993 == (1 << 53) + 1)
        assert(not pcall(function() return 1 // 0 end) and 1 // 0.0 == math.huge)
        assert(tonumber("0x10") == 16 and tonumber("10", 2) == 2 and tonumber("1e1") == 10.0 and tonumber("x") == nil)
    "#

    integers_have_bits("") r#"
        assert(6 & 3 == 2 and 6 | 3 == 7 and 6 ~ 3 == 5 and ~0 == -1 and 1 << 63 == math.mininteger and -1 >> 63 == 1)
        assert(3.0 | 0 == 3 and not pcall(function() return 1.5 | 0 end))
    "#

    goto_continues_a_loop("") r#"
        local odd = {}
        for i = 1, 5 do
          if i % 2 == 0 then goto continue end
          odd[#odd + 1] = i
          ::continue::
        end
        assert(table.concat(odd, ",") == "1,3,5")
    "#

    variables_are_closed_in_reverse_order_even_on_errors("") r#"
        local log = {}
        local function resource(name)
          return setmetatable({}, { __close = function(_, problem) log[#log + 1] = name .. (problem and "!" or "") end })
        end
        do
          local a <close> = resource("a")
          local b <close> = resource("b")
        end
        pcall(function()
          local c <close> = resource("c")
          error("x")
        end)
        assert(table.concat(log, " ") == "b a c!", table.concat(log, " "))
    "#

    shared_libraries_cannot_be_changed("time") r#"
        for _, name in ipairs({ "string", "table", "math", "os", "coroutine", "errors", "channel", "payload", "process", "package", "time" }) do
          local library = _G[name]
          assert(table.isfrozen(library), name)
          for _, write in ipairs({
            function() library.x = 1 end,
            function() library[next(library)] = nil end,
            function() rawset(library, "x", 1) end,
            function() setmetatable(library, {}) end,
            function() table.insert(library, 1) end,
          }) do
            local ok, problem = pcall(write)
            assert(not ok and tostring(problem):find("read%-only"), name .. ": " .. tostring(problem))
          end
          assert(library.x == nil and library[1] == nil)
        end
    "#

    tables_inside_shared_libraries_cannot_be_changed_either("") r#"
        assert(not pcall(function() process.event.CANCEL = "x" end))
        assert(not pcall(function() payload.format.JSON = "x" end))
    "#

    metatables_of_shared_values_are_hidden("") r#"
        assert(getmetatable("") == "string")
        assert(getmetatable(channel.new()) == "channel" and getmetatable(errors.new("x")) == "error")
        assert(not pcall(setmetatable, "", {}) and not pcall(setmetatable, channel.new(), {}))
    "#

    ones_own_globals_can_be_changed("") r#"
        string = { mine = true }
        print = nil
        answer = 42
        assert(_G.string.mine and _G.print == nil and _G.answer == 42 and ("x"):rep(2) == "xx")
    "#

    a_seed_repeats_random_numbers("") r#"
        math.randomseed(42)
        local first = { math.random(1000), math.random(1000), math.random() }
        math.randomseed(42)
        for _, expected in ipairs(first) do
          assert((math.type(expected) == "float" and math.random() or math.random(1000)) == expected)
        end
    "#
}

/// The 53 random bits of a float are the same twice in one of 2^53 runs.
#[tokio::test]
async fn random_numbers_differ_between_calls() {
    let app = App::new(&[
        (
            "app.yaml",
            "version: '1.0'\nnamespace: app\nname: main\nkind: function.lua\nsource: file://m.lua\nmethod: main\n",
        ),
        ("m.lua", "local loaded = math.random()\nreturn function() return { loaded, math.random() } end\n"),
    ]);
    let (Value::Array(first), Value::Array(second)) = (app.main().await, app.main().await) else {
        panic!("arrays")
    };
    assert_ne!(first[0], second[0], "while the chunk loads");
    assert_ne!(first[1], second[1], "while the method runs");
    assert_ne!(first[0], first[1]);
}

#[tokio::test]
async fn a_constant_cannot_be_assigned() {
    let error = App::try_new(&[
        (
            "app.yaml",
            "version: '1.0'\nnamespace: app\nname: main\nkind: function.lua\nsource: file://m.lua\nmethod: main\n",
        ),
        ("m.lua", "local x <const> = 1\nx = 2\nreturn function() end\n"),
    ]);
    let error = perilune_tests::render(&error.err().expect("it is refused"));
    assert!(error.contains("attempt to assign to const variable 'x'"), "{error}");
}

#[tokio::test]
async fn print_joins_by_one_space_and_returns_nothing() {
    let app = App::lua(
        "",
        "assert(select('#', print('a', 1, 2.0, nil, true)) == 0)\nprint()\nprint(setmetatable({}, {__tostring = function() return 'own' end}))\nprint('two\\nlines')",
    );
    app.main().await;
    assert_eq!(app.printed(), ["a 1 2.0 nil true", "", "own", "two\nlines"]);
}

#[tokio::test]
async fn print_raises_what_tostring_raises() {
    let app = App::lua(
        "",
        "print('before')\nprint(setmetatable({}, {__tostring = function() error('broken') end}))",
    );
    assert_eq!(app.main_fails().await.message, "app:main:3: broken");
    assert_eq!(app.printed(), ["before"]);
    let failure = failure("", "print(setmetatable({}, {__tostring = function() return {} end}))").await;
    assert!(failure.message.contains("'__tostring' must return a string"), "{}", failure.message);
}
