//! Module `store`, on every backend: what is promised of one is promised of all.

use perilune::{Actor, Authority, Call, Entry, EntryId, Operation, Policy, Scope, Value};
use perilune_security::{Decision, Question, Rule};
use perilune_sql::Database;
use perilune_tests::App;

/// What `app:kv` is, and the entries that it needs.
const MEMORY: &str = "  - {name: kv, kind: store.memory}\n";
const SQL: &str = "  - {name: db, kind: db.sql.sqlite, file: ':memory:'}\n  - {name: kv, kind: store.sql, database: db, table: kv}\n";

fn yaml(entries: &str) -> String {
    format!(
        "version: '1.0'\nnamespace: app\nentries:\n  - {{name: main, kind: function.lua, source: file://main.lua, method: main, \
         modules: [store, time]}}\n{entries}"
    )
}

/// An application with these entries, whose function `app:main` has this body.
fn app(entries: &str, body: &str) -> App {
    let main = format!("local store = require('store')\nreturn function(...)\n{body}\nend\n");
    App::new(&[("app.yaml", &yaml(entries)), ("main.lua", &main)])
}

/// Runs Lua that checks itself with `s`, the store, on every backend. Other databases than SQLite have their own tests beside
/// crate `perilune-store`.
async fn check(body: &str) {
    let body = format!(
        "local s = assert(store.get('app:kv'))
        -- The kind of the error that a call returned beside nil.
        local function fails(value, err)
          assert(value == nil and err, 'it must fail')
          return err:kind()
        end
        {body}"
    );
    for entries in [MEMORY, SQL] {
        let app = app(entries, &body);
        if entries == SQL {
            let table = "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER)";
            let database = app.runtime.resource::<Database>("app:db").expect("the database opens");
            database.execute(table, Vec::new()).await.expect("the table is made");
        }
        if let Err(failure) = app.call("app:main", &[]).await {
            panic!("with {entries}: {failure:#?}");
        }
    }
}

macro_rules! store_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($body).await;
        })*
    };
}

store_tests! {
    values_are_kept_under_keys r#"
        assert(s:set("user:1", { name = "ann", tags = { "a", "b" }, score = 1.5, active = true, visits = 3 }) == true)
        local user = s:get("user:1")
        assert(user.name == "ann" and user.tags[2] == "b" and user.score == 1.5 and user.active and user.visits == 3)
        assert(math.type(user.visits) == "integer" and s:has("user:1") == true)
        for _, value in ipairs({ "text", 7, 0.25, false, "ünï" }) do
            assert(s:set("v", value) and s:get("v") == value)
        end
    "#

    what_is_not_there_is_not_found r#"
        for _, name in ipairs({ "get", "entry" }) do
            assert(fails(s[name](s, "none")) == errors.NOT_FOUND)
        end
        assert(s:has("none") == false and s:delete("none") == false)
    "#

    deleting_says_whether_something_was_there r#"
        s:set("k", 1)
        assert(s:delete("k") == true and s:delete("k") == false and s:has("k") == false)
    "#

    keys_are_texts_of_bounded_length r#"
        for _, key in ipairs({ "", ("x"):rep(512), "a\0b", "a\nb", "\xff", 5, {} }) do
            assert(fails(s:get(key)) == errors.INVALID and fails(s:entry(key)) == errors.INVALID)
            assert(fails(s:set(key, 1)) == errors.INVALID and fails(s:put(key, 1)) == errors.INVALID)
            assert(fails(s:has(key)) == errors.INVALID and fails(s:delete(key)) == errors.INVALID)
        end
        assert(fails(s:get()) == errors.INVALID)
        for _, key in ipairs({ ("x"):rep(511), "ns:name", "name", ":", "ключ", "a b", "%", "_", "'; DROP TABLE kv; --", '"`' }) do
            assert(s:set(key, key) and s:get(key) == key and s:entry(key).key == key, key)
        end
        assert(#s:list().items == 10)
    "#

    there_must_be_a_value r#"
        assert(fails(s:set("k", nil)) == errors.INVALID and fails(s:put("k", nil)) == errors.INVALID)
        assert(fails(s:set("k", print)) == errors.INVALID and fails(s:set("k", { s })) == errors.INVALID)
        assert(s:has("k") == false)
    "#

    a_time_to_live_is_a_number_of_seconds r#"
        for _, ttl in ipairs({ -1, 0 / 0, math.huge, 1e12, "1", {} }) do
            assert(fails(s:set("k", 1, ttl)) == errors.INVALID and fails(s:put("k", 1, { ttl = ttl })) == errors.INVALID)
        end
        for _, ttl in ipairs({ 0, 60, 0.5, 1e9 }) do
            assert(s:set("k", ttl, ttl) and s:get("k") == ttl)
        end
    "#

    a_put_gives_the_entry_with_its_version r#"
        local entry = assert(s:put("k", { n = 1 }, { ttl = 60 }))
        assert(entry.key == "k" and entry.value.n == 1 and type(entry.version) == "string")
        assert(s:entry("k").version == entry.version and s:entry("k").value.n == 1)
        assert(s:put("k", { n = 2 }).version ~= entry.version)
    "#

    a_put_may_depend_on_absence r#"
        assert(s:put("k", 1, { only_if_absent = true }))
        assert(fails(s:put("k", 2, { only_if_absent = true })) == errors.ALREADY_EXISTS and s:get("k") == 1)
        s:delete("k")
        assert(s:put("k", 3, { only_if_absent = true, ttl = 60 }) and s:get("k") == 3)
    "#

    a_put_may_depend_on_a_version r#"
        local first = s:put("k", 1)
        local second = assert(s:put("k", 2, { if_version = first.version }))
        assert(fails(s:put("k", 3, { if_version = first.version })) == errors.CONFLICT and s:get("k") == 2)
        assert(s:put("k", 2, { if_version = second.version }))
        assert(fails(s:put("none", 1, { if_version = second.version })) == errors.CONFLICT and not s:has("none"))
        assert(fails(s:put("k", 1, { if_version = "", only_if_absent = true })) == errors.INVALID)
    "#

    of_many_who_put_what_is_absent_one_succeeds r#"
        local done = channel.new(20)
        for n = 1, 20 do
            coroutine.spawn(function() done:send((s:put("lock", n, { only_if_absent = true }))) end)
        end
        local won = 0
        for _ = 1, 20 do
            if done:receive() then won = won + 1 end
        end
        assert(won == 1)
    "#

    of_many_who_count_up_none_is_lost r#"
        s:set("count", 0)
        local done = channel.new(10)
        for _ = 1, 10 do
            coroutine.spawn(function()
                repeat
                    local now = s:entry("count")
                until s:put("count", now.value + 1, { if_version = now.version })
                done:send(true)
            end)
        end
        for _ = 1, 10 do done:receive() end
        assert(s:get("count") == 10)
    "#

    lists_are_in_the_order_of_keys_bytes r#"
        local keys = { "Z", "a", "a%", "a:1", "a:10", "a:2", "a_", "b", "é", "😀" }
        for i = #keys, 1, -1 do s:set(keys[i], i) end
        local list = s:list()
        assert(#list.items == #keys and list.has_more == false and list.cursor == "😀")
        for i, item in ipairs(list.items) do
            assert(item.key == keys[i] and item.value == i and item.version == s:entry(keys[i]).version)
        end
    "#

    lists_are_chosen_by_prefix_literally r#"
        for _, key in ipairs({ "a", "a%", "a%b", "a_", "aXb", "A", "b" }) do s:set(key, key) end
        for prefix, count in pairs({ [""] = 7, a = 5, ["a%"] = 2, ["a_"] = 1, A = 1, ["%"] = 0, ["'"] = 0, ["a%b"] = 1, c = 0 }) do
            assert(#s:list({ prefix = prefix }).items == count, prefix)
        end
    "#

    lists_are_read_in_pages r#"
        for n = 10, 34 do s:set("k" .. n, n) end
        s:set("other", 0)
        local seen, after, pages = {}, nil, 0
        repeat
            local page = assert(s:list({ prefix = "k", after = after, limit = 10 }))
            for _, item in ipairs(page.items) do seen[#seen + 1] = item.value end
            after, pages = page.cursor, pages + 1
            assert(page.has_more == (pages < 3))
        until not page.has_more
        assert(pages == 3 and #seen == 25)
        for i, n in ipairs(seen) do assert(n == i + 9) end
        local rest = s:list({ prefix = "k", after = "k34" })
        assert(#rest.items == 0 and rest.has_more == false)
        assert(#s:list({ prefix = "k", after = "a" }).items == 25 and #s:list({ prefix = "k", after = "z" }).items == 0)
    "#

    pages_fit_a_cell r#"
        local large = ("x"):rep(1024 * 1024)
        for n = 1, 9 do assert(s:set("k" .. n, large)) end
        local count, after = 0, nil
        repeat
            local page = assert(s:list({ after = after }))
            assert(#page.items < 9)
            count, after = count + #page.items, page.cursor
        until not page.has_more
        assert(count == 9)
    "#

    options_are_checked r#"
        assert(fails(s:put("k", 1, { only_if_abssent = true })) == errors.INVALID and not s:has("k"))
        assert(fails(s:put("k", 1, { if_version = 1 })) == errors.INVALID and fails(s:put("k", 1, "x")) == errors.INVALID)
        for _, options in ipairs({ { limit = 0 }, { limit = 1001 }, { limit = 1.5 }, { limit = "1" }, { prefix = 1 }, { after = "\0" }, { n = 1 } }) do
            assert(fails(s:list(options)) == errors.INVALID)
        end
        assert(s:list({ limit = 2.0 }))
    "#

    a_store_says_what_it_is r#"
        local info = s:info()
        assert(info.backend == store.backend.MEMORY or info.backend == store.backend.SQL)
        assert(info.consistency == store.consistency.LOCAL or info.consistency == store.consistency.LINEARIZABLE)
    "#

    a_released_store_cannot_be_used r#"
        assert(s:release() == true and s:release() == true)
        assert(fails(s:get("k")) == errors.INVALID and fails(s:set("k", 1)) == errors.INVALID and fails(s:list()) == errors.INVALID)
        assert(fails(s:info()) == errors.INVALID)
    "#

    waiting_for_a_store_suspends_one_coroutine r#"
        s:set("k", "stored")
        local results = channel.new(0)
        coroutine.spawn(function() results:send(s:get("k")) end)
        coroutine.spawn(function() require("time").sleep("1ms") results:send("slept") end)
        local seen = {}
        for _ = 1, 2 do
            seen[channel.select({ results:case_receive() }).value] = true
        end
        assert(seen.stored and seen.slept)
    "#
}

#[tokio::test]
async fn only_stores_are_stores() {
    let app = app(
        MEMORY,
        "local kinds = {}
        for i, id in ipairs({ '', 'kv', 'app:none', 'app:main', 5 }) do
          local none, err = store.get(id)
          assert(none == nil)
          kinds[i] = err:kind()
        end
        return table.concat(kinds, ' ')",
    );
    assert_eq!(app.main().await, "Invalid Invalid NotFound Invalid Invalid".into());
}

#[tokio::test]
async fn calls_share_a_store_and_not_its_handles() {
    let main = "local store = require('store')
        local kept
        return function(value)
          if not value then
            local gone, err = kept:get('k')
            return { gone == nil, err:kind(), store.get('app:kv'):get('k') }
          end
          kept = store.get('app:kv')
          kept:set('k', value)
        end";
    let yaml = yaml(MEMORY).replace("method: main", "method: main, pool: {type: inline}");
    let app = App::new(&[("app.yaml", &yaml), ("main.lua", main)]);
    app.call("app:main", &["kept".into()]).await.expect("it is stored");
    assert_eq!(app.main().await, Value::Array(vec![true.into(), "Invalid".into(), "kept".into()]));
}

#[tokio::test]
async fn a_full_store_takes_no_new_keys_and_updates_all_the_same() {
    let fill = "local s = store.get('app:kv')
        local n, problem = 0, nil
        repeat
          n = n + 1
          local ok, err = s:set('k' .. n, ('x'):rep(100))
          problem = err
        until not ok
        assert(s:set('k1', 'updated') and s:get('k1') == 'updated')
        assert(s:delete('k2') and s:set('new', 1))
        return { problem:kind(), problem:details().limit, n - 1 }";
    for (field, limit, most) in [("max_size: 5", "max_size", 5), ("max_bytes: 4KiB", "max_bytes", 13)] {
        let app = app(&format!("  - {{name: kv, kind: store.memory, {field}}}\n"), fill);
        assert_eq!(app.main().await, Value::Array(vec!["RateLimited".into(), limit.into(), most.into()]));
    }
}

#[tokio::test]
async fn a_value_larger_than_the_store_is_refused() {
    let app = app(
        "  - {name: kv, kind: store.memory, max_bytes: 1MiB}\n",
        "local s = store.get('app:kv')
        local ok, err = s:set('k', ('x'):rep(8 * 1024 * 1024))
        assert(s:set('k', 'small'))
        return ok == nil and err:kind()",
    );
    assert_eq!(app.main().await, "RateLimited".into());
}

/// Allows reading one store, and of its keys those that begin with `mine`.
struct OwnKeys;

impl Rule for OwnKeys {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        let begins = |name| {
            question.meta.get(name).and_then(Value::as_str).is_some_and(|text| text.starts_with("mine"))
        };
        let allowed = match question.action {
            "store.get" | "store.info" => question.resource == "app:kv",
            "store.key.get" | "store.key.set" | "store.key.has" => begins("key"),
            "store.key.list" => begins("prefix"),
            _ => false,
        };
        if allowed { Decision::Allow } else { Decision::Undefined }
    }
}

#[tokio::test]
async fn policies_decide_by_key_and_prefix() {
    let app = app(
        "  - {name: kv, kind: store.memory}\n  - {name: other, kind: store.memory}\n",
        "local s = assert(store.get('app:kv'))
        assert(s:set('mine:1', 1) and s:get('mine:1') == 1 and s:has('mine:1') and #s:list({ prefix = 'mine' }).items == 1 and s:info())
        local denied = {
          { store.get('app:other') }, { s:get('k') }, { s:entry('k') }, { s:set('k', 1) }, { s:put('k', 1) }, { s:has('k') },
          { s:delete('mine:1') }, { s:list() },
        }
        for i, result in ipairs(denied) do
          assert(result[1] == nil and result[2]:kind() == errors.PERMISSION_DENIED, i)
        end",
    );
    let authority = Authority {
        actor: Some(Actor::new("user:1").into()),
        scope: Some(Scope::new([Policy::new("app:own", OwnKeys)])),
    };
    let done = app.runtime.call_with(Call::new("app:main").authority(authority)).await;
    assert_eq!(done, Ok(Value::Nil));
}

#[tokio::test]
async fn a_time_to_live_below_the_clocks_resolution_is_over_at_once() {
    let app = app(
        "  - {name: kv, kind: store.memory}\n",
        "local s = store.get('app:kv')
        s:set('k', 1, 1e-9)
        s:put('l', 1, { ttl = 1e-300 })
        require('time').sleep('1us')
        assert(not s:has('k') and select(2, s:get('l')):kind() == errors.NOT_FOUND and #s:list().items == 0)
        assert(s:delete('k') == false and s:put('l', 2, { only_if_absent = true }))",
    );
    app.main().await;
}

#[tokio::test]
async fn the_fields_of_a_store_are_checked_when_entries_load() {
    for (fields, message) in [
        ("max_size: -1", "out of range"),
        ("max_bytes: 64", "max_bytes"),
        ("cleanup_interval: 5", "cleanup_interval"),
        ("size: 5", "no such field"),
    ] {
        let yaml = yaml(&format!("  - {{name: kv, kind: store.memory, {fields}}}\n"));
        let refused = App::try_new(&[("app.yaml", &yaml), ("main.lua", "return { main = print }")]);
        let text = perilune_tests::render(&refused.err().expect("it is refused"));
        assert!(text.contains(message), "{fields}: {text}");
    }
}

#[tokio::test]
async fn a_store_outlives_changes_of_other_entries() {
    let app =
        app(MEMORY, "local s = store.get('app:kv') local old = s:get('k') s:set('k', 'kept') return old");
    app.main().await;
    let entry = Entry::new(EntryId::parse("app:other").expect("an id"), "registry.entry");
    app.runtime.registry().apply(&[Operation::Create(entry.into())], None).expect("it is applied");
    assert_eq!(app.main().await, "kept".into());
}
