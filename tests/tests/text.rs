//! Module `text`, as Lua sees it. What patterns, differences and splitters do has its tests beside crate `perilune-text`.

use perilune::Kind;
use perilune_tests::{App, TIGHT, failure, lua_tests};

lua_tests! {
    a_regexp_finds("text") r#"
        local re = require("text").regexp.compile([[(\w+)@(?P<host>\w+)(\.\w+)?]])
        local text = "ann@moon, bob@mars.org"
        assert(re:match_string(text) == true and re:match_string("nobody") == false)
        assert(re:find_string(text) == "ann@moon" and re:find_string("nobody") == nil)
        assert(table.concat(re:find_all_string(text), "|") == "ann@moon|bob@mars.org" and #re:find_all_string("") == 0)
        local found = re:find_string_submatch(text)
        assert(#found == 4 and found[1] == "ann@moon" and found[2] == "ann" and found[3] == "moon" and found[4] == "")
        local all = re:find_all_string_submatch(text)
        assert(#all == 2 and all[2][4] == ".org" and re:find_string_submatch("") == nil)
        local span = re:find_string_index(text)
        assert(text:sub(span[1], span[2]) == "ann@moon" and re:find_string_index("") == nil)
        assert(re:find_all_string_index(text)[2][1] == 11 and re:find_all_string_index("") == nil)
        assert(re:num_subexp() == 3 and table.concat(re:subexp_names(), ",") == ",,host,")
        assert(re:string() == [[(\w+)@(?P<host>\w+)(\.\w+)?]] and tostring(re) == re:string() and type(re) == "userdata")
    "#

    a_regexp_replaces("text") r#"
        local re = require("text").regexp.compile([[(?<first>\w+) (\w+)]])
        assert(re:replace_all_string("ann lee, bob ray", "$2 ${first}") == "lee ann, ray bob")
        assert(re:replace_all_string("none", "x") == "none")
    "#

    a_regexp_splits("text") r#"
        local regexp = require("text").regexp
        for _, case in ipairs({
            { ",", "a,b,c", nil, "a|b|c" }, { ",", "a,b,c", 2, "a|b,c" }, { ",", "a,b,c", 0, "" }, { ",", ",a,", nil, "|a|" },
            { "x", "abc", nil, "abc" }, { "", "abc", nil, "a|b|c" }, { "x*", "axbxc", nil, "a|b|c" }, { ",", "", nil, "" },
            { "x*", "baac", nil, "b|a|a|c" },
        }) do
            local parts = regexp.compile(case[1]):split(case[2], case[3])
            assert(table.concat(parts, "|") == case[4], case[1] .. " of " .. case[2] .. ": " .. table.concat(parts, "|"))
        end
        assert(#regexp.compile(","):split("", -1) == 1 and #regexp.compile(","):split("a", 0) == 0)
    "#

    text_is_bytes("text") r#"
        local re = require("text").regexp.compile([[b+]])
        local text = "\0\xffbb\xfe\0"
        assert(re:find_string(text) == "bb" and re:find_string_index(text)[1] == 3)
        assert(re:replace_all_string(text, "\0") == "\0\xff\0\xfe\0")
    "#

    a_wrong_pattern_is_invalid_with_its_position("text") r#"
        local regexp = require("text").regexp
        local re, err = regexp.compile("a(b")
        assert(re == nil and err:kind() == errors.INVALID and err:details().position == 2, tostring(err))
        assert(select(2, regexp.compile(5)):kind() == errors.INVALID)
        assert(select(2, regexp.compile("\xff")):kind() == errors.INVALID)
        assert(select(2, regexp.compile("((a{1000}){1000}){1000}")):kind() == errors.INVALID)
        assert(not pcall(regexp.compile("a").match_string, regexp.compile("a")))
        assert(not pcall(regexp.compile("a").match_string, {}, "a"))
    "#

    long_texts_suspend_only_their_coroutine("text") r#"
        local re = require("text").regexp.compile("a(b|c)+$")
        local text = string.rep("ab", 2000000)
        local done = channel.new(1)
        local order = {}
        coroutine.spawn(function()
            done:send(re:match_string(text))
            order[#order + 1] = "search"
        end)
        order[#order + 1] = "main"
        assert(done:receive() == true and order[1] == "main")
    "#

    what_a_search_finds_may_be_long("text") r#"
        local re = require("text").regexp.compile("a")
        local text = string.rep("a", 100000)
        assert(#re:find_all_string_index(text) == 100000 and re:replace_all_string(text, "bb") == string.rep("bb", 100000))
        assert(#re:split(text) == 100001)
    "#

    a_search_that_would_take_for_ever_fails("text") r#"
        local text = string.rep("a", 1000000)
        local re = require("text").regexp.compile("a(?:[a-z]*Q)?")
        local found, err = re:find_all_string(text)
        assert(found == nil and err:kind() == errors.TIMEOUT, tostring(err))
        local replaced, problem = require("text").regexp.compile("a"):replace_all_string(text, string.rep("x", 1000))
        assert(replaced == nil and problem:kind() == errors.RATE_LIMITED, tostring(problem))
    "#

    differences_are_found_shown_and_applied("text") r#"
        local differ = require("text").diff.new({ diff_timeout = 2 })
        local pieces = differ:compare("the old <é>\n", "the new <é>\n")
        assert(pieces[1].operation == "equal" and pieces[1].text == "the " and #pieces == 4)
        local counts = differ:summarize(pieces)
        assert(counts.insertions == 3 and counts.deletions == 3 and counts.equals == 9)
        assert(differ:pretty_text(pieces) == "the \27[31mold\27[0m\27[32mnew\27[0m <é>\n")
        assert(differ:pretty_html(pieces):find('<del style="background:#ffe6e6;">old</del>', 1, true))
        assert(differ:pretty_html(pieces):find("&lt;é&gt;&para;<br></span>", 1, true))
        local patches = differ:patch_make("the old moon", "the new moon")
        assert(patches[1].text:find("^@@ "))
        local text, all = differ:patch_apply(patches, "see the old moon!")
        assert(text == "see the new moon!" and all == true)
        assert(select(2, differ:patch_apply(patches, "nothing of that kind")) == false)
        assert(select(2, differ:patch_apply({ {} }, "")):kind() == errors.INVALID)
        assert(select(2, differ:patch_apply({ { text = "x" } }, "")):kind() == errors.INVALID)
        assert(select(2, require("text").diff.new({ colour = 1 })):kind() == errors.INVALID)
        assert(select(2, differ:compare("\xff", "a")):kind() == errors.INVALID)
        assert(not pcall(differ.summarize, differ, { { operation = "jump", text = "" } }))
    "#

    long_differences_are_found_too("text") r#"
        local differ = require("text").diff.new()
        local old = string.rep("line of text\n", 2000)
        local pieces = differ:compare(old, old .. "more")
        assert(#pieces == 2 and pieces[2].text == "more")
        assert(select(2, differ:compare(string.rep("ab", 200000), "x")):kind() == errors.RATE_LIMITED)
    "#

    text_is_split_into_chunks("text") r##"
        local splitter = require("text").splitter
        local s = splitter.recursive({ chunk_size = 10, chunk_overlap = 0 })
        assert(table.concat(s:split_text("one two\n\nthree four five"), "|") == "one two|three four|five")
        local meta = { source = "a" }
        local chunks = s:split_batch({ { content = "one two three", metadata = meta }, { content = "x" } })
        assert(#chunks == 3 and chunks[1].content == "one two" and chunks[2].metadata.source == "a")
        chunks[1].metadata.source = "b"
        assert(meta.source == "a" and chunks[2].metadata.source == "a" and next(chunks[3].metadata) == nil)
        assert(splitter.markdown():split_text("# A\ntext")[1] == "# A\ntext")
        assert(#splitter.recursive():split_text(string.rep("word ", 50000)) > 50)
        for _, options in ipairs({ { chunk_size = 0 }, { chunk_size = 5, chunk_overlap = 5 }, { colour = 1 }, { chunk_size = "x" } }) do
            for _, way in ipairs({ splitter.recursive, splitter.markdown }) do
                local made, err = way(options)
                assert(made == nil and err:kind() == errors.INVALID, tostring(err))
            end
        end
        assert(select(2, s:split_batch({ { metadata = {} } })):kind() == errors.INVALID)
    "##
}

/// What a pattern compiles to is no handle: objects made at the top level serve every call, from the image.
#[tokio::test]
async fn a_regexp_made_at_the_top_level_serves_every_call() {
    let source = "
        local text = require('text')
        local re, differ, splitter = text.regexp.compile('a+'), text.diff.new(), text.splitter.recursive({ chunk_size = 2, chunk_overlap = 0 })
        return { main = function(s) return re:find_string(s) .. #differ:compare(s, s) .. #splitter:split_text(s) end }";
    let app = App::entries(&[("main", "function", "modules: [text], pool: {type: static, size: 1}", source)]);
    for _ in 0..3 {
        assert_eq!(app.call("app:main", &["baab".into()]).await, Ok("aa12".into()));
    }
}

/// However many searches a call starts and leaves, they are done one after the other and end with it.
#[tokio::test]
async fn a_call_that_ends_leaves_its_searches() {
    let body = "
        local re = require('text').regexp.compile('a(?:[a-z]*Q)?')
        local text = string.rep('a', 100000)
        for _ = 1, 20 do
            coroutine.spawn(function() re:find_all_string(text) end)
        end
        return 'done'";
    let app = App::lua("text", body);
    assert_eq!(app.main().await, "done".into());
    assert_eq!(app.main().await, "done".into());
}

/// Texts that wait for their turn are the cell's own memory.
#[tokio::test]
async fn what_waits_to_be_searched_counts() {
    let body = "
        local re = require('text').regexp.compile('a(?:[a-z]*Q)?')
        local text = string.rep('a', 4000000)
        for _ = 1, 10 do
            coroutine.spawn(function() re:find_all_string(text) end)
        end";
    let source = format!("return {{ main = function() {body} end }}");
    let app = App::entries_with(&[("main", "function", "modules: [text]", &source)], |builder| {
        builder.limits(TIGHT)
    });
    assert_eq!(app.main_fails().await.kind, Kind::RateLimited);
}

#[tokio::test]
async fn a_module_that_is_not_listed_is_not_there() {
    assert!(failure("", "require('text')").await.message.contains("module 'text' not found"));
}
