//! Module `system`: what Lua learns of the host, and what it can ask of it.

use perilune::{Actor, Call, PoolKind, Value};
use perilune_tests::gate::Gate;
use perilune_tests::{App, lua_tests};
use std::time::Duration;

const YAML: &str = "
namespace: app
entries:
  - {name: fixed, kind: function.lua, method: main, pool: {type: static, size: 2}, source: 'return function(n) return n end'}
  - {name: kept, kind: function.lua, method: main, pool: {type: inline}, source: 'return function(n) return n end'}
  - name: main
    kind: function.lua
    method: main
    modules: [system, funcs]
    source: |
      local system, funcs = require('system'), require('funcs')
      return function(field)
        for n = 1, 5 do assert(funcs.call('app:fixed', n) == n) end
        assert(funcs.call('app:kept', 1) == 1)
        local by_entry = {}
        for _, pool in ipairs(system.pools()) do by_entry[pool.entry] = pool end
        local pool = by_entry['app:fixed']
        assert(math.type(pool.waits.p50) == 'integer' and pool.waits.p99 >= pool.waits.p50)
        assert(by_entry['app:main'].busy == 1 and by_entry['app:kept'].type == 'inline')
        return pool[field]
      end
";

async fn of_the_static_pool(field: &str) -> Value {
    App::new(&[("app.yaml", YAML)]).call("app:main", &[Value::from(field)]).await.expect("it answers")
}

#[tokio::test]
async fn it_tells_the_type() {
    assert_eq!(of_the_static_pool("type").await, Value::from("static"));
}

#[tokio::test]
async fn it_counts_calls() {
    assert_eq!(of_the_static_pool("calls").await, Value::from(5));
}

#[tokio::test]
async fn it_tells_how_many_may_run_at_once() {
    assert_eq!(of_the_static_pool("limit").await, Value::from(2));
}

#[tokio::test]
async fn it_counts_what_was_refused() {
    assert_eq!(of_the_static_pool("refused").await, Value::from(0));
}

#[tokio::test]
async fn the_image_has_a_size() {
    assert!(matches!(of_the_static_pool("image").await, Value::Integer(bytes) if bytes > 0));
}

#[tokio::test]
async fn the_library_shows_the_same() {
    let app = App::new(&[("app.yaml", YAML)]);
    app.call("app:main", &[Value::from("calls")]).await.expect("it answers");
    let pools = app.runtime.pools();
    let names: Vec<_> = pools.iter().map(|pool| (pool.entry.as_str(), pool.stats.kind)).collect();
    let expected =
        [("app:fixed", PoolKind::Static), ("app:kept", PoolKind::Inline), ("app:main", PoolKind::Adaptive)];
    assert_eq!(names, expected);
    assert_eq!(pools[0].stats.calls, 5);
}

#[tokio::test]
async fn it_is_there_only_where_it_is_listed() {
    let failure = App::lua("", "return require('system')").main_fails().await;
    assert!(failure.message.contains("system"), "{failure}");
}

lua_tests! {
    memory_is_told_in_bytes("system") r#"
        local system = require("system")
        local stats = system.memory.stats()
        assert(stats.alloc > 1024 * 1024 and stats.sys >= stats.heap_alloc and stats.heap_alloc % 65536 == 0)
        assert(system.memory.allocated() > 0 and system.memory.heap_objects() >= 1)
    "#

    a_memory_limit_can_be_set_and_taken_away("system") r#"
        local memory = require("system").memory
        assert(memory.get_limit() == -1)
        assert(memory.set_limit(1 << 40) == -1 and memory.get_limit() == 1 << 40)
        assert(memory.set_limit(-1) == 1 << 40 and memory.get_limit() == -1)
        assert(not pcall(memory.set_limit, -2) and not pcall(memory.set_limit, "much") and not pcall(memory.set_limit))
    "#

    garbage_is_collected_on_demand("system") r#"
        local gc = require("system").gc
        local weak = setmetatable({ {} }, { __mode = "v" })
        assert(gc.collect() == true and weak[1] == nil)
        local before = gc.get_percent()
        assert(gc.set_percent(before + 40) == before and gc.get_percent() == before + 40)
        assert(gc.set_percent(1 << 40) == before + 40 and gc.get_percent() <= 900)
        assert(not pcall(gc.set_percent, -1))
    "#

    the_runtime_tells_of_threads_and_runs("system") r#"
        local runtime = require("system").runtime
        assert(runtime.goroutines() >= 1 and runtime.cpu_count() >= 1 and runtime.max_procs() >= 1)
        local before, err = runtime.max_procs(4)
        assert(before == nil and err:kind() == errors.INVALID)
    "#

    the_process_has_a_pid_a_host_and_a_folder("system") r#"
        local process = require("system").process
        assert(math.type(process.pid()) == "integer" and #process.hostname() > 0 and process.cwd():sub(1, 1) == "/")
    "#

    a_host_alone_is_the_leader_of_itself("system") r#"
        local system = require("system")
        local id = system.process.hostname()
        assert(system.node.id() == id and system.node.addr() == "" and system.node.role() == "leader")
        local members = system.cluster.members()
        assert(#members == 1 and members[1].id == id and members[1].is_local)
        assert(system.cluster.leader() == id and system.cluster.size() == 1)
        local raft = system.raft
        assert(raft.is_leader() and raft.is_member() and raft.role() == "leader" and raft.term() == 1)
        assert(raft.commit_index() == 0 and raft.stats().num_peers == 0)
    "#

    modules_are_listed_with_their_classes("system") r#"
        local system = require("system")
        local by_name = {}
        for _, module in ipairs(system.modules()) do by_name[module.name] = module end
        assert(by_name.json.class[1] == "deterministic" and #by_name.system.description > 0)
    "#

    a_lock_has_one_holder("system") r#"
        local lock = require("system").lock
        assert(lock.acquire("report") == true)
        local taken, err = lock.acquire("report")
        assert(taken == false and err:kind() == errors.ALREADY_EXISTS and err:retryable())
        assert(lock.acquire("other") == true and lock.release("other") == true and lock.release("other") == false)
        assert(lock.release("report") == true and lock.acquire("report") == true)
        for _, name in ipairs({ "", ("x"):rep(257) }) do
            taken, err = lock.acquire(name)
            assert(taken == false and err:kind() == errors.INVALID)
        end
    "#

    a_service_that_nobody_started_is_not_found("system") r#"
        local supervisor = require("system").supervisor
        assert(#supervisor.states() == 0)
        local none, err = supervisor.state("app:nothing")
        assert(none == nil and err:kind() == errors.NOT_FOUND)
    "#
}

/// Two functions that want the same lock; one keeps it until the gate opens.
const LOCKS: &str = "
namespace: app
entries:
  - name: holds
    kind: function.lua
    method: main
    modules: [system, gate]
    source: |
      return function()
        assert(system.lock.acquire('report'))
        gate.wait()
        return true
      end
  - name: wants
    kind: function.lua
    method: main
    modules: [system]
    source: |
      return function()
        return { system.lock.acquire('report'), system.lock.release('report') }
      end
";

#[tokio::test]
async fn a_lock_is_held_against_others_and_given_back_when_the_call_ends() {
    let gate = Gate::default();
    let app = App::with(&[("app.yaml", LOCKS)], |builder| builder.module(gate.module()));
    let holder = app.spawn("app:holds", &[]);
    gate.entered().await;
    let others = app.call("app:wants", &[]).await;
    assert_eq!(others, Ok(Value::Array(vec![false.into(), false.into()])), "nor can others release it");
    gate.open();
    assert_eq!(holder.await.expect("no panic"), Ok(true.into()));
    assert_eq!(app.call("app:wants", &[]).await, Ok(Value::Array(vec![true.into(), true.into()])));
}

#[tokio::test]
async fn a_lock_is_given_back_when_the_call_is_broken_off() {
    let gate = Gate::default();
    let app = App::with(&[("app.yaml", LOCKS)], |builder| builder.module(gate.module()));
    let holder = app.spawn("app:holds", &[]);
    gate.entered().await;
    holder.abort();
    gate.left().await;
    let mut taken = app.call("app:wants", &[]).await;
    while taken == Ok(Value::Array(vec![false.into(), false.into()])) {
        tokio::task::yield_now().await;
        taken = app.call("app:wants", &[]).await;
    }
    assert_eq!(taken, Ok(Value::Array(vec![true.into(), true.into()])));
}

#[tokio::test]
async fn processes_are_listed_with_what_they_do_and_who_started_them() {
    let yaml = "
namespace: app
entries:
  - {name: workers, kind: process.host, lifecycle: {auto_start: true}}
  - {name: idle, kind: process.lua, source: 'return function() process.inbox():receive() end'}
  - {name: main, kind: process.lua, source: file://main.lua, modules: [system, time]}
";
    let main = "return function()
        local system = require('system')
        local pid = assert(process.spawn('app:idle', 'app:workers'))
        local found
        repeat
            found = system.hosts.processes('app:workers')[1]
            channel.select({ require('time').after('1ms'):case_receive() })
        until found.state == 'waiting'
        assert(found.pid == tostring(pid) and found.parent == tostring(process.pid()) and found.source == 'app:idle')
        assert(found.steps >= 1 and found.stats.memory > 0 and found.stats.waiting == 0)
        for _, host in ipairs(system.hosts.list()) do
            if host.id == 'app:workers' then return host.processes == 1 and host.memory > 0 end
        end
    end";
    let app = App::new(&[("app.yaml", yaml), ("main.lua", main)]);
    app.runtime.start().await.expect("the host starts");
    assert_eq!(app.call("app:main", &[]).await, Ok(true.into()));
}

#[tokio::test]
async fn runs_are_listed_with_their_actors() {
    let yaml = "
namespace: app
entries:
  - {name: all, kind: security.policy, policy: {actions: '*', resources: '*', effect: allow}}
  - {name: holds, kind: function.lua, method: main, modules: [gate], source: 'return function() gate.wait() end'}
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [system]}
";
    let main = "return function(source)
        local found
        for _, run in ipairs(system.hosts.processes('functions')) do
            if run.source == source then found = run end
        end
        assert(found.host == 'functions' and found.state == 'running' and found.pid:find('functions'))
        assert(math.abs(found.started_at // 1000000000 - os.time()) < 600)
        assert(#system.hosts.processes('processes') == 0 and system.runtime.goroutines() == 2)
        local hosts = system.hosts.list()
        assert(hosts[1].id == 'functions' and hosts[1].processes == 2 and hosts[1].executed >= 1 and hosts[2].processes == 0)
        return found.actor_id
    end";
    let gate = Gate::default();
    let app = App::with(&[("app.yaml", yaml), ("main.lua", main)], |builder| builder.module(gate.module()));
    let ann = app.runtime.authority(Actor::new("user:ann"), &["app:all"], &[]).expect("it is there");
    let (runtime, authority) = (app.runtime.clone(), ann.clone());
    let holder =
        tokio::spawn(async move { runtime.call_with(Call::new("app:holds").authority(authority)).await });
    gate.entered().await;
    let call = Call::new("app:main").arg("app:holds").authority(ann);
    assert_eq!(app.runtime.call_with(call).await, Ok("user:ann".into()));
    gate.open();
    holder.await.expect("no panic").expect("it ends");
}

#[tokio::test]
async fn services_are_listed_with_what_became_of_them() {
    let yaml = "
namespace: app
entries:
  - {name: kv, kind: store.memory, lifecycle: {auto_start: true}}
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [system]}
";
    let main = "return function()
        local state = assert(system.supervisor.state('app:kv'))
        assert(#system.supervisor.states() == 1 and state.id == 'app:kv' and state.retry_count == 0)
        assert(math.abs(state.last_update // 1000000000 - os.time()) < 600 and state.started_at <= state.last_update)
        return state.status .. ' ' .. state.desired
    end";
    let app = App::new(&[("app.yaml", yaml), ("main.lua", main)]);
    app.runtime.start().await.expect("it starts");
    assert_eq!(app.main().await, Value::from("running running"));
    app.runtime.stop().await;
    assert_eq!(app.main().await, Value::from("stopped stopped"));
}

#[tokio::test]
async fn whoever_runs_the_host_learns_that_it_is_to_end() {
    let app = App::lua(
        "system",
        "assert(system.exit(3) == true) assert(system.exit(4) == true) return not pcall(system.exit, -1)",
    );
    let asked = tokio::time::timeout(Duration::ZERO, app.runtime.exit_requested()).await;
    assert!(asked.is_err(), "nobody has asked yet");
    assert_eq!(app.main().await, Value::from(true));
    assert_eq!(app.runtime.exit_requested().await, 3, "the first who asks decides");
}

#[tokio::test]
async fn above_its_memory_limit_the_host_gives_up_idle_cells() {
    let app = App::lua("system", "return system.memory.set_limit(...)");
    app.call("app:main", &[1.into()]).await.expect("it answers");
    app.until("app:main", |pool| pool.ready == 0 && pool.busy == 0).await;
}
