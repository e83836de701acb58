//! Messages: topics, the inbox, and what waits until somebody asks for it.

use perilune::Kind;
use perilune_tests::{App, failure, lua_tests};

lua_tests! {
    a_cell_knows_its_entry_and_its_pid("") r#"
        assert(process.id() == "app:main")
        assert(process.pid():find("^{[%w_.:@]+|%w+}$"), process.pid())
        assert(process.pid() == process.pid())
    "#

    a_message_reaches_the_channel_of_its_topic("") r#"
        local ch = channel.new()
        assert(subscribe("news", ch) == ch)
        assert(process.send(process.pid(), "news", "hello") == true)
        local value, ok = ch:receive()
        assert(value == "hello" and ok == true)
    "#

    no_payload_is_nil_and_several_are_a_list("") r#"
        local ch = subscribe("t", channel.new())
        local me = process.pid()
        process.send(me, "t")
        process.send(me, "t", false)
        process.send(me, "t", 1, "two", { three = 3 })
        local value, ok = ch:receive()
        assert(value == nil and ok == true)
        assert(ch:receive() == false)
        local list = ch:receive()
        assert(#list == 3 and list[1] == 1 and list[2] == "two" and list[3].three == 3)
    "#

    messages_are_kept_in_order_however_small_the_channel("") r#"
        local ch = subscribe("t", channel.new(1))
        for i = 1, 100 do process.send(process.pid(), "t", i) end
        for i = 1, 100 do assert(ch:receive() == i) end
    "#

    messages_wait_until_somebody_subscribes("") r#"
        local me, first = process.pid(), subscribe("first", channel.new())
        process.send(me, "later", 1)
        process.send(me, "later", 2)
        process.send(me, "first", "arrived")
        assert(first:receive() == "arrived")
        local later = subscribe("later", channel.new())
        assert(later:receive() == 1 and later:receive() == 2)
    "#

    what_came_before_reaches_whoever_waits_on_the_channel_already("") r#"
        local me, late, got = process.pid(), channel.new(), {}
        local next_turn = subscribe("next turn", channel.new())
        local function take_a_turn()
          process.send(me, "next turn")
          next_turn:receive()
        end
        coroutine.spawn(function()
          for i = 1, 3 do got[i] = late:receive() end
        end)
        process.send(me, "late", 1)
        process.send(me, "late", 2)
        take_a_turn()
        assert(subscribe("late", late) == late)
        process.send(me, "late", 3)
        take_a_turn()
        assert(table.concat(got, " ") == "1 2 3", table.concat(got, " "))
    "#

    what_a_closed_channel_had_not_read_is_there_for_the_next_one("") r#"
        local me = process.pid()
        local first, other = subscribe("t", channel.new()), subscribe("other", channel.new())
        for i = 1, 3 do process.send(me, "t", i, "of three") end
        process.send(me, "other")
        other:receive()
        assert(first:receive()[1] == 1)
        unsubscribe(first)
        local second = subscribe("t", channel.new())
        process.send(me, "t", 4)
        local two, three = second:receive(), second:receive()
        assert(two[1] == 2 and two[2] == "of three" and three[1] == 3)
        assert(second:receive() == 4)
    "#

    subscribing_one_channel_again_is_fine("") r#"
        local ch = channel.new()
        assert(subscribe("t", ch) == ch and subscribe("t", ch) == ch)
    "#

    a_topic_has_one_channel("") r#"
        subscribe("t", channel.new())
        local none, err = subscribe("t", channel.new())
        assert(none == nil and errors.is(err, errors.ALREADY_EXISTS) and err:message() == 'topic "t" already subscribed')
    "#

    subscribe_wants_a_topic_and_a_channel("") r#"
        local ok, problem = pcall(subscribe, 5, channel.new())
        assert(not ok and problem:find("bad argument #1 to 'subscribe' (string expected", 1, true), problem)
        local ok, problem = pcall(subscribe, "t", {})
        assert(not ok and problem:find("bad argument #2 to 'subscribe' (channel expected", 1, true), problem)
        local ok, problem = pcall(unsubscribe, "t")
        assert(not ok and problem:find("bad argument #1 to 'unsubscribe' (channel expected", 1, true), problem)
    "#

    unsubscribing_closes_the_channel("") r#"
        local ch = subscribe("t", channel.new())
        assert(unsubscribe(ch) == true)
        local value, ok = ch:receive()
        assert(value == nil and ok == false)
    "#

    unsubscribing_what_is_not_subscribed_is_an_error("") r#"
        local ch = subscribe("t", channel.new())
        unsubscribe(ch)
        for _, other in ipairs({ ch, channel.new() }) do
          local done, err = unsubscribe(other)
          assert(done == false and errors.is(err, errors.NOT_FOUND))
        end
    "#

    a_topic_is_free_again_after_unsubscribing("") r#"
        local me = process.pid()
        local ch = subscribe("t", channel.new())
        process.send(me, "t", 1)
        process.send(me, "t", 2)
        assert(ch:receive() == 1)
        unsubscribe(ch)
        process.send(me, "t", 3)
        local again = subscribe("t", channel.new())
        assert(again:receive() == 2 and again:receive() == 3)
    "#

    unsubscribing_wakes_who_waits("") r#"
        local ch, woken = subscribe("t", channel.new())
        coroutine.spawn(function() woken = table.pack(ch:receive()) end)
        unsubscribe(ch)
        coroutine.yield()
        assert(woken.n == 2 and woken[1] == nil and woken[2] == false)
    "#

    the_inbox_gets_what_no_topic_claims("") r#"
        local me, inbox = process.pid(), process.inbox()
        local claimed = subscribe("claimed", channel.new())
        process.send(me, "claimed", "a")
        process.send(me, "free", "b")
        local message = inbox:receive()
        assert(message:topic() == "free" and message:payload():data() == "b")
        assert(claimed:receive() == "a")
    "#

    the_inbox_is_one_channel("") r#"
        assert(process.inbox() == process.inbox())
    "#

    the_inbox_gets_what_came_before_it_was_opened("") r#"
        local me, marker = process.pid(), subscribe("marker", channel.new())
        process.send(me, "early", 1)
        process.send(me, "marker")
        marker:receive()
        local message = process.inbox():receive()
        assert(message:topic() == "early" and message:payload():data() == 1)
    "#

    a_message_says_who_sent_it("") r#"
        local inbox = process.inbox()
        process.send(process.pid(), "t", "x")
        local message = inbox:receive()
        assert(message:from() == process.pid() and tostring(message) == "process.Message{topic=t}")
        assert(type(message) == "userdata" and getmetatable(message) == "process.Message")
    "#

    a_messages_payloads_are_payload_objects("") r#"
        local inbox, me = process.inbox(), process.pid()
        process.send(me, "none")
        process.send(me, "one", { x = 1 })
        process.send(me, "several", 1, "two")
        assert(inbox:receive():payload() == nil)
        assert(inbox:receive():payload():data().x == 1)
        local several = inbox:receive():payload()
        assert(#several == 2 and several[1]:data() == 1 and several[2]:data() == "two")
    "#

    an_error_object_arrives_as_one("") r#"
        local ch = subscribe("t", channel.new())
        process.send(process.pid(), "t", errors.new(errors.CONFLICT, "m"))
        local err = ch:receive()
        assert(errors.is(err, errors.CONFLICT) and err:message() == "m")
    "#

    listen_gives_plain_values("") r#"
        local ch = process.listen("t")
        process.send(process.pid(), "t", 1, 2)
        local list = ch:receive()
        assert(list[1] == 1 and list[2] == 2)
    "#

    listen_gives_messages_when_asked("") r#"
        local ch = process.listen("t", { message = true })
        process.send(process.pid(), "t", "x")
        local message = ch:receive()
        assert(message:topic() == "t" and message:from() == process.pid() and message:payload():data() == "x")
    "#

    listening_twice_gives_one_channel("") r#"
        assert(process.listen("t") == process.listen("t"))
        assert(process.listen("t") ~= process.listen("u"))
    "#

    topics_of_the_runtime_cannot_be_used("") r#"
        for _, topic in ipairs({ "", "@pid/events", "@x" }) do
          local none, err = process.listen(topic)
          assert(none == nil and errors.is(err, errors.INVALID), topic)
          none, err = process.send(process.pid(), topic, 1)
          assert(none == nil and errors.is(err, errors.INVALID), topic)
        end
    "#

    unlisten_closes_the_channel("") r#"
        local ch = process.listen("t")
        assert(process.unlisten(ch) == true and select(2, ch:receive()) == false)
        assert(process.unlisten(ch) == false)
        assert(process.listen("t") ~= ch)
    "#

    sending_to_nobody_is_an_error("") r#"
        for _, pid in ipairs({ "{functions|fffff}", "nobody", "" }) do
          local none, err = process.send(pid, "t", 1)
          assert(none == nil and errors.is(err, errors.NOT_FOUND), pid)
        end
    "#

    what_cannot_cross_cannot_be_sent("") r#"
        for _, value in ipairs({ print, channel.new(), coroutine.create(print) }) do
          local none, err = process.send(process.pid(), "t", { callback = value })
          assert(none == nil and errors.is(err, errors.INVALID) and err:message():find("callback", 1, true), tostring(err))
        end
    "#

    select_waits_for_messages_and_channels_together("") r#"
        local topic, other = subscribe("t", channel.new()), channel.new()
        process.send(process.pid(), "t", "message")
        local r = channel.select({ other:case_receive(), topic:case_receive() })
        assert(r.channel == topic and r.value == "message")
        coroutine.spawn(function() other:send("value") end)
        r = channel.select({ topic:case_receive(), other:case_receive() })
        assert(r.channel == other and r.value == "value")
    "#

    event_kinds_are_constants("") r#"
        assert(process.event.CANCEL == "pid.cancel" and process.event.EXIT == "pid.exit" and process.event.LINK_DOWN == "pid.link.down")
        assert(process.events() == process.events())
    "#

    a_full_mailbox_tells_the_sender("") r#"
        local sent, err = 0
        repeat
          local ok
          ok, err = process.send(process.pid(), "t", sent)
          if ok then sent = sent + 1 end
        until not ok
        assert(errors.is(err, errors.RATE_LIMITED) and err:retryable() == true, tostring(err))
        local ch = subscribe("t", channel.new())
        for i = 0, sent - 1 do assert(ch:receive() == i) end
    "#
}

#[tokio::test]
async fn one_call_sends_to_another() {
    let app = App::entries(&[
        (
            "reader",
            "function",
            "",
            "return function(boss) process.send(boss, 'ready', process.pid()) return process.listen('work'):receive() end",
        ),
        (
            "main",
            "function",
            "modules: [funcs]",
            "return function()\nlocal ready = process.listen('ready')\n\
             local future = funcs.async('app:reader', process.pid())\n\
             assert(process.send(ready:receive(), 'work', 'task'))\n\
             return future:response():receive():data() end",
        ),
    ]);
    assert_eq!(app.main().await, "task".into());
}

#[tokio::test]
async fn a_pid_is_gone_with_its_call() {
    let app = App::entries(&[
        ("other", "function", "", "return function() return process.pid() end"),
        (
            "main",
            "function",
            "modules: [funcs]",
            "return function()\nlocal _, err = process.send(funcs.call('app:other'), 't', 1)\nreturn err:kind() end",
        ),
    ]);
    assert_eq!(app.main().await, Kind::NotFound.as_str().into());
}

#[tokio::test]
async fn a_wait_for_a_message_ends_with_the_calls_timeout() {
    let app = App::entries(&[(
        "main",
        "function",
        "limits: {timeout: 50ms}",
        "return function() process.inbox():receive() end",
    )]);
    assert_eq!(app.main_fails().await.kind, Kind::Timeout);
}

#[tokio::test]
async fn a_channel_without_topic_is_still_a_deadlock_when_nobody_listens() {
    let failure =
        failure("", "local ch = subscribe('t', channel.new())\nunsubscribe(ch)\nchannel.new():receive()")
            .await;
    assert!(failure.message.starts_with("deadlock: "), "{}", failure.message);
}
