//! Every call begins with the memory that loading its entry left, whatever the calls before it did.
//!
//! Each leak is tried in every type of pool that promises clean memory, over and over in pools with room for one call, so
//! that the same workers are used again. `inline` promises the opposite, which proves that the probes see what they look for.

use perilune::{Call, EngineOptions, Failure, Kind, Value};
use perilune_tests::gate::Gate;
use perilune_tests::{App, limit};
use std::collections::BTreeSet;
use std::time::Duration;

/// Pools in which calls are independent, with room for one call.
const CLEAN: &[&str] =
    &["{type: lazy, max_size: 1}", "{type: static, size: 1}", "{type: adaptive, size: 1, max_size: 1}"];

/// How often each leak is tried in a pool.
const ROUNDS: usize = 5;

const LIBRARY: &str = "
    local hidden
    local lib = {nested = {}, env = _G}
    function lib.get() return hidden end
    function lib.set(value) hidden = value end
    function lib.global(value) from_lib = from_lib or value return from_lib end
    return lib";

/// Whether an inline pool, which keeps state, lets the next call see it.
#[derive(Clone, Copy, PartialEq)]
enum Inline {
    Sees,
    /// It is gone with the run, or was refused.
    Too,
}
use Inline::{Sees, Too};

/// A name, what is at the source's top level, what one call does, and what another looks at.
type Leak = (&'static str, &'static str, &'static str, &'static str, Inline);

#[rustfmt::skip]
const LEAKS: &[Leak] = &[
    // Variables.
    ("global", "", "leaked = 'x'", "return leaked", Sees),
    ("field_of_g", "", "_G.leaked = 'x'", "return leaked", Sees),
    ("rawset_in_g", "", "rawset(_G, 'leaked', 'x')", "return rawget(_G, 'leaked')", Sees),
    ("env", "", "_ENV.leaked = 'x'", "return _ENV.leaked", Sees),
    ("upvalue", "local up", "up = 'x'", "return up", Sees),
    ("closure_in_global", "", "local n = 0 next_n = function() n = n + 1 return n end next_n()", "return next_n and next_n()", Sees),
    ("counter", "local function counter() local n = 0 return function() n = n + 1 return n end end local c = counter()", "c()", "return c()", Sees),
    ("table", "local t = {}", "for i = 1, 5000 do t[i] = i end", "return #t", Sees),
    ("removed_field", "local t = {a = 1}", "t.a = nil", "return t.a", Sees),
    ("frozen_table", "local t = {}", "table.freeze(t)", "return pcall(function() t.a = 1 end)", Sees),
    ("weak_table", "local cache = setmetatable({}, {__mode = 'k'})", "cache[string] = 'x'", "return cache[string]", Sees),
    ("weak_values", "local cache = setmetatable({}, {__mode = 'v'})", "cache.key = string", "return cache.key and 'x'", Sees),
    ("huge_string", "", "huge = ('x'):rep(1 << 20)", "return huge and #huge", Sees),
    ("many_strings", "", "names = {} for i = 1, 5000 do names['name ' .. i] = true end", "return names and next(names) and true", Sees),
    // What replaces or shadows what every chunk has.
    ("replaced_library", "", "string = {upper = function() return 'x' end}", "return string.upper('a')", Sees),
    ("replaced_function", "", "tostring = function() return 'x' end", "return tostring(1)", Sees),
    ("removed_function", "", "pcall = nil", "return pcall and true", Sees),
    ("replaced_require", "", "require = function() return {get = function() return 'x' end} end", "return require('lib').get()", Sees),
    ("removed_alias", "", "json = nil", "return json and true", Sees),
    ("patched_string", "", "pcall(function() string.upper = function() return 'x' end end)", "return ('a'):upper()", Too),
    ("rawset_string", "", "pcall(rawset, string, 'upper', function() return 'x' end)", "return ('a'):upper()", Too),
    ("patched_table", "", "pcall(function() table.insert = nil end)", "return table.insert and true", Too),
    ("patched_math", "", "pcall(rawset, math, 'pi', 3)", "return math.pi", Too),
    ("patched_module", "", "pcall(function() json.encode = nil end) pcall(rawset, json, 'encode', nil)", "return json.encode({1})", Too),
    ("package_loaded", "", "pcall(function() package.loaded = {lib = 1} end) pcall(rawset, package, 'loaded', {})", "return package.loaded", Too),
    // Metatables.
    ("metatable_of_g", "", "setmetatable(_G, {__index = function() return 'x' end})", "return undefined_global", Sees),
    ("own_metatable", "local mt = {} local t = setmetatable({}, mt)", "mt.__index = function() return 'x' end", "return t.a", Sees),
    ("metatable_of_strings", "", "pcall(function() getmetatable('').__index = function() return 'x' end end)", "return (''):len()", Too),
    ("metatable_of_errors", "", "pcall(function() getmetatable(errors.new('e')).__index.kind = function() return 'x' end end)", "return errors.new({message = 'e', kind = 'Conflict'}):kind()", Too),
    ("metatable_of_channels", "", "pcall(function() getmetatable(channel.new(1)).__index.send = nil end)", "return channel.new(1):send(1)", Too),
    // Libraries.
    ("field_of_library", "", "lib.leaked = 'x'", "return lib.leaked", Sees),
    ("required_library", "", "require('lib').leaked = 'x'", "return require('lib').leaked", Sees),
    ("nested_in_library", "", "lib.nested[1] = 'x'", "return lib.nested[1]", Sees),
    ("function_of_library", "", "lib.get = function() return 'x' end", "return lib.get()", Sees),
    ("upvalue_of_library", "", "lib.set('x')", "return lib.get()", Sees),
    ("global_of_library", "", "lib.global('x')", "return lib.global()", Sees),
    ("environment_of_library", "", "lib.env.leaked = 'x'", "return lib.env.leaked", Sees),
    ("metatable_of_library", "", "setmetatable(lib, {__index = function() return 'x' end})", "return lib.undefined", Sees),
    // State inside of values.
    ("generator", "local next_n = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)", "next_n()", "return next_n()", Sees),
    ("suspended_coroutine", "local co = coroutine.create(function() coroutine.yield() end)", "coroutine.resume(co)", "coroutine.resume(co) return coroutine.status(co)", Sees),
    ("iterator", "local words = string.gmatch('one two three', '%a+')", "words()", "return words()", Sees),
    ("error_object", "local e", "e = errors.new({message = 'e', details = {list = {1, 2, 3}}})", "return e and e:message()", Sees),
    // Channels and coroutines.
    ("value_in_channel", "local ch = channel.new(9)", "ch:send('x')", "return channel.select({ch:case_receive()}, true).value", Sees),
    ("closed_channel", "local ch = channel.new(9)", "ch:close()", "return pcall(ch.send, ch, 1)", Sees),
    ("waiting_sender", "local ch = channel.new()", "coroutine.spawn(function() ch:send('x') end)", "return channel.select({ch:case_receive()}, true).value", Sees),
    ("waiting_receiver", "local ch = channel.new()", "coroutine.spawn(function() leaked = ch:receive() end)", "channel.select({ch:case_send('x')}, true) coroutine.yield() return leaked", Sees),
    ("waiting_for_a_timer", "", "coroutine.spawn(function() time.sleep(1) leaked = 'late' end)", "time.sleep(1) coroutine.yield() return leaked", Too),
    ("timer_with_a_waiter", "", "local t = time.after(1) coroutine.spawn(function() t:receive() leaked = 'late' end)", "time.sleep(1) coroutine.yield() return leaked", Too),
    ("call_under_way", "", "future = funcs.async('app:fine')", "return future and true", Sees),
    ("coroutine_that_yields", "", "coroutine.spawn(function() while true do coroutine.yield() leaked = 'x' end end)", "coroutine.yield() return leaked", Too),
    // Messages.
    ("subscription", "", "subscribe('topic', channel.new(1))", "local _, err = subscribe('topic', channel.new(1)) return err and err:kind()", Too),
    ("message_to_itself", "", "process.send(process.pid(), 'topic', 'x')", "return channel.select({process.inbox():case_receive()}, true).default", Too),
    ("message_that_arrived", "", "process.send(process.pid(), 'topic', 'x') time.sleep(1)", "return channel.select({process.listen('topic'):case_receive()}, true).default", Too),
    ("unread_inbox", "", "process.inbox() process.send(process.pid(), 'topic', 'x') time.sleep(1)", "return channel.select({process.inbox():case_receive()}, true).default", Too),
    // The collector.
    ("finaliser", "", "setmetatable({}, {__gc = function() leaked = 'collected' end})", "for i = 1, 50000 do local garbage = {i} end return leaked", Sees),
    ("finaliser_of_kept", "", "kept = setmetatable({}, {__gc = function() leaked = 'collected' end})", "kept = nil for i = 1, 50000 do local garbage = {i} end return leaked", Sees),
    ("pending_close", "local co", "co = coroutine.wrap(function() local c <close> = setmetatable({}, {__close = function() leaked = 'closed' end}) coroutine.yield() end) co()", "if co then co() end return leaked", Sees),
    // Ends.
    ("raised", "", "leaked = 'x' error('e')", "return leaked", Sees),
    ("raised_big", "", "leaked = 'x' error(errors.new({message = ('m'):rep(1 << 20), details = {text = ('d'):rep(1 << 20)}}))", "return leaked", Sees),
    ("returned_error", "", "leaked = 'x' return nil, errors.new('e')", "return leaked", Sees),
    ("cannot_cross", "", "leaked = 'x' return {{coroutine.create(print)}}", "return leaked", Sees),
    ("raised_in_coroutine", "", "leaked = 'x' coroutine.spawn(function() error('e') end) time.sleep(1)", "return leaked", Sees),
    ("deadlock", "", "leaked = 'x' channel.new():receive()", "return leaked", Sees),
    ("deep_recursion", "", "leaked = 'x' local function f() return 1 + f() end f()", "return leaked", Sees),
    ("deep_pcall", "", "leaked = 'x' local function f() return (pcall(f)) end f()", "return leaked", Sees),
    ("big_stack", "", "leaked = 'x' return select('#', table.unpack({}, 1, 200000))", "return leaked", Sees),
    ("memory_limit", "", "leaked = 'x' local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end", "return leaked", Too),
    ("cpu_limit", "", "leaked = 'x' while true do end", "return leaked", Too),
];

fn source(top: &str, leak: &str, probe: &str) -> String {
    format!("{top}\nreturn function(step)\nif step == 'leak' then\n{leak}\nelse\n{probe}\nend\nend")
}

/// All leaks as entries with this pool.
fn leaky(pool: &str) -> App {
    let fields = format!(
        "modules: [time, json, funcs], imports: {{lib: 'app:lib'}}, limits: {{memory: 16MiB, cpu: 50ms}}, pool: {pool}"
    );
    let sources: Vec<_> = LEAKS.iter().map(|(_, top, leak, probe, _)| source(top, leak, probe)).collect();
    let mut entries = vec![
        ("lib", "library", "", LIBRARY),
        ("fine", "function", "", "return function() return 'fine' end"),
    ];
    entries.extend(
        LEAKS
            .iter()
            .zip(&sources)
            .map(|((name, ..), source)| (*name, "function", fields.as_str(), source.as_str())),
    );
    App::entries_with(&entries, |builder| {
        builder.engine(EngineOptions { max_cells: 256, ..EngineOptions::default() })
    })
}

async fn leak(app: &App, name: &str) -> Result<Value, Failure> {
    app.call(&format!("app:{name}"), &["leak".into()]).await
}

async fn probe(app: &App, name: &str) -> Result<Value, Failure> {
    app.call(&format!("app:{name}"), &["probe".into()]).await
}

#[tokio::test]
async fn nothing_that_a_call_leaves_reaches_the_next() {
    for pool in CLEAN {
        let app = leaky(pool);
        for (name, ..) in LEAKS {
            let clean = probe(&app, name).await;
            for round in 0..ROUNDS {
                let _ = leak(&app, name).await;
                assert_eq!(probe(&app, name).await, clean, "{name} in {pool}, round {round}");
            }
            let stats = app.pool(&format!("app:{name}"));
            assert!(stats.reset > 0, "{name} in {pool}: workers were used again: {stats:?}");
        }
    }
}

#[tokio::test]
async fn an_inline_pool_shows_what_the_probes_look_for() {
    let app = leaky("{type: inline}");
    let seen = async |name: &str| {
        let clean = probe(&app, name).await;
        let _ = leak(&app, name).await;
        probe(&app, name).await != clean
    };
    let mut wrong = Vec::new();
    for (name, .., inline) in LEAKS {
        if seen(name).await != (*inline == Sees) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "these are not as the table says: {wrong:?}");
}

/// An entry in each type of pool that promises clean memory.
fn in_clean_pools(fields: &str, source: &str, gate: &Gate) -> Vec<App> {
    let app = |pool: &&str| {
        let fields = format!("modules: [ctx, gate], pool: {pool}, {fields}");
        App::entries_with(&[("main", "function", &fields, source)], |builder| builder.module(gate.module()))
    };
    CLEAN.iter().map(app).collect()
}

#[tokio::test]
async fn leaks_do_not_add_up_over_hundreds_of_calls() {
    let source = "local calls = 0
        return function()
          calls, junk = calls + 1, junk or {}
          junk[#junk + 1] = ('x'):rep(1000)
          return calls + #junk
        end";
    for app in in_clean_pools("", source, &Gate::default()) {
        for _ in 0..300 {
            assert_eq!(app.main().await, 2.into());
        }
    }
}

#[tokio::test]
async fn runs_of_a_process_and_calls_of_a_modules_methods_start_from_the_image_too() {
    let process =
        "local runs = 0 return function() runs = runs + 1 seen = (seen or 0) + 1 return runs + seen end";
    let module = "local calls = 0 return {count = function() calls = calls + 1 return calls end}";
    let app = App::entries(&[("main", "process", "", process), ("tally", "module", "", module)]);
    for _ in 0..ROUNDS {
        assert_eq!(app.main().await, 2.into());
        assert_eq!(app.call("app:tally.count", &[]).await, Ok(1.into()));
    }
}

#[tokio::test]
async fn the_context_of_a_call_is_not_the_next_ones() {
    let source = "local ctx = require('ctx') return function() return ctx.all() end";
    for app in in_clean_pools("", source, &Gate::default()) {
        for round in 0..ROUNDS {
            let call = Call::new("app:main").context("user", round as i64);
            let seen = app.runtime.call_with(call).await.expect("it succeeds");
            assert_eq!(seen.get("user"), Some(&Value::from(round as i64)));
            assert_eq!(app.main().await.get("user"), None);
        }
    }
}

#[tokio::test]
async fn seeding_in_one_call_does_not_settle_the_numbers_of_the_next() {
    let source = "return function(seed) if seed then math.randomseed(seed) end return math.random(0) end";
    for app in in_clean_pools("", source, &Gate::default()) {
        let seeded = app.call("app:main", &[42.into()]).await;
        let mut numbers = BTreeSet::new();
        for _ in 0..ROUNDS {
            assert_eq!(app.call("app:main", &[42.into()]).await, seeded, "a seed gives the same numbers");
            numbers.insert(app.main().await.as_integer());
        }
        assert_eq!(numbers.len(), ROUNDS, "without one they differ");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_midway_leaves_nothing() {
    let source = "local calls = 0
        return function(wait)
          calls = calls + 1
          if wait then require('gate').wait() end
          return calls
        end";
    let gate = Gate::default();
    for app in in_clean_pools("", source, &gate) {
        for _ in 0..ROUNDS {
            let running = app.spawn("app:main", &[true.into()]);
            gate.entered().await;
            running.abort();
            gate.left().await;
            assert_eq!(app.main().await, 1.into());
        }
    }
}

#[tokio::test]
async fn a_call_that_times_out_leaves_nothing() {
    let source = "local calls = 0
        return function(wait)
          calls = calls + 1
          if wait then require('gate').wait() end
          return calls
        end";
    let gate = Gate::default();
    for app in in_clean_pools("limits: {timeout: 20ms}", source, &gate) {
        for _ in 0..ROUNDS {
            let failure = app.call("app:main", &[true.into()]).await.expect_err("nobody opens the gate");
            assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));
            let call = Call::new("app:main").timeout(Duration::from_secs(10));
            assert_eq!(app.runtime.call_with(call).await, Ok(1.into()));
        }
    }
}

/// What a call grew into is the next one's to use, up to the same limit.
#[tokio::test]
async fn every_call_has_its_whole_memory() {
    let source = "return function(mebibytes)
          local parts = {}
          for n = 1, mebibytes do parts[n] = ('x'):rep((1 << 20) + n) end
          return #parts
        end";
    for app in in_clean_pools("limits: {memory: 16MiB}", source, &Gate::default()) {
        for round in 0..20 {
            assert_eq!(app.call("app:main", &[6.into()]).await, Ok(6.into()), "round {round}");
            assert_eq!(app.call("app:main", &[1.into()]).await, Ok(1.into()));
        }
        let failure = app.call("app:main", &[20.into()]).await.expect_err("it is more than it may use");
        assert_eq!(limit(&failure), Some("memory"));
        assert_eq!(app.call("app:main", &[6.into()]).await, Ok(6.into()));
    }
}
