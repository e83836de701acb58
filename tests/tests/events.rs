//! Module `events`: the bus as Lua sees it.

use perilune::{Actor, Authority, Call, Entry, EntryId, Operation, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::{App, lua_tests};

lua_tests! {
    who_listens_hears("events") r#"
        local events = require("events")
        local sub = assert(events.subscribe("shop"))
        assert(events.send("shop", "order.paid", "orders/7", { total = 12.5, items = { "a" } }) == true)
        local event, open = sub:channel():receive()
        assert(open and event.system == "shop" and event.kind == "order.paid" and event.path == "orders/7")
        assert(event.data.total == 12.5 and event.data.items[1] == "a")
        events.send("shop", "order.paid", "orders/8")
        assert(sub:channel():receive().data == nil and sub:channel() == sub:channel())
    "#

    what_was_sent_before_is_not_heard("events") r#"
        local events = require("events")
        events.send("shop", "before", "p")
        local sub = events.subscribe("shop")
        events.send("shop", "after", "p")
        assert(sub:channel():receive().kind == "after")
    "#

    patterns_choose_systems_and_kinds("events") r#"
        local events = require("events")
        local subs = {
            { events.subscribe("*"), 4 }, { events.subscribe("shop*"), 3 }, { events.subscribe("shop"), 2 },
            { events.subscribe("shop", "order.*"), 1 }, { events.subscribe("*", "*"), 4 }, { events.subscribe("none"), 0 },
        }
        events.send("shop", "order.paid", "p")
        events.send("shop", "opened", "p")
        events.send("shop.cellar", "opened", "p")
        events.send("street", "opened", "p")
        events.send("end", "end", "p")
        local last = events.subscribe("end")
        events.send("end", "end", "p")
        last:channel():receive()
        for i, pair in ipairs(subs) do
            local count = 0
            while not channel.select({ pair[1]:channel():case_receive(), default = true }).default do count = count + 1 end
            assert(count == pair[2] or pair[2] == 4 and count == 6, i .. ": " .. count)
        end
    "#

    a_closed_subscription_hears_nothing("events") r#"
        local events = require("events")
        local sub = events.subscribe("shop")
        assert(sub:close() == true and sub:close() == true)
        events.send("shop", "opened", "p")
        local value, open = sub:channel():receive()
        assert(value == nil and open == false)
    "#

    closing_wakes_whoever_waits("events") r#"
        local events = require("events")
        local sub = events.subscribe("shop")
        local done = channel.new(1)
        coroutine.spawn(function() done:send(select(2, sub:channel():receive())) end)
        sub:close()
        assert(done:receive() == false)
    "#

    names_and_data_are_checked("events") r#"
        local events = require("events")
        local function fails(value, err)
            assert(value == nil and err:kind() == errors.INVALID, tostring(err))
        end
        for _, bad in ipairs({ "", ("x"):rep(256), "a*b", 5, {} }) do
            fails(events.subscribe(bad))
            fails(events.subscribe("shop", bad))
            fails(events.send(bad, "k", "p"))
            fails(events.send("s", bad, "p"))
        end
        fails(events.subscribe())
        for _, path in ipairs({ "", ("x"):rep(2000), 5 }) do fails(events.send("s", "k", path)) end
        fails(events.send("s", "k"))
        fails(events.send("s", "k", "p", print))
        fails(events.send("s", "k", "p", ("x"):rep(70000)))
        fails(events.send("s*", "k", "p"))
    "#

    a_slow_listener_loses_events_and_nobody_waits_for_it("events") r#"
        local events = require("events")
        local slow, other = events.subscribe("flood"), events.subscribe("end")
        for n = 1, 1000 do assert(events.send("flood", "k", "p", n)) end
        events.send("end", "k", "p")
        other:channel():receive()
        local count, last = 0, 0
        while true do
            local result = channel.select({ slow:channel():case_receive(), default = true })
            if result.default then break end
            assert(result.value.data > last)
            count, last = count + 1, result.value.data
        end
        assert(count >= 64 and count < 1000, count)
        events.send("flood", "k", "p", "again")
        assert(slow:channel():receive().data == "again")
    "#

    events_timers_and_stores_are_selected_side_by_side("events, time") r#"
        local events, time = require("events"), require("time")
        local sub = events.subscribe("shop")
        local slept = channel.new(0)
        coroutine.spawn(function() time.sleep("1ms") slept:send("slept") end)
        coroutine.spawn(function() events.send("shop", "opened", "p") end)
        local timer, seen = time.after("1ms"), {}
        for _ = 1, 3 do
            local result = channel.select({ sub:channel():case_receive(), timer:case_receive(), slept:case_receive() })
            local name = result.channel == timer and "timer" or result.channel == slept and "slept" or "event"
            if name == "timer" then timer = channel.new() end
            seen[name] = true
        end
        assert(seen.timer and seen.slept and seen.event)
    "#
}

const YAML: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [events, funcs, registry, store, time], POOL}
  - {name: other, kind: function.lua, source: file://other.lua, method: main, modules: [events]}
  - {name: kv, kind: store.memory}
"#;

/// `app:main` with this body and pool, and `app:other`, which sends an event `shop`, `greeting` with its argument.
fn app(body: &str, pool: &str) -> App {
    let main = format!(
        "local events, funcs = require('events'), require('funcs')\nlocal kept\nreturn function(...)\n{body}\nend"
    );
    let other = "return function(data) return require('events').send('shop', 'greeting', 'p', data) end";
    App::new(&[("app.yaml", &YAML.replace("POOL", pool)), ("main.lua", &main), ("other.lua", other)])
}

#[tokio::test]
async fn events_reach_other_cells() {
    let app = app(
        "local sub = events.subscribe('shop')
        assert(funcs.call('app:other', 'hello'))
        return sub:channel():receive().data",
        "",
    );
    assert_eq!(app.main().await, "hello".into());
}

#[tokio::test]
async fn a_subscription_ends_with_its_call() {
    let app = app(
        "if kept then
          events.send('shop', 'greeting', 'p')
          local mine = events.subscribe('shop')
          events.send('shop', 'greeting', 'p')
          mine:channel():receive()
          return channel.select({ kept:channel():case_receive(), default = true }).default
        end
        kept = events.subscribe('shop')",
        "pool: {type: inline}",
    );
    app.main().await;
    assert_eq!(app.main().await, true.into());
}

#[tokio::test]
async fn a_store_a_timer_and_an_event_are_selected_side_by_side() {
    let app = app(
        "local store, time = require('store').get('app:kv'), require('time')
        local sub, stored, timer = events.subscribe('shop'), channel.new(1), time.after('1ms')
        coroutine.spawn(function() store:set('k', 'stored') stored:send(store:get('k')) end)
        local call = funcs.async('app:other', 'sent')
        local seen = {}
        while not (seen.timer and seen.stored and seen.sent) do
          local result = channel.select({ sub:channel():case_receive(), stored:case_receive(), timer:case_receive() })
          if result.channel == timer then
            seen.timer, timer = true, channel.new()
          elseif result.channel == stored then
            seen[result.value] = true
          else
            seen[result.value.data] = true
          end
        end",
        "",
    );
    app.main().await;
}

#[tokio::test]
async fn changes_of_entries_are_events_that_the_host_alone_sends() {
    let app = app(
        "local sub = events.subscribe('registry', 'entry.*')
        local registry = require('registry')
        assert(registry.snapshot():changes():create({ id = 'app:new', kind = 'registry.entry' }):apply())
        assert(registry.snapshot():changes():delete('app:new'):apply())
        local created, deleted = sub:channel():receive(), sub:channel():receive()
        assert(created.kind == 'entry.create' and created.path == 'app:new' and created.data.version == 1)
        assert(deleted.kind == 'entry.delete' and deleted.path == 'app:new')
        local sent, err = events.send('registry', 'entry.delete', 'app:main')
        assert(sent == nil and err:kind() == errors.PERMISSION_DENIED)",
        "",
    );
    app.main().await;
    let entry = Entry::new(EntryId::parse("app:more").expect("an id"), "registry.entry");
    app.runtime.registry().apply(&[Operation::Create(entry.into())], None).expect("nobody listens any more");
}

/// Allows systems that begin with `shop`, all but `shop.till`.
struct ShopButTill;

impl Rule for ShopButTill {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        match (question.action, question.resource) {
            (_, "shop.till") => Decision::Deny,
            ("events.subscribe" | "events.send", system) if system.starts_with("shop") => Decision::Allow,
            _ => Decision::Undefined,
        }
    }
}

#[tokio::test]
async fn policies_decide_also_about_what_a_pattern_stands_for() {
    let app = app(
        "if (...) == 'send' then
          for _, system in ipairs({ 'shop', 'shop.till', 'shop.door' }) do assert(events.send(system, 'k', 'p')) end
          return
        end
        for _, result in ipairs({ { events.subscribe('*') }, { events.subscribe('shop.till') }, { events.send('shop.till', 'k', 'p') }, { events.send('street', 'k', 'p') } }) do
          assert(result[1] == nil and result[2]:kind() == errors.PERMISSION_DENIED)
        end
        local sub = assert(events.subscribe('shop*'))
        assert(events.send('shop', 'begin', 'p'))
        local seen = {}
        repeat
          local event = sub:channel():receive()
          seen[#seen + 1] = event.system
          if event.kind == 'begin' then events.send('shop.ready', 'k', 'p') end
        until event.system == 'shop.door'
        return table.concat(seen, ' ')",
        "pool: {type: static, size: 2}",
    );
    let authority = Authority {
        actor: Some(Actor::new("user:1").into()),
        scope: Some(Scope::new([Policy::new("app:shop", ShopButTill)])),
    };
    let listening = tokio::spawn({
        let runtime = app.runtime.clone();
        async move { runtime.call_with(Call::new("app:main").authority(authority)).await }
    });
    let sending = async {
        loop {
            app.call("app:main", &["send".into()]).await.expect("anybody may send");
            if listening.is_finished() {
                return;
            }
        }
    };
    sending.await;
    let seen = listening.await.expect("it ends").expect("it succeeds");
    let seen = seen.as_str().expect("it is a text").to_owned();
    assert!(seen.contains("shop.door") && !seen.contains("till"), "{seen}");
    assert_ne!(Value::Nil, Value::from(seen));
}

#[tokio::test]
async fn what_waits_for_a_listener_counts_as_its_memory() {
    let app = app(
        "local subs = {}
        for n = 1, 200 do subs[n] = assert(events.subscribe('flood*')) end
        local large = ('x'):rep(60000)
        for n = 1, 200 do assert(events.send('flood' .. n, 'k', 'p', large)) end
        return 'alive'",
        "limits: {memory: 32MiB}",
    );
    let ended = app.call("app:main", &[]).await;
    // Its own channels fill its own memory; the host's stays bounded by the same figure.
    match ended {
        Ok(value) => assert_eq!(value, "alive".into()),
        Err(failure) => assert_eq!(perilune_tests::limit(&failure), Some("memory")),
    }
    assert_eq!(app.call("app:other", &["hello".into()]).await, Ok(true.into()));
}
