//! Each guarded function asks for its permission. A further one is a line in [`GUARDED`].

use perilune::{Actor, Authority, Call, Failure, Value};
use perilune_tests::App;

/// Lua that uses a guarded function and gives what it returns, the action that it asks for, and the resource; `*` where that is known
/// only at run time.
const GUARDED: &[(&str, &str, &str)] = &[
    // funcs
    ("return funcs.call('app:nothing')", "funcs.call", "app:nothing"),
    ("return funcs.call('app:library.method')", "funcs.call", "app:library.method"),
    ("return funcs.call('app:library.method')", "funcs.call", "app:library"),
    (
        "local future = funcs.async('app:nothing') future:response():receive() return future:result()",
        "funcs.call",
        "app:nothing",
    ),
    ("return funcs.new():call('app:nothing')", "funcs.call", "app:nothing"),
    ("return funcs.new():with_context({ a = 1 })", "funcs.context", "context"),
    ("return funcs.new():with_actor(security.new_actor('x'))", "funcs.security", "security"),
    ("return funcs.new():with_scope(security.new_scope())", "funcs.security", "security"),
    // process
    ("return process.send(process.pid(), 'topic', 1)", "process.send", "*"),
    // registry
    ("return registry.get('app:nothing')", "registry.get", "app:nothing"),
    ("return registry.snapshot():get('app:nothing')", "registry.get", "app:nothing"),
    ("return change():apply()", "registry.apply", ""),
    ("return registry.apply_version(registry.current_version())", "registry.apply_version", ""),
    // security
    ("return security.policy('app:nobody')", "security.policy.get", "app:nobody"),
    ("return security.named_scope('app:staff')", "security.policy_group.get", "app:staff"),
    ("return security.new_scope()", "security.scope.create", "custom"),
    ("return security.new_scope():with('app:everything')", "security.scope.create", "with"),
    ("return security.new_scope():without('app:everything')", "security.scope.create", "without"),
    ("return security.new_scope({ 'app:nobody' })", "security.policy.get", "app:nobody"),
    ("return security.new_actor('user:bob')", "security.actor.create", "user:bob"),
    ("return security.token_store('app:tokens')", "security.token_store.get", "app:tokens"),
    ("return token()", "security.token.create", "app:tokens"),
    (
        "local _, _, err = tokens():validate(token()) return true, err",
        "security.token.validate",
        "app:tokens",
    ),
    ("return tokens():revoke(token())", "security.token.revoke", "app:tokens"),
    // store, fs, queue, events
    ("return store.get('app:kv')", "store.get", "app:kv"),
    ("return assert(store.get('app:kv')):get('key')", "store.key.get", "app:kv"),
    ("return assert(store.get('app:kv')):set('key', 1)", "store.key.set", "app:kv"),
    ("return assert(store.get('app:kv')):delete('key')", "store.key.delete", "app:kv"),
    ("return assert(store.get('app:kv')):has('key')", "store.key.has", "app:kv"),
    ("return assert(store.get('app:kv')):list()", "store.key.list", "app:kv"),
    ("return assert(store.get('app:kv')):info()", "store.info", "app:kv"),
    ("return fs.get('app:files')", "fs.get", "app:files"),
    ("return sql.get('app:db')", "db.get", "app:db"),
    ("return templates.get('app:pages')", "template.get", "app:pages"),
    ("return queue.publish('app:jobs', 1)", "queue.publish", ""),
    ("return queue.publish('app:jobs', 1)", "queue.publish.queue", "app:jobs"),
    ("return queue.info('app:jobs')", "queue.info", "app:jobs"),
    ("return events.send('orders', 'made', '/1')", "events.send", "orders"),
    ("return events.subscribe('orders')", "events.subscribe", "orders"),
    // env, http_client, websocket
    ("return env.get('NOTHING')", "env.get", "NOTHING"),
    ("return env.set('NOTHING', 'x')", "env.set", "NOTHING"),
    ("return http_client.get('http://127.0.0.1:1/')", "http_client.request", "http://127.0.0.1:1/"),
    ("return websocket.connect('ws://127.0.0.1:1/')", "websocket.connect", ""),
    ("return websocket.connect('ws://127.0.0.1:1/')", "websocket.connect.url", "ws://127.0.0.1:1/"),
    // system
    ("return system.exit(0)", "system.exit", ""),
    ("return system.pools()", "system.read", "pools"),
    ("return system.modules()", "system.read", "modules"),
    ("return system.memory.stats()", "system.read", "memory"),
    ("return system.memory.allocated()", "system.read", "memory"),
    ("return system.memory.heap_objects()", "system.read", "memory"),
    ("return system.memory.get_limit()", "system.read", "memory_limit"),
    ("return system.memory.set_limit(-1)", "system.control", "memory_limit"),
    ("return system.gc.collect()", "system.gc", "gc"),
    ("return system.gc.set_percent(100)", "system.gc", "gc_percent"),
    ("return system.gc.get_percent()", "system.read", "gc_percent"),
    ("return system.runtime.goroutines()", "system.read", "goroutines"),
    ("return system.runtime.max_procs()", "system.read", "gomaxprocs"),
    ("return system.runtime.max_procs(4)", "system.control", "gomaxprocs"),
    ("return system.runtime.cpu_count()", "system.read", "cpu"),
    ("return system.process.pid()", "system.read", "pid"),
    ("return system.process.hostname()", "system.read", "hostname"),
    ("return system.process.cwd()", "system.read", "cwd"),
    ("return system.node.id()", "system.read", "node"),
    ("return system.node.addr()", "system.read", "node"),
    ("return system.node.role()", "system.read", "node"),
    ("return system.cluster.members()", "system.read", "cluster"),
    ("return system.cluster.leader()", "system.read", "cluster"),
    ("return system.cluster.size()", "system.read", "cluster"),
    ("return system.raft.is_leader()", "system.read", "raft"),
    ("return system.raft.is_member()", "system.read", "raft"),
    ("return system.raft.role()", "system.read", "raft"),
    ("return system.raft.term()", "system.read", "raft"),
    ("return system.raft.commit_index()", "system.read", "raft"),
    ("return system.raft.stats()", "system.read", "raft_stats"),
    ("return system.lock.acquire('job')", "system.lock", "job"),
    ("return system.lock.release('job')", "system.lock", "job"),
    ("return system.supervisor.states()", "system.read", "supervisor"),
    ("return system.supervisor.state('app:nothing')", "system.read", "supervisor"),
    ("return system.hosts.list()", "system.read", "hosts"),
    ("return system.hosts.processes()", "system.read", "hosts"),
];

/// What the pieces of Lua above may use, and what they need around them.
const MODULES: &str = "env, events, fs, funcs, http_client, queue, registry, security, sql, store, system, templates, websocket";
const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: everything, kind: security.policy, groups: [staff], policy: {actions: '*', resources: '*', effect: allow}}
  - {name: nobody, kind: security.policy, policy: {actions: none, resources: none, effect: deny}}
  - {name: kv, kind: store.memory}
  - {name: tokens, kind: security.token_store, store: kv}
  - {name: files, kind: fs.directory, directory: ., base: project}
  - {name: db, kind: db.sql.sqlite, file: ':memory:'}
  - {name: pages, kind: template.set}
  - {name: driver, kind: queue.driver.memory}
  - {name: jobs, kind: queue.queue, driver: driver}
";
const HELPERS: &str = "
local function change()
  local changes = registry.snapshot():changes()
  changes:create({ id = 'app:made', kind = 'registry.entry' })
  return changes
end
local function tokens() return assert(security.token_store('app:tokens')) end
local function token() return tokens():create(security.new_actor('user:bob'), security.new_scope()) end
";

/// What became of a use of a guarded function: the failure, if there was one.
const OUTCOME: &str = "
return function()
  local ran, value, err = pcall(use)
  if not ran then err = value end
  if err == nil then return nil end
  if type(err) ~= 'userdata' then error(err, 0) end
  return nil, err
end
";

/// An application with a function for each row, and for each a policy that denies what it asks for.
fn app() -> App {
    let mut yaml = ENTRIES.to_owned();
    let mut files = Vec::new();
    for (number, (lua, action, resource)) in GUARDED.iter().enumerate() {
        yaml += &format!(
            "  - {{name: use{number}, kind: function.lua, source: 'file://use{number}.lua', method: main, modules: [{MODULES}]}}\n"
        );
        yaml += &format!(
            "  - {{name: deny{number}, kind: security.policy, policy: {{actions: {action}, resources: '{resource}', effect: deny}}}}\n",
            resource = if resource.is_empty() { "*" } else { resource },
        );
        files.push((
            format!("use{number}.lua"),
            format!("{HELPERS}\nlocal function use()\n{lua}\nend\n{OUTCOME}"),
        ));
    }
    let mut all = vec![("app.yaml", yaml.as_str())];
    all.extend(files.iter().map(|(path, lua)| (path.as_str(), lua.as_str())));
    App::new(&all)
}

async fn outcome(app: &App, number: usize, authority: Authority) -> Option<Failure> {
    let called = app.runtime.call_with(Call::new(format!("app:use{number}")).authority(authority)).await;
    called.err()
}

fn is_denied(failure: &Failure) -> bool {
    failure.kind == perilune::Kind::PermissionDenied
        && failure.details.as_ref().is_some_and(|of| of.get("action").is_some())
}

#[tokio::test]
async fn nothing_guarded_works_without_an_actor_once_there_are_policies() {
    let app = app();
    for (number, (lua, ..)) in GUARDED.iter().enumerate() {
        let failure = outcome(&app, number, Authority::default()).await;
        assert!(failure.as_ref().is_some_and(is_denied), "{lua}: {failure:#?}");
    }
}

#[tokio::test]
async fn who_is_allowed_everything_is_denied_nothing() {
    let app = app();
    for (number, (lua, ..)) in GUARDED.iter().enumerate() {
        let authority =
            app.runtime.authority(Actor::new("ann"), &["app:everything"], &[]).expect("it is there");
        let failure = outcome(&app, number, authority).await;
        assert!(!failure.as_ref().is_some_and(is_denied), "{lua}: {failure:#?}");
    }
}

#[tokio::test]
async fn each_asks_for_its_own_permission() {
    let app = app();
    for (number, (lua, action, resource)) in GUARDED.iter().enumerate() {
        let policies = ["app:everything", &format!("app:deny{number}")];
        let authority = app.runtime.authority(Actor::new("ann"), &policies, &[]).expect("they are there");
        let failure = outcome(&app, number, authority).await;
        let failure = failure.filter(is_denied).unwrap_or_else(|| panic!("{lua} asks for {action}"));
        let of = |name: &str| failure.details.as_ref().and_then(|details| details.get(name)).cloned();
        assert_eq!(of("action"), Some(Value::from(*action)), "{lua}");
        assert!(*resource == "*" || of("resource") == Some(Value::from(*resource)), "{lua}: {failure:#?}");
    }
}
