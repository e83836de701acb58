//! Modules `json`, `base64`, `hash`, `uuid`, `logger`, `ctx` and the global `payload`, as Lua sees them. Their formats have their
//! own tests beside crates `perilune-value` and `perilune-modules`.

use perilune::{Call, Value};
use perilune_tests::{App, lua_tests};

lua_tests! {
    json_keeps_integers_arrays_and_objects_apart("json") r#"
        local json = require("json")
        assert(json.encode({ b = 1, a = { 1, 2.5, 3.0 }, list = {}, map = json.decode("{}") })
            == '{"a":[1,2.5,3],"b":1,"list":[],"map":{}}')
        local decoded = json.decode('{"whole": 9007199254740993, "float": 1.0, "gap": [1, null, 3], "none": null}')
        assert(decoded.whole == 9007199254740993 and math.type(decoded.float) == "float")
        assert(decoded.gap[1] == 1 and decoded.gap[2] == nil and decoded.gap[3] == 3 and decoded.none == nil)
    "#

    json_of_nil_is_null_both_ways("json") r#"
        local json = require("json")
        assert(json.encode(nil) == "null")
        local value, err = json.decode("null")
        assert(value == nil and err == nil)
    "#

    json_refuses_what_has_no_json_form_as_internal("json") r#"
        local json = require("json")
        local loop = {}
        loop.self = loop
        local deep = {}
        for _ = 1, 200 do deep = { deep } end
        for path, value in pairs({
            ["sparse"] = { 1, nil, 3 }, ["mixed"] = { 1, x = 2 }, ["1.f: "] = { f = print }, ["contains itself"] = loop,
            ["128 deep"] = deep,
        }) do
            local text, err = json.encode(value)
            assert(text == nil and err:kind() == errors.INTERNAL and err:message():find(path, 1, true), tostring(err))
        end
    "#

    json_tells_missing_text_from_malformed_text("json") r#"
        local json = require("json")
        for text, kind in pairs({ [""] = errors.INVALID, ["{} x"] = errors.INTERNAL, ["{"] = errors.INTERNAL }) do
            local value, err = json.decode(text)
            assert(value == nil and err:kind() == kind, tostring(err))
        end
        assert(select(2, json.decode(5)):kind() == errors.INVALID)
    "#

    json_validates_tables_and_text("json") r#"
        local json = require("json")
        local schema = { type = "object", required = { "name" }, properties = { age = { type = "integer" } } }
        assert(json.validate(schema, { name = "ann", age = 3 }) == true)
        local valid, err = json.validate(schema, { name = "ann", age = "3" })
        assert(valid == false and err:kind() == errors.INVALID and err:message():find("^/age: "), tostring(err))
        assert(json.validate_string('{"type":"array"}', "[1]") == true)
        assert(json.validate_string('{"type":"array"}', "1") == false and json.validate(nil, 1) == false)
    "#

    base64_is_binary_safe("base64") r#"
        local base64 = require("base64")
        assert(base64.encode("\0\xff") == "AP8=" and base64.decode("AP8=\n") == "\0\xff" and base64.encode("") == "")
        for _, wrong in ipairs({ "!", 5 }) do
            local data, err = base64.decode(wrong)
            assert(data == nil and err:kind() == errors.INVALID)
        end
    "#

    hash_gives_text_or_bytes("hash") r#"
        local hash = require("hash")
        assert(hash.md5("abc") == "900150983cd24fb0d6963f7d28e17f72" and #hash.sha256("abc", true) == 32)
        assert(hash.hmac_sha1("a", "b") == "8abe0fd691e3da3035f7b7ac91be45d99e942b9e")
        assert(hash.fnv32("") == 0x811c9dc5 and hash.fnv64("") == 0xcbf29ce484222325)
        local digest, err = hash.hmac_md5("data")
        assert(digest == nil and err:kind() == errors.INVALID and err:message():find("secret"))
    "#

    uuid_makes_reads_and_shows("uuid") r#"
        local uuid = require("uuid")
        local dns = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        assert(uuid.version(uuid.v1()) == 1 and uuid.version(uuid.v4()) == 4 and uuid.version(uuid.v7()) == 7)
        assert(uuid.v4() ~= uuid.v4())
        assert(uuid.v5(dns, "www.example.com") == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
        assert(math.abs(uuid.parse(uuid.v7()).timestamp - os.time()) <= 1 and #uuid.parse(dns).node == 6)
        assert(uuid.variant(dns) == "RFC4122" and uuid.format(dns, "urn") == "urn:uuid:" .. dns)
        assert(uuid.validate(dns) and not uuid.validate("x") and not uuid.validate({}))
        assert(select(2, uuid.v3("x", "y")):kind() == errors.INVALID and select(2, uuid.parse(5)):kind() == errors.INVALID)
    "#

    logger_makes_children("logger") r#"
        local logger = require("logger")
        local child = logger:with({ request = 7 }):named("http"):named("client")
        for _, level in ipairs({ "debug", "info", "warn", "error" }) do
            assert(child[level](child, "message", { callback = print, nested = { 1, 2 } }) == nil)
        end
        assert(not pcall(child.named, child, "") and not pcall(child.info, nil, "message"))
    "#

    payload_is_transcoded("json") r#"
        local original = payload.new({ list = { 1, 2 } })
        assert(original:get_format() == payload.format.LUA and tostring(original) == "payload{format=lua/any}")
        for _, format in ipairs({ payload.format.JSON, payload.format.MSGPACK, payload.format.GOLANG }) do
            local other = original:transcode(format)
            assert(other:get_format() == format and other:data().list[2] == 2 and other:unmarshal().list[1] == 1)
        end
        assert(payload.new("\xff"):transcode(payload.format.BYTES):data() == "\xff")
        assert(payload.new(errors.new("bad")):get_format() == payload.format.ERROR)
        local none, err = original:transcode("colour")
        assert(none == nil and err:kind() == errors.INTERNAL)
    "#

    ctx_tells_what_nobody_set_from_what_cannot_be_set("ctx") r#"
        local ctx = require("ctx")
        assert(select(2, ctx.get("user")):kind() == errors.NOT_FOUND)
        assert(select(2, ctx.get("")):kind() == errors.INVALID and select(2, ctx.get(5)):kind() == errors.INVALID)
        assert(next(ctx.all()) == nil)
    "#
}

#[tokio::test]
async fn ctx_reads_what_the_caller_set() {
    let app =
        App::lua("ctx", "local ctx = require('ctx') return { ctx.get('user'), math.type(ctx.all().n) }");
    let call = Call::new("app:main").context("user", "ann").context("n", 7);
    let expected = Value::Array(vec!["ann".into(), "integer".into()]);
    assert_eq!(app.runtime.call_with(call).await, Ok(expected));
}
