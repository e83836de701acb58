//! Streams: the objects that other modules hand out, here bodies of responses and files that are sent.

use crate::servers::{Server, pieces, serve, text};
use perilune::{Allowed, Limits, Value};
use perilune_tests::App;
use perilune_tests::hostile::{component, core, start};

/// A server whose `/N` is the Nth of these bodies, each in pieces.
async fn bodies() -> Server {
    const BODIES: [&[&str]; 8] = [
        &["one\ntwo\r\n", "\nfo", "ur"],
        &["  some\twords ", "and\n mo", "re"],
        &["añ", "€𝄞"],
        &["ab"],
        &[""],
        &["x\n"],
        &["0123456789"],
        &["a\rb\n\n"],
    ];
    serve(|seen| async move {
        let at: usize = seen.path[1..].parse().expect("a number");
        pieces(BODIES[at], false)
    })
    .await
}

const MODULES: &str = "modules: [http_client, stream, funcs, json]";

/// An application whose function `app:main` has `body(n)`, the stream of [`bodies`], on a host that allows it.
fn app(pool: &str, body: &str) -> App {
    let source = format!(
        "local http = require('http_client')
        return function(base)
            local function body(n) return assert(http.get(base .. '/' .. n, {{ stream = true }})).stream end
            {body}
        end"
    );
    App::entries_with(
        &[
            ("main", "function", &format!("{MODULES}{pool}"), &source),
            ("other", "function", MODULES, "return function(value) return type(value) end"),
        ],
        |builder| builder.allow(Allowed { network: vec!["127.0.0.1".into()], ..Allowed::default() }),
    )
}

async fn check(app: &App, site: &Server) -> Value {
    match app.call("app:main", &[site.url("").into()]).await {
        Ok(value) => value,
        Err(failure) => panic!("app:main succeeds: {failure:#?}"),
    }
}

/// Declares tests of Lua that checks itself.
macro_rules! stream_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(&app("", $body), &bodies().await).await;
        })*
    };
}

stream_tests! {
    the_module_is_a_table_without_functions r#"
        assert(type(require("stream")) == "table" and next(require("stream")) == nil)
        assert(not pcall(function() require("stream").x = 1 end))
    "#

    a_stream_is_an_opaque_object r#"
        local stream = body(3)
        assert(type(stream) == "userdata" and getmetatable(stream) == "Stream" and stream.handle == nil)
        assert(not pcall(stream.read, {}) and not pcall(stream.read, 1))
    "#

    zero_or_nothing_reads_all_that_remains r#"
        for _, most in ipairs({ 0, false }) do
            local stream = body(6)
            assert(stream:read(3) == "012" and stream:read(most or nil) == "3456789")
            local rest, err = stream:read()
            assert(rest == nil and err == nil and stream:read(1) == nil and stream:read(0) == nil)
        end
        local rest, err = body(4):read()
        assert(rest == nil and err == nil)
    "#

    a_scanner_finds_lines_words_bytes_and_characters r#"
        local function all(n, mode)
            local scanner, tokens = body(n):scanner(mode), {}
            while scanner:scan() do tokens[#tokens + 1] = scanner:text() end
            assert(scanner:err() == nil and scanner:text() == "")
            return table.concat(tokens, "|")
        end
        assert(all(0) == "one|two||four" and all(5, "lines") == "x" and all(4) == "" and all(7, "lines") == "a\rb|")
        assert(all(1, "words") == "some|words|and|more" and all(4, "words") == "")
        assert(all(3, "bytes") == "a|b" and all(2, "runes") == "a|ñ|€|𝄞")
    "#

    a_scanner_of_anything_else_is_invalid r#"
        local scanner, err = body(0):scanner("sentences")
        assert(scanner == nil and err:kind() == errors.INVALID)
    "#

    what_a_stream_cannot_do_fails_in_its_own_way r#"
        local stream = body(6)
        local position, err = stream:seek("set", 3)
        assert(position == -1 and err:kind() == errors.INTERNAL)
        position, err = stream:seek("middle", 3)
        assert(position == -1 and err:kind() == errors.INVALID)
        position, err = stream:seek("cur", 0.5)
        assert(position == -1 and err:kind() == errors.INVALID)
        local written, err = stream:write("x")
        assert(written == 0 and err:kind() == errors.INTERNAL)
        written, err = stream:write(5)
        assert(written == 0 and err:kind() == errors.INVALID)
        assert(stream:flush() == true and stream:read(1) == "0")
        for _, wrong in ipairs({ -1, 1.5, "all" }) do
            local piece, err = stream:read(wrong)
            assert(piece == nil and err:kind() == errors.INVALID)
        end
    "#

    a_closed_stream_is_of_no_use r#"
        local stream = body(6)
        local scanner = stream:scanner("bytes")
        assert(scanner:scan() and scanner:text() == "0")
        assert(stream:close() == true and stream:close() == true)
        local function closed(_, err) return err:kind() == errors.INVALID and err:message():find("closed") end
        assert(closed(stream:read(1)) and closed(stream:write("x")) and closed(stream:seek("set", 0)))
        assert(closed(stream:flush()) and closed(stream:stat()))
        -- What it had read before is still there.
        assert(scanner:scan() and scanner:text() == "1")
        local fresh = body(6)
        local ended = fresh:scanner("words")
        fresh:close()
        local found, err = ended:scan()
        assert(found == false and err:kind() == errors.INVALID and ended:err() == err:message())
    "#

    too_much_cannot_be_open_at_once r#"
        local function opened(count, timeout)
            local ended, open = channel.new(0), {}
            for _ = 1, count do
                coroutine.spawn(function()
                    local response, err = http.get(base .. "/6", { stream = true, timeout = timeout })
                    ended:send(response or err)
                end)
            end
            for _ = 1, count do
                local got = ended:receive()
                open[#open + 1] = type(got) == "table" and got or nil
            end
            return open
        end
        local kept = opened(128)
        assert(#kept == 128 and #opened(72, 0.2) == 0)
        -- A place is free as soon as a stream has been read or closed.
        assert(kept[1].stream:close() and http.get(base .. "/6").body == "0123456789")
        assert(kept[2].stream:read() and http.get(base .. "/6").body == "0123456789")
    "#

    a_stream_does_not_cross_to_another_entry r#"
        local result, err = require("funcs").call("app:other", body(6))
        assert(result == nil and err:kind() == errors.INVALID, tostring(err))
    "#
}

#[tokio::test]
async fn a_stream_ends_with_the_call_that_opened_it() {
    let site = bodies().await;
    let body = "
        if kept then
            local piece, err = kept:read(1)
            assert(piece == nil and err:kind() == errors.INVALID and err:message():find('closed'), tostring(err))
            return 'closed'
        end
        kept = body(6)
        return kept:read(1)
    ";
    let app = app(", pool: {type: inline}", body);
    assert_eq!(check(&app, &site).await, "0".into());
    assert_eq!(check(&app, &site).await, "closed".into());
}

#[tokio::test]
async fn the_number_of_a_stream_means_nothing_in_another_cell() {
    let site = bodies().await;
    let app = app("", "local stream = body(6) channel.new(0):receive() return stream:read()");
    let call = app.spawn("app:main", &[site.url("").into()]);
    site.until(|counts| counts.begun == 1).await;
    let imports = r#"(import "perilune:cell/streams@0.1.0" "stat" (func $stat (param i64 i32)))"#;
    // Dies if any of the first numbers is a stream; returns 42 otherwise.
    let guesses: String = (0..4)
        .map(|number| {
            format!(
                "(call $stat (i64.const {number}) (i32.const 2048))
                (if (i32.eqz (i32.load8_u (i32.const 2048))) (then unreachable))"
            )
        })
        .collect();
    let body = format!(
        "{guesses} (i32.store8 (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1032) (i32.const 2000))
        (i32.store (i32.const 1036) (i32.const 1)) (i32.store8 (i32.const 2000) (i32.const 42))"
    );
    let guessed = start(&component(&core(imports, &body)), &[], Limits::DEFAULT).await;
    assert_eq!(guessed.expect("no number is a stream"), [42]);
    call.abort();
}

#[tokio::test]
async fn a_token_without_an_end_is_an_error() {
    let site = serve(|_| async { text(200, vec![b'x'; 2 << 20]) }).await;
    let body = "
        for _, mode in ipairs({ 'lines', 'words' }) do
            local scanner = body(0):scanner(mode)
            local found, err = scanner:scan()
            assert(found == false and err:kind() == errors.INVALID and err:message():find('1 MiB'), tostring(err))
            assert(scanner:scan() == false)
        end
    ";
    check(&app("", body), &site).await;
}
