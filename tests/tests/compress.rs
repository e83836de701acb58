//! Module `compress`, as Lua sees it.

use perilune::{Kind, Value};
use perilune_tests::{App, check, limit, lua_tests};

lua_tests! {
    every_algorithm_gives_back_what_it_was_given("compress") r#"
        local compress = require("compress")
        local texts = { "x", ("hello "):rep(100), ("\0\xff"):rep(200000) }
        for _, name in ipairs({ "gzip", "deflate", "zlib", "brotli", "zstd" }) do
            for _, text in ipairs(texts) do
                local packed = assert(compress[name].encode(text))
                assert(compress[name].decode(packed) == text and (#text < 10 or #packed < #text / 3), name)
            end
            assert(compress[name].decode(assert(compress[name].encode(texts[2], { level = 9 }))) == texts[2])
        end
    "#

    wrong_data_and_options_are_invalid("compress") r#"
        local compress = require("compress")
        for name, algorithm in pairs(compress) do
            for _, wrong in ipairs({ "", 5, {} }) do
                assert(select(2, algorithm.encode(wrong)):kind() == errors.INVALID)
                assert(select(2, algorithm.decode(wrong)):kind() == errors.INVALID)
            end
            for _, options in ipairs({ 5, { level = 99 }, { level = -1 }, { level = "9" }, { level = 1.5 }, { dict = 5 } }) do
                assert(select(2, algorithm.encode("data", options)):kind() == errors.INVALID)
            end
            for _, options in ipairs({ { max_size = 0 }, { max_size = -1 }, { max_size = 2 ^ 30 // 1 | 0 + 2 ^ 30 // 1 | 0 }, { max_size = "1" } }) do
                if options.max_size ~= 2 ^ 30 then
                    assert(select(2, algorithm.decode("data", options)):kind() == errors.INVALID)
                end
            end
            assert(select(2, algorithm.decode("data", { max_size = (1 << 30) + 1 })):kind() == errors.INVALID)
            assert(select(2, algorithm.decode("certainly not compressed")):kind() == errors.INVALID)
            assert(select(2, algorithm.decode(("no"):rep(100000))):kind() == errors.INVALID)
            local packed = algorithm.encode(("hello "):rep(100))
            assert(select(2, algorithm.decode(packed:sub(1, -2))):kind() == errors.INVALID)
            assert(select(2, algorithm.decode(packed .. "more")):kind() == errors.INVALID)
        end
        assert(select(2, compress.gzip.encode("data", { dict = "x" })):kind() == errors.INVALID)
    "#

    a_bomb_stops_at_max_size("compress") r#"
        local compress = require("compress")
        local zeros = ("\0"):rep(10 * 1024 * 1024)
        for name, algorithm in pairs(compress) do
            local bomb = assert(algorithm.encode(zeros))
            for _, size in ipairs({ 1, 1000, 1024 * 1024, #zeros - 1 }) do
                local data, err = algorithm.decode(bomb, { max_size = size })
                assert(data == nil and err:kind() == errors.INTERNAL and err:message():find("max_size"), name .. tostring(err))
            end
            assert(#algorithm.decode(bomb, { max_size = #zeros }) == #zeros)
        end
    "#

    zstd_takes_a_dictionary("compress") r#"
        local zstd = require("compress").zstd
        local dict = ("a text that comes again and again, with names and numbers "):rep(5)
        local data = "names and numbers that come again and again"
        local packed = assert(zstd.encode(data, { dict = dict }))
        assert(#packed < #zstd.encode(data) and zstd.decode(packed, { dict = dict }) == data)
        assert(zstd.decode(packed) == nil)
    "#

    compressing_much_lets_others_run("compress") r#"
        local compress = require("compress")
        local done = 0
        for _ = 1, 3 do
            coroutine.spawn(function()
                assert(compress.zstd.encode(("abc"):rep(100000)))
                done = done + 1
            end)
        end
        local order = {}
        coroutine.spawn(function() order[#order + 1] = "other" end)
        assert(compress.zstd.encode(("abc"):rep(100000), { level = 19 }))
        order[#order + 1] = "main"
        assert(order[1] == "other")
    "#
}

/// A bomb that its `max_size` allows still cannot take more than the cell may.
#[tokio::test]
async fn a_bomb_is_stopped_by_the_cells_memory_limit() {
    let bombs = "
        local compress = require('compress')
        local zeros = ('\\0'):rep(4 * 1024 * 1024)
        local bomb = compress.gzip.encode(zeros)
        zeros = nil
        return bomb:rep(20)";
    let bomb = App::lua("compress", bombs).main().await;
    let body =
        "local data, err = require('compress').gzip.decode(..., { max_size = 1 << 30 }) return nil, err";
    let app = App::new(&[
        (
            "app.yaml",
            "version: '1.0'\nnamespace: app\nentries:\n  - {name: main, kind: function.lua, source: file://main.lua, method: main, \
             modules: [compress], limits: {memory: 32MiB}}\n",
        ),
        ("main.lua", &format!("return function(...)\n{body}\nend\n")),
    ]);
    let failure = app.call("app:main", &[bomb]).await.expect_err("80 MiB do not fit into 32");
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::RateLimited, Some("memory")), "{failure:?}");
}

#[tokio::test]
async fn a_top_level_may_compress_a_little() {
    let source = "local packed = require('compress').gzip.encode('hello')\nreturn function() return require('compress').gzip.decode(packed) end";
    let app = App::entries(&[("main", "function", "modules: [compress]", source)]);
    assert_eq!(app.main().await, Value::from("hello"));
    check("compress", "assert(require('compress').gzip.encode('x'))").await;
}
