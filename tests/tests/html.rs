//! Module `html`, as Lua sees it. What policies let through has its tests beside crate `perilune-text`.

use perilune_tests::{App, lua_tests};

lua_tests! {
    strict_and_new_policies_leave_the_text("html") r#"
        local sanitize = require("html").sanitize
        local text = "<p onclick=x>Hello <b>you</b></p><script>alert(1)</script>"
        assert(sanitize.strict_policy():sanitize(text) == "Hello you" and sanitize.new_policy():sanitize(text) == "Hello you")
        assert(sanitize.strict_policy():sanitize("") == "")
    "#

    what_users_may_write_stays("html") r#"
        local policy = require("html").sanitize.ugc_policy()
        for _, text in ipairs({
            '<h1 id="top">A</h1><p dir="ltr" title="x" lang="en-GB"><b>b</b> <em>c</em></p>', "<ul><li>a</li></ul>",
            '<a href="https://moon.example/x?y=1" rel="nofollow">x</a>', '<a href="/local" rel="nofollow">x</a>',
            '<img src="https://moon.example/a.png" alt="a" width="10" height="5%">',
            '<table><tbody><tr><td colspan="2" align="left">x</td></tr></tbody></table>', '<time datetime="2026-01-31">x</time>',
            '<details open=""><summary>x</summary>y</details>', '<blockquote cite="https://moon.example/">q</blockquote>',
        }) do
            local clean = policy:sanitize(text)
            assert(clean == text, clean)
        end
        for text, clean in pairs({
            ["<a href='javascript:alert(1)'>x</a>"] = "<a>x</a>",
            ["<img src=x onerror=alert(1)>"] = '<img src="x">',
            ["<p style='x' class=y>a</p>"] = "<p>a</p>",
            ["<td colspan=x>a</td>"] = "a",
            ["<ol start=x><li>a</ol>"] = "<ol><li>a</li></ol>",
            ["<svg onload=alert(1)>"] = "",
        }) do
            local got = policy:sanitize(text)
            assert(got == clean, got)
        end
    "#

    policies_are_put_together("html") r#"
        local policy = require("html").sanitize.new_policy()
        assert(policy:allow_elements("b", "i") == policy)
        assert(policy:allow_attrs("title", "dir"):on_elements("p") == policy)
        assert(policy:allow_attrs("id"):matching("^[a-z]+$"):globally() == policy)
        assert(policy:sanitize("<b id=a>1</b><p title=x id=1>2</p><u>3</u>") == '<b id="a">1</b><p title="x">2</p>3')
        policy:allow_attrs("href"):on_elements("a")
        assert(policy:sanitize("<a href=https://a.example>x</a>") == "<a>x</a>")
        policy:allow_url_schemes("https")
        assert(policy:sanitize("<a href=https://a.example>x</a><a href=/y>y</a>") == '<a href="https://a.example">x</a><a>y</a>')
        policy:allow_relative_urls(true):require_parseable_urls(true)
        assert(policy:sanitize("<a href=/y>y</a>") == '<a href="/y">y</a>')
        policy:require_nofollow_on_links(true):require_noreferrer_on_links(true):add_target_blank_to_fully_qualified_links(true)
        assert(policy:sanitize("<a href=https://a.example>x</a>")
            == '<a href="https://a.example" rel="nofollow noreferrer noopener" target="_blank">x</a>')
        policy:require_nofollow_on_links(false):require_noreferrer_on_links(false):add_target_blank_to_fully_qualified_links(false)
        assert(policy:sanitize("<a href=https://a.example>x</a>") == '<a href="https://a.example">x</a>')
    "#

    sets_of_elements_come_by_name("html") r#"
        local sanitize = require("html").sanitize
        local image = '<img src="https://a.example/x.png" alt="a">'
        assert(sanitize.new_policy():allow_images():sanitize(image) == image)
        local data = '<img src="data:image/png;base64,iVBORw0KGgo=">'
        assert(sanitize.new_policy():allow_images():sanitize(data) == "<img>")
        assert(sanitize.new_policy():allow_images():allow_data_uri_images():sanitize(data) == data)
        assert(sanitize.new_policy():allow_lists():sanitize("<ul><li>a</li></ul><p>b</p>") == "<ul><li>a</li></ul>b")
        local tables = sanitize.new_policy():allow_tables():allow_standard_attributes()
        assert(tables:sanitize("<table id=t><tr><td onclick=x>a</table>") == '<table id="t"><tbody><tr><td>a</td></tr></tbody></table>')
        local urls = sanitize.new_policy():allow_standard_urls()
        urls:allow_attrs("href"):on_elements("a")
        assert(urls:sanitize("<a href=mailto:a@b>x</a><a href=ftp:x>y</a>") == '<a href="mailto:a@b" rel="nofollow">x</a><a>y</a>')
    "#

    what_is_never_safe_cannot_be_allowed("html") r#"
        local policy = require("html").sanitize.new_policy()
        for _, try in ipairs({
            function() policy:allow_elements("script") end, function() policy:allow_attrs("onclick") end,
            function() policy:allow_url_schemes("javascript") end, function() policy:allow_elements(5) end,
            function() policy:allow_attrs("id"):on_elements("style") end, function() policy.sanitize({}, "") end,
            function() policy:sanitize(5) end,
        }) do
            local fine, err = pcall(try)
            assert(not fine and tostring(err):find("bad argument"), tostring(err))
        end
        local builder, err = policy:allow_attrs("id"):matching("(")
        assert(builder == nil and err:kind() == errors.INVALID and err:details().position == 1)
        assert(select(2, policy:allow_attrs("id"):matching("\\p{L}{1000}")):kind() == errors.INVALID)
        assert(policy:sanitize("<p id=x>a</p>") == "a")
    "#

    long_texts_are_sanitised_and_hostile_ones_refused("html") r#"
        local policy = require("html").sanitize.ugc_policy()
        local clean = policy:sanitize(string.rep("<p onclick=x>word</p>\n", 20000))
        assert(clean == string.rep("<p>word</p>\n", 20000))
        for _, text in ipairs({ string.rep("<div>", 100000), string.rep("a", 2000000), string.rep("<b id=a>", 100000) }) do
            local got, err = policy:sanitize(text)
            assert(got == nil and err:kind() == errors.RATE_LIMITED, tostring(err))
        end
        assert(select(2, policy:sanitize("\xff")):kind() == errors.INVALID)
    "#
}

#[tokio::test]
async fn a_policy_made_at_the_top_level_serves_every_call() {
    let source = "
        local policy = require('html').sanitize.new_policy():allow_elements('b')
        return { main = function(text) return policy:sanitize(text) end }";
    let app = App::entries(&[("main", "function", "modules: [html], pool: {type: static, size: 1}", source)]);
    for _ in 0..3 {
        assert_eq!(app.call("app:main", &["<b>x</b><i>y</i>".into()]).await, Ok("<b>x</b>y".into()));
    }
}
