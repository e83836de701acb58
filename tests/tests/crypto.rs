//! Module `crypto`, as Lua sees it. Its algorithms have their own tests, against the vectors of their standards.

use perilune::Runtime;
use perilune_tests::{App, lua_tests};

lua_tests! {
    random_things_differ("crypto") r#"
        local random = require("crypto").random
        assert(#random.bytes(32) == 32 and random.bytes(32) ~= random.bytes(32))
        assert(random.string(20):find("^%w+$") and random.string(5, "ab"):find("^[ab]+$") and random.uuid() ~= random.uuid())
        for _, wrong in ipairs({ 0, -1, 1.5, "5", 2 ^ 60, (1 << 20) + 1 }) do
            assert(select(2, random.bytes(wrong)):kind() == errors.INVALID)
            assert(select(2, random.string(wrong)):kind() == errors.INVALID)
        end
        assert(select(2, random.string(5, "")):kind() == errors.INVALID and select(2, random.string(5, 5)):kind() == errors.INVALID)
    "#

    hmac_takes_the_key_first("crypto, hash") r#"
        local crypto, hash = require("crypto"), require("hash")
        assert(crypto.hmac.sha256("key", "data") == hash.hmac_sha256("data", "key"))
        local much = ("x"):rep(1 << 20)
        assert(crypto.hmac.sha512("key", much) == hash.hmac_sha512(much, "key"))
        assert(select(2, crypto.hmac.sha256("", "data")):kind() == errors.INVALID)
        assert(select(2, crypto.hmac.sha256("key", 5)):kind() == errors.INVALID)
    "#

    what_was_encrypted_comes_back_and_nothing_else("crypto") r#"
        local crypto = require("crypto")
        for name, size in pairs({ aes = 16, chacha20 = 32 }) do
            local key = ("k"):rep(size)
            for _, data in ipairs({ "", "text", ("x"):rep(1 << 20) }) do
                local sealed = assert(crypto.encrypt[name](data, key, "about"))
                assert(#sealed == #data + 28 and crypto.decrypt[name](sealed, key, "about") == data)
                for _, wrong in ipairs({ { sealed, key }, { sealed, ("K"):rep(size), "about" }, { sealed:sub(1, -2) .. "?", key, "about" } }) do
                    local opened, err = crypto.decrypt[name](table.unpack(wrong))
                    assert(opened == nil and (err:kind() == errors.INTERNAL or wrong[1] ~= sealed))
                end
            end
            assert(select(2, crypto.encrypt[name]("data", "short")):kind() == errors.INVALID)
            assert(select(2, crypto.encrypt[name](5, key)):kind() == errors.INVALID)
            assert(select(2, crypto.decrypt[name]("short", key)):kind() == errors.INVALID)
        end
    "#

    tokens_are_signed_and_verified("crypto") r#"
        local jwt = require("crypto").jwt
        local claims = { sub = "ann", exp = os.time() + 60, _header = { kid = "7" }, roles = { "a", "b" } }
        for _, algorithm in ipairs({ "HS256", "HS384", "HS512" }) do
            local token = assert(jwt.encode(claims, "secret", algorithm))
            local read = assert(jwt.verify(token, "secret", algorithm))
            assert(read.sub == "ann" and read.exp == claims.exp and read.roles[2] == "b" and read._header == nil)
            assert(select(2, jwt.verify(token, "other", algorithm)):kind() == errors.INTERNAL)
        end
        local token = jwt.encode({ sub = "ann" }, "secret")
        assert(select(2, jwt.verify(token, "secret")):message():find("exp"))
        assert(jwt.verify(token, "secret", "HS256", false).sub == "ann")
        assert(select(2, jwt.verify(token, "secret", "HS512", false)):kind() == errors.INTERNAL)
        local old = jwt.encode({ exp = os.time() - 1 }, "secret")
        assert(select(2, jwt.verify(old, "secret", "HS256", false)):message():find("expired"))
        assert(select(2, jwt.encode({}, "secret", "none")):kind() == errors.INVALID)
        assert(select(2, jwt.encode({ f = print }, "secret")):kind() == errors.INVALID)
        assert(select(2, jwt.encode("x", "secret")):kind() == errors.INVALID)
        assert(select(2, jwt.encode({ 1, 2 }, "secret")):kind() == errors.INVALID)
        assert(select(2, jwt.verify(5, "secret")):kind() == errors.INVALID)
    "#

    keys_come_from_passwords("crypto") r#"
        local crypto = require("crypto")
        local key = assert(crypto.pbkdf2("password", "salt", 2, 8, "sha512"))
        assert(key == "\xe1\xd9\xc1\x6a\xa6\x81\x70\x8a")
        assert(#crypto.pbkdf2("password", "salt", 1000, 32) == 32)
        for _, wrong in ipairs({ { 5, "s", 1, 1 }, { "p", "s", 0, 1 }, { "p", "s", 10000001, 1 }, { "p", "s", 1, 0 }, { "p", "s", 1.5, 1 }, { "p", "s", 1, 1, "md5" } }) do
            assert(select(2, crypto.pbkdf2(table.unpack(wrong))):kind() == errors.INVALID)
        end
    "#

    comparing_says_only_whether("crypto") r#"
        local equal = require("crypto").constant_time_compare
        assert(equal("a\0b", "a\0b") == true and equal("a", "b") == false and equal("a", "aa") == false and equal("a", 5) == false)
    "#
}

/// Ten million iterations for a kilobyte take minutes: the call ends at its timeout, and the next one finds the way free.
#[tokio::test]
async fn work_is_given_up_with_its_call() {
    let app = App::entries(&[
        (
            "slow",
            "function",
            "modules: [crypto], limits: {timeout: 100ms}",
            "return function() return require('crypto').pbkdf2('p', 's', 10000000, 1024) end",
        ),
        (
            "quick",
            "function",
            "modules: [crypto]",
            "return function() return #require('crypto').pbkdf2('p', 's', 10, 16) end",
        ),
    ]);
    for _ in 0..4 {
        let failure = app.call("app:slow", &[]).await.expect_err("it takes too long");
        assert_eq!(failure.kind, perilune::Kind::Timeout);
    }
    assert_eq!(app.call("app:quick", &[]).await, Ok(16.into()));
}

/// One cell that asks for much work at once keeps one place, not all.
#[tokio::test]
async fn a_cell_that_wants_much_work_leaves_places_for_others() {
    let greedy = "return function()
        for _ = 1, 1000 do
            coroutine.spawn(function() require('crypto').pbkdf2('p', 's', 10000000, 1024) end)
        end
        require('crypto').pbkdf2('p', 's', 10000000, 1024)
    end";
    let app = App::entries(&[
        ("greedy", "function", "modules: [crypto]", greedy),
        (
            "modest",
            "function",
            "modules: [crypto]",
            "return function() return #require('crypto').pbkdf2('p', 's', 1000, 16) end",
        ),
    ]);
    let running = app.spawn("app:greedy", &[]);
    for _ in 0..10 {
        assert_eq!(app.call("app:modest", &[]).await, Ok(16.into()));
    }
    assert!(!running.is_finished());
    running.abort();
    let _: &Runtime = &app.runtime;
}
