//! Channels and `select`.

use perilune::Kind;
use perilune_tests::{App, TIGHT, failure, lua_tests};

lua_tests! {
    a_value_passes_from_sender_to_receiver("") r#"
        local ch = channel.new()
        coroutine.spawn(function() assert(ch:send("hello") == true) end)
        local value, ok = ch:receive()
        assert(value == "hello" and ok == true)
    "#

    an_unbuffered_send_waits_for_its_receiver("") r#"
        local ch, log = channel.new(), {}
        coroutine.spawn(function()
          ch:send(1)
          log[#log + 1] = "sent"
        end)
        log[#log + 1] = "receiving"
        ch:receive()
        coroutine.yield()
        assert(table.concat(log, " ") == "receiving sent", table.concat(log, " "))
    "#

    a_receive_waits_for_its_sender("") r#"
        local ch, got = channel.new()
        coroutine.spawn(function() got = ch:receive() end)
        assert(got == nil)
        ch:send("late")
        coroutine.yield()
        assert(got == "late")
    "#

    a_buffer_takes_as_many_values_as_it_is_large("") r#"
        local ch = channel.new(2)
        assert(ch:send(1) and ch:send(2))
        local third = false
        coroutine.spawn(function() ch:send(3) third = true end)
        assert(not third)
        assert(ch:receive() == 1)
        coroutine.yield()
        assert(third and ch:receive() == 2 and ch:receive() == 3)
    "#

    a_capacity_below_zero_or_none_means_no_buffer("") r#"
        for _, ch in ipairs({ channel.new(), channel.new(0), channel.new(-5), channel.new(nil) }) do
          assert(channel.select({ ch:case_send(1) }, true).default)
        end
        assert(channel.select({ channel.new(1.0):case_send(1) }, true).ok)
    "#

    a_capacity_must_be_an_integer("") r#"
        for _, wrong in ipairs({ "many", 1.5, {}, true }) do
          local ok, problem = pcall(channel.new, wrong)
          assert(not ok and problem:find("bad argument #1 to 'new' %(integer expected"), problem)
        end
    "#

    a_huge_capacity_takes_no_memory("") r#"
        local ch = channel.new(math.maxinteger)
        assert(ch:send(1) and ch:receive() == 1)
    "#

    any_value_travels_nil_and_false_too("") r#"
        local ch = channel.new(6)
        local object, f = {}, function() end
        ch:send(nil) ch:send(false) ch:send(object) ch:send(f) ch:send(ch)
        local value, ok = ch:receive()
        assert(value == nil and ok == true)
        value, ok = ch:receive()
        assert(value == false and ok == true)
        assert(rawequal(ch:receive(), object) and rawequal(ch:receive(), f) and ch:receive() == ch)
        coroutine.spawn(function() ch:send() end)
        value, ok = ch:receive()
        assert(value == nil and ok == true)
    "#

    nil_and_false_are_handed_over_directly_too("") r#"
        local ch = channel.new()
        local got = {}
        coroutine.spawn(function() got[1] = table.pack(ch:receive()) got[2] = table.pack(ch:receive()) end)
        ch:send(nil)
        ch:send(false)
        coroutine.yield()
        assert(got[1][1] == nil and got[1][2] == true and got[2][1] == false and got[2][2] == true)
    "#

    values_arrive_in_order("") r#"
        local ch, got = channel.new(3), {}
        coroutine.spawn(function()
          for i = 1, 100 do ch:send(i) end
          ch:close()
        end)
        for value in function() return (ch:receive()) end do got[#got + 1] = value end
        assert(#got == 100)
        for i = 1, 100 do assert(got[i] == i) end
    "#

    senders_are_served_in_the_order_they_came("") r#"
        local ch, got = channel.new(), {}
        for i = 1, 5 do coroutine.spawn(function() ch:send(i) end) end
        for i = 1, 5 do got[i] = ch:receive() end
        assert(table.concat(got, ",") == "1,2,3,4,5")
    "#

    receivers_are_served_in_the_order_they_came("") r#"
        local ch, got = channel.new(), {}
        for i = 1, 5 do coroutine.spawn(function() local value = ch:receive() got[#got + 1] = i .. value end) end
        for _, value in ipairs({ "a", "b", "c", "d", "e" }) do ch:send(value) end
        coroutine.yield()
        assert(table.concat(got, ",") == "1a,2b,3c,4d,5e", table.concat(got, ","))
    "#

    a_waiting_senders_value_moves_into_the_freed_place_in_order("") r#"
        local ch, got = channel.new(1), {}
        ch:send(1)
        coroutine.spawn(function() ch:send(2) end)
        coroutine.spawn(function() ch:send(3) end)
        for i = 1, 3 do got[i] = ch:receive() end
        assert(table.concat(got, ",") == "1,2,3")
    "#

    sending_on_a_closed_channel_raises("") r#"
        local ch = channel.new(1)
        ch:close()
        local ok, problem = pcall(ch.send, ch, 1)
        assert(not ok and problem:find("send on closed channel", 1, true), problem)
        local ok, problem = pcall(function() ch:send(1) end)
        assert(not ok and problem:find("^app:main:%d+: send on closed channel$"), problem)
    "#

    receiving_from_a_closed_channel_gives_nil_and_false("") r#"
        local ch = channel.new()
        ch:close()
        for _ = 1, 3 do
          local value, ok = ch:receive()
          assert(value == nil and ok == false)
        end
    "#

    what_was_buffered_is_delivered_before_the_close_is_seen("") r#"
        local ch = channel.new(2)
        ch:send("a") ch:send(nil)
        ch:close()
        local value, ok = ch:receive()
        assert(value == "a" and ok)
        value, ok = ch:receive()
        assert(value == nil and ok)
        value, ok = ch:receive()
        assert(value == nil and not ok)
    "#

    closing_wakes_all_receivers("") r#"
        local ch, woken = channel.new(), {}
        for i = 1, 3 do coroutine.spawn(function() woken[i] = table.pack(ch:receive()) end) end
        assert(select('#', ch:close()) == 0)
        coroutine.yield()
        for i = 1, 3 do assert(woken[i].n == 2 and woken[i][1] == nil and woken[i][2] == false) end
    "#

    closing_wakes_all_senders_with_an_error("") r#"
        local ch, woken = channel.new(), {}
        for i = 1, 3 do coroutine.spawn(function() woken[i] = table.pack(ch:send(i)) end) end
        ch:close()
        coroutine.yield()
        for i = 1, 3 do
          assert(woken[i][1] == nil and errors.is(woken[i][2], errors.INVALID))
          assert(woken[i][2]:message() == "send on closed channel")
        end
        assert(select(2, ch:receive()) == false)
    "#

    closing_twice_does_nothing("") r#"
        local ch = channel.new(1)
        ch:send(1)
        ch:close()
        assert(pcall(ch.close, ch))
        assert(ch:receive() == 1)
    "#

    a_channel_is_an_opaque_object("") r#"
        local ch, other = channel.new(), channel.new()
        assert(type(ch) == "userdata" and getmetatable(ch) == "channel" and tostring(ch):find("^channel: "))
        assert(ch == ch and ch ~= other)
        assert(ch.items == nil and ch.capacity == nil and not pcall(function() ch.x = 1 end))
    "#

    methods_refuse_other_objects("") r#"
        local ch = channel.new()
        for _, wrong in ipairs({ 1, "x", {}, errors.new("x") }) do
          for _, name in ipairs({ "send", "receive", "close", "case_send", "case_receive" }) do
            local ok, problem = pcall(ch[name], wrong)
            assert(not ok and problem:find("bad argument #1 to '" .. name .. "' (channel expected", 1, true), problem)
          end
        end
        assert(not pcall(ch.receive))
    "#

    select_receives_what_is_ready("") r#"
        local a, b = channel.new(1), channel.new(1)
        b:send("of b")
        local r = channel.select({ a:case_receive(), b:case_receive() })
        assert(r.channel == b and r.value == "of b" and r.ok == true and r.default == nil)
    "#

    select_sends_where_there_is_room("") r#"
        local full, free = channel.new(1), channel.new(1)
        full:send(0)
        local r = channel.select({ full:case_send("x"), free:case_send("y") })
        assert(r.channel == free and r.value == "y" and r.ok == true)
        assert(free:receive() == "y" and full:receive() == 0)
    "#

    select_takes_the_first_ready_case_in_order("") r#"
        local a, b = channel.new(10), channel.new(10)
        for i = 1, 5 do a:send(i) b:send(i) end
        for i = 1, 5 do assert(channel.select({ a:case_receive(), b:case_receive() }).channel == a) end
        assert(channel.select({ a:case_receive(), b:case_receive() }).channel == b)
    "#

    select_receives_nil_and_false("") r#"
        local ch = channel.new(2)
        ch:send(nil) ch:send(false)
        local r = channel.select({ ch:case_receive() })
        assert(r.value == nil and r.ok == true)
        r = channel.select({ ch:case_receive() })
        assert(r.value == false and r.ok == true)
    "#

    select_sees_a_closed_channel_as_ready("") r#"
        local ch = channel.new()
        ch:close()
        local r = channel.select({ ch:case_receive() })
        assert(r.channel == ch and r.value == nil and r.ok == false)
    "#

    select_raises_for_a_send_on_a_closed_channel("") r#"
        local ch = channel.new(1)
        ch:close()
        local ok, problem = pcall(channel.select, { ch:case_send(1) })
        assert(not ok and problem:find("send on closed channel", 1, true), problem)
    "#

    select_with_a_default_never_waits("") r#"
        local ch = channel.new()
        for _, r in ipairs({
          channel.select({ ch:case_receive(), default = true }),
          channel.select({ ch:case_receive() }, true),
          channel.select({ ch:case_send(1), default = true }),
          channel.select({ default = true }),
          channel.select({}, true),
        }) do
          assert(r.default == true and r.ok == true and r.channel == nil and r.value == nil)
        end
    "#

    select_prefers_a_ready_case_to_the_default("") r#"
        local ch = channel.new(1)
        ch:send(1)
        local r = channel.select({ ch:case_receive(), default = true })
        assert(r.value == 1 and r.default == nil)
    "#

    a_false_default_is_none("") r#"
        local ch = channel.new()
        coroutine.spawn(function() ch:send(7) end)
        assert(channel.select({ ch:case_receive(), default = false }, false).value == 7)
    "#

    select_takes_named_cases_after_the_others_by_name("") r#"
        local a, b, c = channel.new(1), channel.new(1), channel.new(1)
        a:send("a") b:send("b") c:send("c")
        local cases = { c:case_receive(), zulu = a:case_receive(), alpha = b:case_receive() }
        local order = {}
        for i = 1, 3 do order[i] = channel.select(cases).value end
        assert(table.concat(order) == "cba", table.concat(order))
    "#

    select_ignores_what_is_no_case("") r#"
        local ch = channel.new(1)
        ch:send(1)
        local r = channel.select({ "text", 5, {}, ch, x = 1, [true] = 2, ch:case_receive() })
        assert(r.value == 1)
    "#

    select_wants_a_table("") r#"
        for _, wrong in ipairs({ 1, "x", channel.new(), channel.new():case_receive() }) do
          local ok, problem = pcall(channel.select, wrong)
          assert(not ok and problem:find("bad argument #1 to 'select' %(table expected"), problem)
        end
        assert(not pcall(channel.select))
    "#

    select_waits_for_the_first_to_become_ready("") r#"
        local a, b = channel.new(), channel.new()
        coroutine.spawn(function() coroutine.yield() b:send("of b") end)
        local r = channel.select({ a:case_receive(), b:case_receive() })
        assert(r.channel == b and r.value == "of b" and r.ok)
    "#

    a_waiting_select_sends_when_a_receiver_comes("") r#"
        local a, b, got = channel.new(), channel.new()
        coroutine.spawn(function() coroutine.yield() got = b:receive() end)
        local r = channel.select({ a:case_receive(), b:case_send("sent") })
        assert(r.channel == b and r.value == "sent" and r.ok)
        coroutine.yield()
        assert(got == "sent")
    "#

    a_waiting_select_sees_a_close("") r#"
        local ch = channel.new()
        coroutine.spawn(function() ch:close() end)
        local r = channel.select({ ch:case_receive() })
        assert(r.channel == ch and r.value == nil and r.ok == false)
    "#

    a_waiting_select_that_would_send_raises_on_close("") r#"
        local ch = channel.new()
        coroutine.spawn(function() coroutine.yield() ch:close() end)
        local ok, problem = pcall(channel.select, { ch:case_send(1) })
        assert(not ok and problem:find("send on closed channel", 1, true), problem)
    "#

    a_select_that_fired_leaves_its_other_channels("") r#"
        local a, b = channel.new(), channel.new()
        coroutine.spawn(function() b:send("b") end)
        assert(channel.select({ a:case_receive(), b:case_receive(), a:case_send(1) }).value == "b")
        assert(channel.select({ a:case_send(2) }, true).default, "no receiver is left")
        assert(channel.select({ a:case_receive() }, true).default, "no sender is left")
    "#

    one_channel_twice_in_a_select_fires_once("") r#"
        local ch = channel.new()
        coroutine.spawn(function() coroutine.yield() ch:send(1) end)
        local cases = { ch:case_receive(), ch:case_receive() }
        assert(channel.select(cases).value == 1)
        assert(channel.select({ ch:case_send(2) }, true).default)
    "#

    a_select_does_not_meet_itself("") r#"
        local ch = channel.new()
        coroutine.spawn(function() coroutine.yield() ch:send("other") end)
        local r = channel.select({ ch:case_send("own"), ch:case_receive() })
        assert(r.value == "other")
    "#

    two_selects_meet("") r#"
        local ch, sent = channel.new()
        coroutine.spawn(function() sent = channel.select({ ch:case_send("x") }) end)
        local got = channel.select({ ch:case_receive() })
        coroutine.yield()
        assert(got.value == "x" and got.ok and sent.value == "x" and sent.ok and sent.channel == ch)
    "#

    cases_can_be_used_again("") r#"
        local ch = channel.new(2)
        local sending, receiving = ch:case_send("v"), ch:case_receive()
        channel.select({ sending }) channel.select({ sending })
        assert(channel.select({ receiving }).value == "v" and channel.select({ receiving }).value == "v")
    "#

    a_producer_and_consumers_share_the_work("") r#"
        local work, done, sum = channel.new(4), channel.new(), 0
        for _ = 1, 3 do
          coroutine.spawn(function()
            while true do
              local n, ok = work:receive()
              if not ok then break end
              sum = sum + n
              coroutine.yield()
            end
            done:send(true)
          end)
        end
        for i = 1, 100 do work:send(i) end
        work:close()
        for _ = 1, 3 do done:receive() end
        assert(sum == 5050)
    "#
}

#[tokio::test]
async fn selects_leave_nothing_behind() {
    let body = r#"
        local quiet, busy = channel.new(), channel.new()
        coroutine.spawn(function() while true do busy:send(1) end end)
        for _ = 1, 100000 do
          channel.select({ quiet:case_receive(), busy:case_receive(), quiet:case_send(1) })
          channel.select({ quiet:case_receive(), quiet:case_send(1), default = true })
        end
        return quiet:close()
    "#;
    let source = format!("return function()\n{body}\nend\n");
    let yaml = "version: '1.0'\nnamespace: app\nname: main\nkind: function.lua\nsource: file://main.lua\nmethod: main\n\
                limits: {memory: 4MiB, cpu: 5s}\n";
    App::new(&[("app.yaml", yaml), ("main.lua", &source)]).main().await;
}

#[tokio::test]
async fn a_channel_that_is_used_for_long_stays_small() {
    let body = "local ch = channel.new(10)\nfor i = 1, 300000 do ch:send(i) assert(ch:receive() == i) end";
    let app = App::with(
        &[
            (
                "app.yaml",
                "version: '1.0'\nnamespace: app\nname: main\nkind: function.lua\nsource: file://m.lua\nmethod: main\n",
            ),
            ("m.lua", &format!("return function()\n{body}\nend")),
        ],
        |builder| {
            builder.limits(perilune::Limits {
                memory: 4 << 20,
                cpu: std::time::Duration::from_secs(5),
                ..TIGHT
            })
        },
    );
    app.main().await;
}

#[tokio::test]
async fn a_select_without_cases_waits_for_ever_and_is_a_deadlock() {
    let failure = failure("", "channel.select({})").await;
    assert_eq!(failure.kind, Kind::Internal);
    assert!(failure.message.starts_with("deadlock: all coroutines blocked"), "{}", failure.message);
}

#[tokio::test]
async fn a_receive_that_nobody_can_answer_is_a_deadlock() {
    for body in [
        "channel.new():receive()",
        "channel.new():send(1)",
        "channel.select({ channel.new():case_receive() })",
    ] {
        let failure = failure("", body).await;
        assert!(
            failure.message.starts_with("deadlock: all coroutines blocked"),
            "{body}: {}",
            failure.message
        );
    }
}
