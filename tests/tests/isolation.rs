//! Calls do not see each other: not one after the other, not side by side, not after one died.

use perilune::{Kind, Value};
use perilune_tests::App;

/// What a second call returns, when the source counts calls in some place.
async fn counts(entries: &[perilune_tests::Definition<'_>]) {
    let app = App::entries(entries);
    for call in 1..=3 {
        assert_eq!(app.main().await, Value::from(1), "call {call}");
    }
}

#[tokio::test]
async fn globals_are_gone_after_the_call() {
    counts(&[("main", "function", "", "return function() count = (count or 0) + 1 return count end")]).await;
}

#[tokio::test]
async fn upvalues_start_afresh() {
    counts(&[(
        "main",
        "function",
        "",
        "local count = 0\nreturn function() count = count + 1 return count end",
    )])
    .await;
}

#[tokio::test]
async fn fields_of_the_entrys_table_start_afresh() {
    let source =
        "local M = { count = 0 }\nfunction M.main() M.count = M.count + 1 return M.count end\nreturn M";
    counts(&[("main", "function", "", source)]).await;
}

#[tokio::test]
async fn tables_of_libraries_start_afresh() {
    counts(&[
        ("lib", "library", "", "return { count = 0 }"),
        (
            "main",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() lib.count = lib.count + 1 return lib.count end",
        ),
    ])
    .await;
}

#[tokio::test]
async fn globals_of_libraries_start_afresh() {
    counts(&[
        ("lib", "library", "", "return { next = function() count = (count or 0) + 1 return count end }"),
        ("main", "function", "imports: {lib: 'app:lib'}", "return function() return lib.next() end"),
    ])
    .await;
}

#[tokio::test]
async fn metatables_start_afresh() {
    let source = "return function()\nlocal m = getmetatable(_G) or { count = 0 }\nm.count = m.count + 1\nsetmetatable(_G, m)\nreturn m.count end";
    counts(&[("main", "function", "", source)]).await;
}

#[tokio::test]
async fn open_channels_coroutines_and_subscriptions_are_gone_after_the_call() {
    let source = "local ch = channel.new()\nreturn function()\n\
                  assert(channel.select({ ch:case_receive() }, true).default)\n\
                  assert(subscribe('topic', channel.new(1)))\n\
                  coroutine.spawn(function() ch:send('never read') end)\n\
                  return 1 end";
    counts(&[("main", "function", "", source)]).await;
}

#[tokio::test]
async fn entries_that_share_a_library_do_not_share_its_state() {
    let app = App::entries(&[
        ("lib", "library", "", "return { owner = nil }"),
        (
            "other",
            "function",
            "imports: {lib: 'app:lib'}",
            "return function() lib.owner = 'other' return lib.owner end",
        ),
        (
            "main",
            "function",
            "modules: [funcs], imports: {lib: 'app:lib'}",
            "return function()\nlib.owner = 'main'\nassert(funcs.call('app:other') == 'other')\nreturn lib.owner end",
        ),
    ]);
    assert_eq!(app.main().await, Value::from("main"));
}

#[tokio::test]
async fn a_function_that_calls_itself_sees_another_state() {
    let app = App::entries(&[(
        "main",
        "function",
        "modules: [funcs]",
        "local depth = 0\nreturn function(n)\ndepth = depth + 1\nassert(depth == 1)\n\
         if n and n <= 0 then return 'bottom' end\nreturn funcs.call('app:main', (n or 3) - 1) end",
    )]);
    assert_eq!(app.main().await, Value::from("bottom"));
}

/// Both calls are under way together: each waits until the other has written.
#[tokio::test]
async fn two_calls_side_by_side_do_not_see_each_other() {
    let source = "local state = {}\nreturn function(name)\nstate.name, global_name = name, name\n\
                  for _ = 1, 10 do\nrequire('time').sleep('1ms')\nassert(state.name == name and global_name == name)\nend\n\
                  return name end";
    let app = App::entries(&[("main", "function", "modules: [time]", source)]);
    let names: Vec<Value> = (0..8).map(|n| Value::from(format!("call {n}"))).collect();
    let calls = names.iter().map(|name| {
        let (runtime, name) = (app.runtime.clone(), name.clone());
        tokio::spawn(async move { runtime.call("app:main", [name]).await })
    });
    let calls: Vec<_> = calls.collect();
    for (call, name) in calls.into_iter().zip(names) {
        assert_eq!(call.await.expect("no panic").expect("it succeeds"), name);
    }
}

/// Every way in which a call can die, and that the next one works and starts afresh.
#[tokio::test]
async fn a_call_that_dies_leaves_the_next_one_working() {
    let source = "local calls = 0\nreturn function(how)\ncalls = calls + 1\nassert(calls == 1)\n\
                  if how == 'error' then error('x') end\n\
                  if how == 'object' then error(errors.new(errors.CONFLICT, 'x')) end\n\
                  if how == 'memory' then local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end end\n\
                  if how == 'cpu' then while true do end end\n\
                  if how == 'stack' then local function f() return 1 + f() end f() end\n\
                  if how == 'deadlock' then channel.new():receive() end\n\
                  if how == 'crossing' then return function() end end\n\
                  return calls end";
    let app = App::entries(&[("main", "function", "limits: {memory: 16MiB, cpu: 50ms}", source)]);
    for how in ["error", "object", "memory", "cpu", "stack", "deadlock", "crossing"] {
        app.call("app:main", &[how.into()]).await.expect_err(how);
        assert_eq!(app.main().await, Value::from(1), "after {how}");
    }
}

#[tokio::test]
async fn a_callee_that_dies_is_an_error_of_its_caller_and_no_more() {
    let app = App::entries(&[
        ("bomb", "function", "limits: {cpu: 50ms}", "return function() while true do end end"),
        (
            "main",
            "function",
            "modules: [funcs]",
            "return function()\nlocal value, err = funcs.call('app:bomb')\nassert(value == nil)\nreturn err:kind() end",
        ),
    ]);
    assert_eq!(app.main().await, Value::from(Kind::Timeout.as_str()));
}

#[tokio::test]
async fn what_a_caller_passed_stays_its_own() {
    let app = App::entries(&[
        ("other", "function", "", "return function(t) t.inner.changed = true t.inner = nil return 1 end"),
        (
            "main",
            "function",
            "modules: [funcs]",
            "return function()\nlocal t = { inner = {} }\nfuncs.call('app:other', t)\nreturn t.inner.changed == nil end",
        ),
    ]);
    assert_eq!(app.main().await, Value::from(true));
}
