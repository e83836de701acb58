//! Hibernation: a cell that waits for messages gives its instance back, and goes on later as if nothing had happened.

use perilune::Limits;
use perilune_cell::{CellState, Class, Event, Module, Status};
use perilune_tests::sleeper::{Sleep, Sleeper, message};
use perilune_value::Value;
use std::sync::Arc;
use std::time::Duration;

/// Programs whose state must outlive every pause: each returns what it found at its end.
#[rustfmt::skip]
const STATES: &[(&str, &str, &str)] = &[
    ("globals", "", "kept = 1 pause() kept = kept + 1 pause() return kept"),
    ("upvalues", "local n = 0 local function count() n = n + 1 return n end", "count() pause() count() pause() return count()"),
    ("locals", "", "local a, b <const>, t = 1, 'b', {c = 2.5} pause() return {a, b, t.c}"),
    ("tables", "", "local t = {} for i = 1, 1000 do t[i], t['k' .. i] = i, i * 2 end pause() local sum = 0 for _, v in pairs(t) do sum = sum + v end return sum"),
    ("order of a table's keys", "", "local t = {} for i = 1, 50 do t[{}] = i t['k' .. i] = i t[i + 0.5] = i end local function order() local o = {} for _, v in pairs(t) do o[#o + 1] = v end return table.concat(o, ' ') end local before = order() pause() return before == order()"),
    ("addresses", "local t, f = {}, function() end", "local before = tostring(t) .. tostring(f) pause() return before == tostring(t) .. tostring(f)"),
    ("metatables", "local Point = {} Point.__index = Point function Point.__add(a, b) return setmetatable({x = a.x + b.x}, Point) end", "local p = setmetatable({x = 1}, Point) pause() p = p + p pause() return (p + p).x"),
    ("a string with zeros", "", "local s = 'a\\0b' .. ('\\0'):rep(5000) pause() return {s, #s, s:byte(2)}"),
    ("numbers", "", "local big, small, half = math.maxinteger, math.mininteger, 0.5 pause() return {big, small, half, math.type(big), 1 / half}"),
    ("random numbers", "", "local t = {} for i = 1, 20 do t[i] = math.random(1000) pause() end return t"),
    ("a suspended coroutine", "", "local co = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end) co() pause() co() pause() return co()"),
    ("a coroutine that is paused inside of another", "", "local co = coroutine.wrap(function() pause() local inner = coroutine.wrap(function() pause() coroutine.yield('in') end) pause() return inner() end) return co()"),
    ("coroutines that wait", "", "local ch, done = channel.new(), {} for i = 1, 10 do coroutine.spawn(function() done[i] = ch:receive() end) end pause() for i = 1, 10 do ch:send(i * i) pause() end return done"),
    ("values in a channel", "", "local ch = channel.new(5) for i = 1, 5 do ch:send({i}) end pause() local sum = 0 for _ = 1, 5 do sum = sum + ch:receive()[1] end return sum"),
    ("senders that wait", "", "local ch = channel.new() for i = 1, 3 do coroutine.spawn(function() ch:send(i) end) end pause() return {ch:receive(), ch:receive(), ch:receive()}"),
    ("a select", "", "local a, b, got = channel.new(), channel.new() coroutine.spawn(function() local r = channel.select({a:case_receive(), b:case_receive()}) got = {r.value, r.channel == b} end) pause() b:send('x') pause() return got"),
    ("a closed channel", "", "local ch = channel.new(2) ch:send(1) ch:close() pause() return {ch:receive(), select(2, ch:receive())}"),
    ("unread messages", "", "local me = process.pid() for i = 1, 5 do post('later', i) end pause() pause() local later, got = process.listen('later'), {} for i = 1, 5 do got[i] = later:receive() end return got"),
    ("unread mail", "", "local inbox, me = process.inbox(), process.pid() for i = 1, 5 do post('t', {n = i}) end pause() local sum = 0 for _ = 1, 5 do sum = sum + inbox:receive():payload():data().n end return sum"),
    ("subscriptions", "", "local ch = subscribe('t', channel.new(3)) pause() post('t', 'x') return {ch:receive(), select(2, subscribe('t', channel.new())):kind()}"),
    ("error objects", "", "local e = errors.new({message = 'm', kind = 'Conflict', details = {list = {1, 2}}}) pause() return {e:message(), e:kind(), e:details().list[2], tostring(e)}"),
    ("an error on its way out", "", "local ok, e = pcall(function() pause() error({n = 1}) end) pause() return {ok, e.n}"),
    ("a variable to be closed", "", "local log = {} do local c <close> = setmetatable({}, {__close = function() log[#log + 1] = 'closed' end}) pause() log[#log + 1] = 'body' end pause() return log"),
    ("a variable to be closed in a coroutine", "", "local log = {} local co = coroutine.create(function() local c <close> = setmetatable({}, {__close = function() log[1] = 'closed' end}) coroutine.yield() end) coroutine.resume(co) pause() coroutine.close(co) return log"),
    ("a pattern's iterator", "", "local words, got = ('one two three'):gmatch('%a+'), {} for w in words do got[#got + 1] = w pause() end return got"),
    ("a loop over a table", "", "local t, got = {}, {} for i = 1, 20 do t['k' .. i] = i end for k, v in pairs(t) do got[v] = k pause() end return got"),
    ("a deep stack", "", "local function f(d) if d == 0 then pause() return 0 end return 1 + f(d - 1) end return f(5000)"),
    ("many arguments", "", "local function f(...) pause() return select('#', ...) end return f(table.unpack({}, 1, 5000))"),
    ("weak tables", "local key = {}", "local weak = setmetatable({[key] = 'kept'}, {__mode = 'k'}) pause() return weak[key]"),
    ("frozen tables", "", "local t = table.freeze({1}) pause() return {t[1], (pcall(function() t[1] = 2 end))}"),
    ("libraries", "", "local time, json = require('time'), require('json') pause() return {json.encode({1}), (time.now():unix() > 0)}"),
    ("pids", "", "local before = process.pid() pause() return {before == process.pid(), process.id()}"),
    ("what it was called with", "", "local a = {...} pause() return a"),
    ("the clock of its age", "", "local before = os.clock() pause() return os.clock() >= before"),
    ("memory beyond the image", "", "local parts = {} for i = 1, 40 do parts[i] = ('x'):rep(100000) .. i pause() end local n = 0 for i = 1, 40 do n = n + #parts[i] end return n"),
    ("memory that was given up", "", "local t = {} for i = 1, 50000 do t[i] = {i} end pause() t = nil for i = 1, 5 do local garbage = ('y'):rep(1000000 + i) pause() end return true"),
    ("finalisers", "", "done = 0 setmetatable({}, {__gc = function() done = done + 1 end}) pause() for i = 1, 200000 do local garbage = {i} end return done"),
];

#[tokio::test]
async fn what_a_program_has_outlives_its_sleep() {
    for (what, top, body) in STATES {
        let sleeper = Sleeper::new(top, body).await;
        let args = [1.into(), "two".into()];
        let (awake, _) = sleeper.run(&args, Sleep::Never).await;
        let (asleep, slept) = sleeper.run(&args, Sleep::Always).await;
        assert!(awake.is_ok(), "{what}: {awake:?}");
        assert_eq!(asleep, awake, "{what}");
        assert!(slept > 0, "{what}: it slept");
    }
}

#[tokio::test]
async fn a_hundred_times_is_as_good_as_once() {
    let body = "local n, t = 0, {} for i = 1, 100 do n = n + i t[i] = 'text ' .. i pause() end return n + #t";
    let sleeper = Sleeper::new("", body).await;
    assert_eq!(sleeper.run(&[], Sleep::Always).await, (Ok(5150.into()), 100));
}

#[tokio::test]
async fn sleep_does_not_add_up() {
    let sleeper = Sleeper::new("", "local inbox = process.inbox() while true do inbox:receive() end").await;
    let mut asleep = sleeper.hibernate(sleeper.waiting().await).await;
    for round in 0..300 {
        let mut cell = sleeper.revive(&asleep).await;
        cell.turn(&[message("t", &["x".into()])]).await.expect("it lives");
        asleep = sleeper.hibernate(cell).await;
        // As much garbage as is not worth a collection, 32 KiB, and what lies around it: 35 KB at the most.
        assert!(asleep.changed() <= 40 << 10, "{} in round {round}", asleep.changed());
    }
}

#[tokio::test]
async fn a_process_that_waits_takes_few_kibibytes() {
    let sleeper = Sleeper::new("", "process.inbox():receive()").await;
    let asleep = sleeper.hibernate(sleeper.waiting().await).await;
    assert!(asleep.bytes() <= 6 << 10, "{}, {} before", asleep.bytes(), asleep.changed());
}

#[tokio::test]
async fn what_was_freed_is_not_kept() {
    let body =
        "local t = {} for i = 1, 10000 do t[i] = ('x' .. i):rep(150) end t = nil process.inbox():receive()";
    let sleeper = Sleeper::new("", body).await;
    let cell = sleeper.waiting().await;
    assert!(cell.state().memory_size() > 4 << 20, "it has grown");
    let asleep = sleeper.hibernate(cell).await;
    // Links between small blocks stay: 49 KB.
    assert!(asleep.bytes() < 56 << 10, "{}, {} before", asleep.bytes(), asleep.changed());
}

/// One memory is not another's: two sleep side by side, and one state may be revived twice.
#[tokio::test]
async fn sleepers_share_no_writes() {
    let body = "local inbox, got = process.inbox(), {}
        while true do
          local data = inbox:receive():payload():data()
          if data == 'end' then return table.concat(got, ' ') end
          got[#got + 1] = data
        end";
    let sleeper = Sleeper::new("", body).await;
    let one = sleeper.hibernate(sleeper.waiting().await).await;
    let told = async |asleep, what: &str| {
        let mut cell = sleeper.revive(asleep).await;
        cell.turn(&[message("t", &[what.into()])]).await.expect("it lives");
        sleeper.hibernate(cell).await
    };
    let (a, b) = (told(&one, "a").await, told(&one, "b").await);
    let (aa, bb) = (told(&a, "aa").await, told(&b, "bb").await);
    for (asleep, expected) in [(&aa, "a aa"), (&bb, "b bb"), (&a, "a"), (&one, "")] {
        let mut cell = sleeper.revive(asleep).await;
        let status = cell.turn(&[message("t", &["end".into()])]).await.expect("it lives");
        let Status::Done(Ok(value)) = status else { panic!("{status:?}") };
        assert_eq!(Value::from_msgpack(&value), Ok(expected.into()));
    }
}

/// Whoever was given up keeps what it had: the same state makes the same memory again.
#[tokio::test]
async fn the_same_state_gives_the_same_memory() {
    let sleeper = Sleeper::new("", "local t = {} for i = 1, 3000 do t[i] = {i} end pause()").await;
    let asleep = sleeper.hibernate(sleeper.waiting().await).await;
    let mut one = sleeper.revive(&asleep).await;
    let mut other = sleeper.revive(&asleep).await;
    assert!(one.data(&sleeper.image) == other.data(&sleeper.image));
}

#[tokio::test]
async fn who_waits_for_something_else_stays_awake() {
    let sleeper =
        Sleeper::new("local time = require('time')", "time.sleep(1) process.inbox():receive()").await;
    let cell = sleeper.waiting().await;
    assert!(!cell.can_hibernate() && !cell.is_idle());
    let mut cell = cell.hibernate(&sleeper.image).await.err().expect("a timer runs");
    let mut events = Vec::new();
    cell.wait(None, &mut events).await.expect("it lives");
    cell.turn(&events).await.expect("it lives");
    assert!(cell.can_hibernate() && cell.hibernate(&sleeper.image).await.is_ok());
}

#[tokio::test]
async fn who_has_something_open_stays_awake() {
    // A module that opens something by each call of `encode`, and closes it by `decode`.
    const OPENING: Module = Module {
        name: "base64",
        summary: "Opens things.",
        classes: &[Class::Deterministic],
        link: |linker| {
            let mut interface = linker.instance("perilune:cell/base64@0.1.0")?;
            interface.func_wrap(
                "encode",
                |mut store: wasmtime::StoreContextMut<'_, CellState>, (_,): (Vec<u8>,)| {
                    let opened = store.data_mut().handles.insert(Arc::new(()));
                    Ok((opened.map_or(String::new(), |handle| handle.to_string()),))
                },
            )?;
            interface.func_new("decode", |_, _, _, _| Err(wasmtime::Error::msg("unused")))
        },
    };
    let modules: Vec<_> =
        perilune_modules::MODULES.iter().map(|m| if m.name == OPENING.name { OPENING } else { *m }).collect();
    let source = "local base64 = require('base64')
        return function(opens) local h = opens and base64.encode('') process.inbox():receive() return base64.encode('') end";
    let sleeper = Sleeper::with(source, &modules).await;
    let mut cell = sleeper.cell().await;
    cell.start("main", &perilune_value::args_to_msgpack(&[true.into()])).await.expect("it lives");
    assert!(cell.is_idle() && !cell.can_hibernate());
    assert!(cell.hibernate(&sleeper.image).await.is_err());
    let asleep = sleeper.hibernate(sleeper.waiting().await).await;
    let status = sleeper.revive(&asleep).await.turn(&[message("t", &[])]).await.expect("it lives");
    assert!(matches!(status, Status::Done(Ok(_))), "{status:?}");
}

#[tokio::test]
async fn who_is_dead_or_was_made_from_no_image_does_not_hibernate() {
    let mut sleeper = Sleeper::new("", "if pause() then while true do end end").await;
    sleeper.limits.cpu = Duration::from_millis(20);
    let mut cell = sleeper.waiting().await;
    cell.turn(&[message("tick", &[true.into()])]).await.expect_err("it computes for ever");
    assert!(!cell.can_hibernate());
    let mut cell = cell.hibernate(&sleeper.image).await.err().expect("it is dead");
    assert!(cell.is_dead() && cell.turn(&[]).await.is_err());
    assert!(!sleeper.bare().await.can_hibernate());
    assert!(sleeper.cell().await.can_hibernate(), "it has not begun, and may wait as well");
}

/// Random bytes cannot be compressed: what is kept is at most the memory that the cell may use.
#[tokio::test]
async fn noise_is_kept_within_the_limit_of_memory() {
    let body = "local parts = {}
        for i = 1, 60 do
          local words = {} for j = 1, 512 do words[j] = string.pack('<i8', math.random(0)) end
          parts[i] = table.concat(words):rep(16)
          for k = 1, 15 do parts[#parts + 1] = parts[i]:sub(k, -k):reverse() .. words[k] end
        end
        process.inbox():receive() return #parts[60]";
    let mut sleeper = Sleeper::new("", body).await;
    sleeper.limits = Limits { memory: 96 << 20, cpu: Duration::from_secs(20), timeout: None };
    let cell = sleeper.waiting().await;
    let size = cell.state().memory_size();
    assert!(size > 8 << 20, "{size}");
    let asleep = sleeper.hibernate(cell).await;
    assert!(
        asleep.bytes() <= size + 1024 && asleep.changed() <= size + 1024,
        "{} of {size}",
        asleep.changed()
    );
    let mut cell = sleeper.revive(&asleep).await;
    assert_eq!(cell.state().memory_size(), size, "it has grown again");
    let status = cell.turn(&[message("t", &[])]).await.expect("it lives");
    assert!(matches!(status, Status::Done(Ok(_))), "{status:?}");
}

#[tokio::test]
async fn without_a_place_nothing_is_lost() {
    let sleeper = Sleeper::new("", "return process.inbox():receive():topic()").await;
    let asleep = sleeper.hibernate(sleeper.waiting().await).await;
    assert_eq!(sleeper.template.engine().live_cells(), 0, "its place is free");
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(sleeper.cell().await);
    }
    let waited = tokio::time::timeout(Duration::from_millis(20), sleeper.template.revive(&asleep)).await;
    assert!(waited.is_err(), "all places are taken");
    drop(others);
    let status = sleeper.revive(&asleep).await.turn(&[message("later", &[])]).await.expect("it lives");
    let Status::Done(Ok(topic)) = status else { panic!("{status:?}") };
    assert_eq!(Value::from_msgpack(&topic), Ok("later".into()));
}

#[tokio::test]
async fn its_time_goes_on_while_it_sleeps() {
    let mut sleeper = Sleeper::new("", "process.inbox():receive()").await;
    sleeper.limits.timeout = Some(Duration::from_millis(50));
    let asleep = sleeper.hibernate(sleeper.waiting().await).await;
    let deadline = asleep.deadline().expect("it has one");
    tokio::time::sleep_until(deadline.into()).await;
    let mut cell = sleeper.revive(&asleep).await;
    let (_sender, mut mailbox) = perilune_cell::mailbox(1, 1);
    cell.wait(Some(&mut mailbox), &mut Vec::<Event>::new()).await.expect_err("its time is up");
}
