//! What requests ask, and what responses say.

use super::{app, check, site};

/// Declares tests of Lua that checks itself; `base` is the URL of [`site`], which is all that the host allows.
macro_rules! site_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            let site = site().await;
            check(&app(&["127.0.0.1"], $body), &site.url("")).await;
        })*
    };
}

site_tests! {
    every_method_has_a_function r#"
        for _, name in ipairs({ "get", "delete", "post", "put", "patch" }) do
            local answer = json.decode(http[name](base .. "/echo").body)
            assert(answer.method == name:upper() and answer.path == "/echo")
        end
        for _, name in ipairs({ "OPTIONS", "trace", "PROPFIND" }) do
            assert(json.decode(http.request(name, base .. "/echo").body).method == name:upper())
        end
        local head = http.head(base .. "/echo")
        assert(head.status_code == 200 and head.body == nil and head.body_size == 0)
    "#

    options_reach_the_server r#"
        local function sent(options) return json.decode(assert(http.post(base .. "/echo?x=1", options)).body) end
        local answer = sent({
            headers = { ["X-Tag"] = "a", accept = "text/plain", ["X-Count"] = 3 }, query = { q = "a b&c", page = 2 },
            cookies = { session = "s1", theme = "dark" }, auth = { user = "ann", pass = "s:cret" }, body = "plain\0bytes",
        })
        assert(answer.path == "/echo?x=1&page=2&q=a+b%26c", answer.path)
        assert(answer.headers["x-tag"] == "a" and answer.headers.accept == "text/plain" and answer.headers["x-count"] == "3")
        assert(answer.headers.cookie == "session=s1; theme=dark" and answer.headers.authorization == "Basic YW5uOnM6Y3JldA==")
        assert(answer.body == "plain\0bytes" and answer.headers["content-length"] == "11")
        assert(answer.headers["user-agent"]:find("^perilune/"))
        local form = sent({ form = { name = "Ann & Bob", age = 7 } })
        assert(form.body == "age=7&name=Ann+%26+Bob" and form.headers["content-type"] == "application/x-www-form-urlencoded")
        local typed = sent({ form = { a = "1" }, headers = { ["content-type"] = "text/x-form" } })
        assert(typed.headers["content-type"] == "text/x-form")
    "#

    the_user_of_a_url_is_sent_and_not_shown r#"
        local secret = base:gsub("://", "://ann:pass%%20word@") .. "/echo"
        local response = http.get(secret)
        assert(json.decode(response.body).headers.authorization == "Basic YW5uOnBhc3Mgd29yZA==")
        assert(response.url == base .. "/echo")
    "#

    a_response_is_a_table r#"
        local response = http.get(base .. "/status/404")
        assert(response.status_code == 404 and response.body == "as asked" and response.body_size == 8)
        assert(response.url == base .. "/status/404" and response.stream == nil)
        local empty = http.get(base .. "/headers")
        assert(empty.body == nil and empty.body_size == 0)
        assert(empty.headers["Content-Type"] == "text/plain" and empty.headers["X-Request-Id"] == "7")
        assert(empty.cookies.a == "2" and empty.cookies.b == "x=y" and empty.cookies.nonsense == nil)
        assert(http.get(base .. "/status/500").status_code == 500)
    "#

    files_are_sent_as_a_form r#"
        local reader = assert(http.get(base .. "/lines", { stream = true })).stream
        local answer = json.decode(http.post(base .. "/echo", {
            form = { title = "two files" },
            files = {
                { name = "a", filename = "a\"b.txt", content = "first\0", content_type = "text/csv" },
                { name = "b", reader = reader },
            },
        }).body)
        assert(answer.headers["content-type"]:find("^multipart/form%-data; boundary="))
        for _, part in ipairs({
            'form-data; name="title"\r\n\r\ntwo files\r\n',
            'form-data; name="a"; filename="a%22b.txt"\r\ncontent-type: text/csv\r\n\r\nfirst\0\r\n',
            'form-data; name="b"\r\n\r\none\ntwo\nthree\r\n',
        }) do
            assert(answer.body:find(part, 1, true), answer.body)
        end
    "#

    a_name_in_a_form_cannot_write_parts_of_its_own r#"
        local answer = json.decode(http.post(base .. "/echo", {
            files = { { name = "a\r\nX-Evil: 1\r\n\r\n", filename = "b\"; name=\"c", content = "x" } },
        }).body)
        assert(answer.body:find('name="a%0D%0AX-Evil: 1%0D%0A%0D%0A"; filename="b%22; name=%22c"', 1, true), answer.body)
    "#

    a_batch_answers_by_position r#"
        local responses, errs = http.request_batch({
            { "GET", base .. "/status/200" }, { "POST", base .. "/echo", { body = "two" } }, { "GET", "ftp://x" },
            { "GET", base .. "/status/404" },
        })
        assert(responses[1].status_code == 200 and json.decode(responses[2].body).body == "two" and responses[3] == nil)
        assert(responses[4].status_code == 404 and errs[1] == nil and errs[3]:kind() == errors.INVALID)
        local all, none = http.request_batch({ { "GET", base .. "/status/200" } })
        assert(#all == 1 and none == nil)
        assert(#http.request_batch({}) == 0)
        for _, wrong in ipairs({ { "GET", base, { stream = true } }, { "GET" }, { 1, 2 }, "GET", { "GET", base, 5 } }) do
            local responses, err = http.request_batch({ wrong })
            assert(responses == nil and err:kind() == errors.INVALID and err:message():find("requests[1]", 1, true))
        end
    "#

    uris_are_encoded_as_in_queries r#"
        assert(http.encode_uri("a b/ü&~_-.") == "a+b%2F%C3%BC%26~_-.")
        assert(http.decode_uri("a+b%2F%c3%BC%26") == "a b/ü&")
        for _, wrong in ipairs({ "%", "%2", "a%zz", "%41%" }) do
            local text, err = http.decode_uri(wrong)
            assert(text == nil and err:kind() == errors.INVALID)
        end
        assert(http.decode_uri("%2541") == "%41")
        assert(not pcall(http.encode_uri) and not pcall(http.decode_uri, {}))
    "#

    a_body_is_read_piece_by_piece r#"
        local response = http.get(base .. "/lines", { stream = true })
        assert(response.body == nil and response.body_size == -1 and response.status_code == 200)
        local stream = response.stream
        assert(stream:read(2) == "on" and stream:stat().position == 2 and stream:stat().readable and not stream:stat().seekable)
        local scanner, lines = stream:scanner("lines"), {}
        while scanner:scan() do lines[#lines + 1] = scanner:text() end
        assert(table.concat(lines, "|") == "e|two|three")
        local piece, err = stream:read(10)
        assert(piece == nil and err == nil)
        assert(select(2, stream:write("x")):kind() == errors.INTERNAL)
        local sized = http.get(base .. "/big/70000", { stream = true }).stream
        assert(sized:stat().size == 70000 and #sized:read() == 70000 and sized:close())
    "#

    a_stream_gives_what_has_arrived_and_is_closed_in_the_middle r#"
        local stream = http.get(base .. "/drip", { stream = true }).stream
        assert(stream:read(100) == "first")
        local ended = channel.new(1)
        coroutine.spawn(function() ended:send({ stream:read(100) }) end)
        assert(stream:close() and stream:close())
        local result = ended:receive()
        assert(result[1] == nil)
        assert(select(2, stream:read(1)):kind() == errors.INVALID)
    "#

    compressed_bodies_are_taken_apart r#"
        local response = http.get(base .. "/gzip")
        assert(response.body == "hello, compressed" and response.headers["Content-Encoding"] == nil)
    "#

    a_body_may_not_be_larger_than_asked r#"
        for path, most in pairs({ ["/big/1001"] = 1000, ["/lines"] = 5, ["/bomb"] = 1000000, ["/gzip"] = 16 }) do
            local response, err = http.get(base .. path, { max_response_body = most })
            assert(response == nil and err:kind() == errors.INTERNAL and err:details().limit == "max_response_body", tostring(err))
            local stream = http.get(base .. path, { max_response_body = most, stream = true }).stream
            local all, err = stream:read()
            assert(all == nil and err:kind() == errors.INTERNAL, path)
        end
        assert(http.get(base .. "/big/1000", { max_response_body = 1000 }).body_size == 1000)
    "#

    a_server_that_does_not_answer_is_given_up r#"
        for _, timeout in ipairs({ 0.05, "50ms" }) do
            local response, err = http.get(base .. "/never", { timeout = timeout })
            assert(response == nil and err:kind() == errors.INTERNAL and err:retryable() == true)
            assert(err:message():find("GET " .. base .. "/never: no answer within 50ms", 1, true), err:message())
        end
        local response, err = http.get(base .. "/drip", { timeout = 0.05 })
        assert(response == nil and err:retryable() == true)
        local stream = http.get(base .. "/drip", { timeout = 0.05, stream = true }).stream
        assert(stream:read(10) == "first")
        local piece, err = stream:read(10)
        assert(piece == nil and err:kind() == errors.INTERNAL and err:retryable() == true)
    "#

    what_is_no_request_is_invalid r#"
        for position, case in ipairs({
            { "GET", "nowhere" }, { "GET", "" }, { "GET", "ftp://127.0.0.1" }, { "GET", "file:///etc/passwd" }, { "GET", "http://" },
            { "G T", base }, { "", base }, { "CONNECT", base }, { "GET", "http://[::1" }, { "GET", base .. "/" .. ("x"):rep(20000) },
            { "GET", base, { timout = 5 } }, { "GET", base, { timeout = -1 } }, { "GET", base, { timeout = 0 } },
            { "GET", base, { timeout = "soon" } }, { "GET", base, { timeout = 0/0 } }, { "GET", base, { timeout = {} } },
            { "GET", base, { headers = "x" } }, { "GET", base, { headers = { "x" } } }, { "GET", base, { headers = { a = {} } } },
            { "GET", base, { headers = { ["a b"] = "x" } } }, { "GET", base, { headers = { a = "x\r\nEvil: 1" } } },
            { "GET", base, { body = 5 } }, { "GET", base, { body = "x", form = { a = 1 } } }, { "GET", base, { stream = 1 } },
            { "GET", base, { cookies = { a = "x; b=1" } } }, { "GET", base, { cookies = { ["a=b"] = "x" } } },
            { "GET", base, { max_response_body = -1 } }, { "GET", base, { files = { { name = "a" } } } },
            { "GET", base, { files = { { content = "x" } } } }, { "GET", base, { files = { 1 } } }, { "GET", base, { files = "x" } },
            { "GET", base, { files = { { name = "a", content = "x", reader = 5 } } } }, { "GET", base, { auth = "ann" } },
            { "GET", base, { tls = { ca = "no certificate" } } }, { "GET", base, { tls = { cert = "x" } } },
            { "GET", base, { overlay_network = "app:net" } }, { "GET", base, { [1] = "x" } }, { "GET", base, { headers = print } },
            { "GET", base, { headers = { host = "other.example" } } }, { "GET", base, { headers = { ["Transfer-Encoding"] = "chunked" } } },
            { "GET", base, { headers = { ["content-length"] = "5" } } }, { "GET", base, { query = { a = ("x"):rep(600000) } } },
        }) do
            local response, err = http.request(table.unpack(case))
            assert(response == nil and err and err:kind() == errors.INVALID, position .. " " .. tostring(err))
        end
        local many = {}
        for i = 1, 2000 do many["x-" .. i] = "1" end
        assert(select(2, http.get(base, { headers = many })):kind() == errors.INVALID)
        for _, wrong in ipairs({ { nil }, { 5 }, { base, "x" } }) do
            local raised, err = pcall(http.get, wrong[1], wrong[2])
            assert(not raised and err:find("bad argument #" .. (wrong[2] and 2 or 1) .. " to 'get'", 1, true), err)
        end
    "#

    redirects_are_followed_as_browsers_do r#"
        local response = http.get(base .. "/to/302/to/301/status/200")
        assert(response.status_code == 200 and response.url == base .. "/status/200")
        for status, method in pairs({ [301] = "GET", [302] = "GET", [303] = "GET", [307] = "PUT", [308] = "PUT" }) do
            local answer = json.decode(http.put(base .. "/to/" .. status .. "/echo", { body = "data", headers = { ["content-type"] = "x/y" } }).body)
            assert(answer.method == method and answer.body == (method == "PUT" and "data" or ""), status)
            assert((answer.headers["content-type"] == "x/y") == (method == "PUT"))
        end
        assert(http.head(base .. "/to/303/echo").url == base .. "/echo")
        local kept = json.decode(http.get(base .. "/to/302/echo", { auth = { user = "a" }, cookies = { c = "1" } }).body)
        assert(kept.headers.authorization and kept.headers.cookie == "c=1")
        assert(http.get(base .. "/to/302/echo#part").url == base .. "/echo#part")
    "#

    redirects_do_not_go_on_for_ever r#"
        local response, err = http.get(base .. "/loop")
        assert(response == nil and err:kind() == errors.INTERNAL and err:message():find("more than 10 redirects"), tostring(err))
    "#

    a_body_that_was_a_stream_is_not_sent_twice r#"
        local function post(status)
            local reader = http.get(base .. "/lines", { stream = true }).stream
            return http.post(base .. "/to/" .. status .. "/echo", { files = { { name = "a", reader = reader } } })
        end
        assert(post(307).status_code == 307)
        assert(json.decode(post(303).body).method == "GET")
    "#

    redirects_lead_to_no_other_scheme r#"
        for _, target in ipairs({ "file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "data://x" }) do
            local response, err = http.get(base .. "/to/302/" .. target)
            assert(response == nil and err:kind() == errors.INTERNAL and err:message():find("is not spoken here"), tostring(err))
        end
    "#

    requests_timers_and_channels_go_on_side_by_side r#"
        local time = require("time")
        local answers, ticks = channel.new(0), channel.new(0)
        for i = 1, 5 do
            coroutine.spawn(function() answers:send({ i, http.get(base .. "/status/20" .. i) }) end)
        end
        coroutine.spawn(function() ticks:send("ping") end)
        local never = channel.new(0)
        coroutine.spawn(function() never:send(http.get(base .. "/never")) end)
        local got, timers, pings = {}, 0, 0
        local timer = time.after("1ms")
        local cases = { timer:case_receive(), answers:case_receive(), ticks:case_receive(), never:case_receive() }
        while #got < 5 or timers < 1 or pings < 1 do
            local case = channel.select(cases)
            assert(case.ok and case.channel ~= never)
            if case.channel == answers then
                assert(case.value[2].status_code == 200 + case.value[1])
                got[#got + 1] = case.value[1]
            elseif case.channel == timer then
                -- A timer's channel is closed once it has fired.
                timers = timers + 1
                table.remove(cases, 1)
            else
                pings = pings + 1
            end
        end
    "#
}
