//! Module `yaml` and the YAML of `payload`, as Lua sees them.

use perilune_tests::lua_tests;

lua_tests! {
    yaml_is_written_and_read("yaml") r#"
        local yaml = require("yaml")
        local text = assert(yaml.encode({ name = "ann", list = { 1, 2.5, "3" }, none = {}, deep = { yes = true } }))
        assert(text == 'deep:\n  "yes": true\nlist:\n  - 1\n  - 2.5\n  - "3"\nname: ann\nnone: []\n', text)
        local back = assert(yaml.decode(text))
        assert(back.list[3] == "3" and math.type(back.list[1]) == "integer" and back.deep.yes == true)
        assert(yaml.decode("a: \"\\0\\xff\"").a == "\0\u{ff}")
        assert(yaml.decode(yaml.encode({ "\0\xff" }))[1] == "\0\xff")
    "#

    yaml_puts_named_fields_first("yaml") r#"
        local yaml = require("yaml")
        local value = { b = 1, name = "x", a = { name = "z", a = 2 } }
        assert(yaml.encode(value, { field_order = { "name", "b" } }) == "name: x\nb: 1\na:\n  name: z\n  a: 2\n")
        assert(yaml.encode(value, { sort_unordered = true }) == yaml.encode(value))
    "#

    yaml_of_much_data_suspends_only_its_coroutine("yaml") r#"
        local yaml = require("yaml")
        local list = {}
        for i = 1, 20000 do list[i] = { id = i, name = "name " .. i } end
        local others = 0
        coroutine.spawn(function() others = others + 1 end)
        local text = assert(yaml.encode(list))
        assert(#text > 64 * 1024 and others == 1)
        local back = assert(yaml.decode(text))
        assert(#back == 20000 and back[20000].name == "name 20000")
    "#

    yaml_tells_wrong_arguments_from_malformed_text("yaml") r#"
        local yaml = require("yaml")
        for _, wrong in ipairs({ 5, "", true }) do
            local value, err = yaml.decode(wrong)
            assert(value == nil and err:kind() == errors.INVALID, tostring(err))
        end
        local value, err = yaml.decode("a: 1\nb: [")
        assert(value == nil and err:kind() == errors.INTERNAL and err:details().line == 3, tostring(err))
        for _, wrong in ipairs({ "text", 5, true }) do
            assert(select(2, yaml.encode(wrong)):kind() == errors.INVALID)
        end
        for _, options in ipairs({ 5, { field_order = "a" }, { field_order = { 1 } }, { sort_unordered = 1 } }) do
            assert(select(2, yaml.encode({}, options)):kind() == errors.INVALID)
        end
        local loop = {}
        loop.self = loop
        for _, wrong in ipairs({ { f = print }, loop, { 1, nil, 3 }, { 1, x = 2 } }) do
            assert(select(2, yaml.encode(wrong)):kind() == errors.INTERNAL)
        end
    "#

    text_nested_ten_thousand_deep_is_an_error_and_no_more("json, yaml") r#"
        local json, yaml = require("json"), require("yaml")
        local lists = ("["):rep(10000) .. ("]"):rep(10000)
        local maps = ('{"a":'):rep(10000) .. "1" .. ("}"):rep(10000)
        for _, text in ipairs({ lists, maps, ("["):rep(10000) }) do
            for name, decode in pairs({ json = json.decode, yaml = yaml.decode }) do
                local value, err = decode(text)
                assert(value == nil and err:kind() == errors.INTERNAL and err:message():find("nesting over 128"), name .. tostring(err))
            end
            -- Bytes are read in the format that they are said to have.
            for _, format in ipairs({ payload.format.JSON, payload.format.YAML }) do
                local value, err = payload.new(text):transcode(payload.format.STRING):transcode(format):data()
                assert(value == text and not err)
            end
        end
        assert(select(2, json.decode(("- "):rep(10000) .. "x")):kind() == errors.INTERNAL)
        assert(select(2, yaml.decode(("- "):rep(10000) .. "x")):kind() == errors.INTERNAL)
    "#

    an_alias_bomb_is_an_error("yaml") r#"
        local yaml = require("yaml")
        local lines = { "a0: &a0 [lol]" }
        for level = 1, 30 do
            lines[#lines + 1] = ("a%d: &a%d [*a%d, *a%d]"):format(level, level, level - 1, level - 1)
        end
        local value, err = yaml.decode(table.concat(lines, "\n"))
        assert(value == nil and err:kind() == errors.INTERNAL and err:message():find("aliases"), tostring(err))
    "#

    payload_speaks_yaml("") r#"
        local original = payload.new({ list = { 1, 2 }, name = "x" })
        local other = assert(original:transcode(payload.format.YAML))
        assert(other:get_format() == "yaml/plain" and other:data().list[2] == 2)
        assert(other:transcode(payload.format.JSON):data().name == "x")
        local long = {}
        for i = 1, 20000 do long[i] = "item " .. i end
        assert(payload.new(long):transcode(payload.format.YAML):data()[20000] == "item 20000")
        local none, err = payload.new({ 1, x = 1 }):transcode(payload.format.YAML)
        assert(none == nil and err:kind() == errors.INTERNAL)
    "#
}
