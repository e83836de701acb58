//! Module `sql`, as Lua sees it. What databases do has tests of its own beside crate `perilune-sql`.

use perilune::{Allowed, Value};
use perilune_tests::App;
use std::env;

/// A function with module `sql` and others, and a database of SQLite, `app:db`, in a file.
fn app(body: &str) -> App {
    with_database("kind: db.sql.sqlite, file: test.db", body)
}

fn with_database(database: &str, body: &str) -> App {
    with_database_allowed(database, body, Allowed::default())
}

fn with_database_allowed(database: &str, body: &str, allowed: Allowed) -> App {
    let yaml = format!(
        "version: '1.0'\nnamespace: app\nentries:\n  - {{name: db, {database}}}\n  - name: main\n    kind: function.lua\n    \
         source: file://main.lua\n    method: main\n    modules: [sql, time, funcs]\n    limits: {{timeout: 20s}}\n"
    );
    let source = format!("local sql = require('sql')\nreturn function(...)\n{body}\nend\n");
    App::with(&[("app.yaml", &yaml), ("main.lua", &source)], |builder| builder.allow(allowed))
}

/// Declares tests whose Lua checks itself; `db` is a database with a table of two rows.
macro_rules! sql_tests {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            let prepare = "local db = assert(sql.get('app:db'))\n\
                           assert(db:execute('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, age INTEGER)'))\n\
                           assert(db:execute('INSERT INTO users VALUES (1, \\'ann\\', 30), (2, \\'bob\\', NULL)'))\n";
            app(&format!("{prepare}{}", $body)).main().await;
        })*
    };
}

sql_tests! {
    rows_are_tables_and_null_is_absent r#"
        local rows = assert(db:query("SELECT * FROM users ORDER BY id"))
        assert(#rows == 2 and rows[1].name == "ann" and rows[1].age == 30 and math.type(rows[1].id) == "integer")
        assert(rows[2].name == "bob" and rows[2].age == nil)
        local none, err = db:query("SELECT * FROM users WHERE id = ?", { 9 })
        assert(#none == 0 and err == nil)
    "#

    parameters_keep_their_types r#"
        local function kind(value)
            return db:query("SELECT typeof(?) AS t", { value })[1].t
        end
        assert(kind(1) == "integer" and kind(1.5) == "real" and kind(2.0) == "real" and kind("x") == "text")
        assert(kind(true) == "integer" and kind(sql.NULL) == "null" and kind("\xff") == "blob")
        assert(kind(sql.as.int(3.0)) == "integer" and kind(sql.as.float(3)) == "real" and kind(sql.as.text(5)) == "text")
        assert(kind(sql.as.binary("x")) == "blob" and kind(sql.as.null()) == "null")
        local row = db:query("SELECT ? AS a, ? AS b, ? AS c", { 1, nil, 3 })[1]
        assert(row.a == 1 and row.b == nil and row.c == 3, "a hole is NULL")
        row = db:query("SELECT ? AS a, ? AS b", { sql.NULL, sql.as.binary("\0\xff") })[1]
        assert(row.a == nil and row.b == "\0\xff")
    "#

    wrong_parameters_are_invalid_and_nothing_happens r#"
        local insert = "INSERT INTO users VALUES (?, ?, ?)"
        for name, params in pairs({
            few = { 1 }, many = { 1, 2, 3, 4 }, none = {}, scalar = 5, text = "x", map = { id = 1 }, mixed = { 1, 2, 3, x = 1 },
            table = { 1, {}, 3 }, callback = { 1, print, 3 }, thread = { 1, coroutine.create(print), 3 }, error = { 1, errors.new("x"), 3 },
            channel = { 1, channel.new(), 3 }, huge = { [2^40] = 1 }, zero = { [0] = 1, 1, 2 }, last = { 1, 2, nil },
            object = { 1, db, 3 }, typed_hole = { [70000] = sql.NULL }, text_bytes = { 1, sql.as.text("\xff"), 3 },
        }) do
            for _, method in ipairs({ "execute", "query" }) do
                local result, err = db[method](db, insert, params)
                assert(result == nil and err:kind() == errors.INVALID, name .. ": " .. tostring(err))
            end
        end
        assert(#db:query("SELECT * FROM users") == 2)
    "#

    typed_parameters_refuse_other_types r#"
        for _, call in ipairs({
            function() sql.as.int(1.5) end, function() sql.as.int("1") end, function() sql.as.float("x") end,
            function() sql.as.text({}) end, function() sql.as.binary(1) end,
        }) do
            local fine, problem = pcall(call)
            assert(not fine and tostring(problem):find("bad argument #1", 1, true), tostring(problem))
        end
    "#

    executing_tells_what_was_done r#"
        local done = assert(db:execute("INSERT INTO users (name) VALUES (?)", { "cy" }))
        assert(done.last_insert_id == 3 and done.rows_affected == 1)
        done = assert(db:execute("UPDATE users SET age = 1"))
        assert(done.rows_affected == 3)
    "#

    errors_are_values_with_kinds r#"
        for text, kind in pairs({
            ["SELEKT"] = errors.INVALID, ["SELECT * FROM nowhere"] = errors.INVALID, ["SELECT 1; SELECT 2"] = errors.INVALID,
            ["BEGIN"] = errors.INVALID, ["ATTACH 'x' AS y"] = errors.PERMISSION_DENIED, ["\xff"] = errors.INVALID,
            ["INSERT INTO users (id) VALUES (1)"] = errors.ALREADY_EXISTS,
        }) do
            for _, method in ipairs({ "query", "execute" }) do
                local result, err = db[method](db, text)
                assert(result == nil and err:kind() == kind, text .. ": " .. tostring(err))
            end
        end
        for _, method in ipairs({ "query", "execute", "prepare" }) do
            local result, err = db[method](db, 5)
            assert(result == nil and err:kind() == errors.INVALID)
        end
        local _, err = db:execute("INSERT INTO users (id) VALUES (1)")
        assert(err:details().driver == "sqlite" and err:details().code and err:retryable() == false)
    "#

    the_module_names_what_there_is r#"
        assert(sql.type.SQLITE == "sqlite" and sql.type.POSTGRES == "postgres" and sql.type.MYSQL == "mysql")
        assert(sql.type.UNKNOWN == "unknown" and db:type() == sql.type.SQLITE)
        assert(sql.isolation.DEFAULT == "default" and sql.isolation.WRITE_COMMITTED == "write_committed")
        local stats = db:stats()
        for _, name in ipairs({
            "max_open_connections", "open_connections", "in_use", "idle", "wait_count", "wait_duration", "max_idle_closed",
            "max_idle_time_closed", "max_lifetime_closed",
        }) do
            assert(math.type(stats[name]) == "integer", name)
        end
        assert(not pcall(function() sql.type.SQLITE = "x" end) and type(sql.NULL) == "userdata")
    "#

    a_database_is_found_by_its_id r#"
        for id, kind in pairs({ [""] = errors.INVALID, ["app:nothing"] = errors.NOT_FOUND, ["app:main"] = errors.INVALID, x = errors.INVALID }) do
            local found, err = sql.get(id)
            assert(found == nil and err:kind() == kind, id .. ": " .. tostring(err))
        end
        assert(select(2, sql.get(5)):kind() == errors.INVALID and select(2, sql.get()):kind() == errors.INVALID)
    "#

    a_released_database_is_of_no_use r#"
        assert(db:release() == true and db:release() == true)
        for _, result in ipairs({ { db:query("SELECT 1") }, { db:execute("SELECT 1") }, { db:begin() }, { db:prepare("SELECT 1") }, { db:stats() } }) do
            assert(result[1] == nil and result[2]:kind() == errors.INVALID, tostring(result[2]))
        end
        assert(#sql.get("app:db"):query("SELECT 1 AS x") == 1)
    "#

    transactions_commit_and_roll_back r#"
        local tx = assert(db:begin())
        assert(tx:db_type() == "sqlite")
        assert(tx:execute("INSERT INTO users (id) VALUES (?)", { 3 }))
        assert(#tx:query("SELECT * FROM users") == 3 and #db:query("SELECT * FROM users") == 2)
        assert(tx:savepoint("here") and tx:execute("DELETE FROM users") and tx:rollback_to("here") and tx:release("here"))
        assert(tx:commit() == true)
        assert(#db:query("SELECT * FROM users") == 3)
        for _, name in ipairs({ "commit", "rollback" }) do
            local done, err = tx[name](tx)
            assert(done == nil and err:kind() == errors.INVALID)
        end
        tx = assert(db:begin({ isolation = sql.isolation.SERIALIZABLE, read_only = true }))
        assert(select(2, tx:execute("DELETE FROM users")):kind() == errors.INVALID)
        assert(tx:rollback())
        for _, options in ipairs({ { isolation = "snapshot" }, { isolation = 5 }, { read_only = "yes" }, { readonly = true }, 7 }) do
            local none, err = db:begin(options)
            assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        end
        tx = assert(db:begin())
        for _, name in ipairs({ "", "a b", "x'y", "\xff", 5 }) do
            local done, err = tx:savepoint(name)
            assert(done == nil and err:kind() == errors.INVALID)
        end
    "#

    statements_run_many_times r#"
        local find = assert(db:prepare("SELECT name FROM users WHERE id = ?"))
        for _ = 1, 5 do
            assert(find:query({ 1 })[1].name == "ann" and find:query({ 2 })[1].name == "bob" and #find:query({ 9 }) == 0)
        end
        assert(select(2, find:query()):kind() == errors.INVALID)
        assert(find:close() == true and find:close() == true)
        assert(select(2, find:query({ 1 })):kind() == errors.INVALID)
        local tx = assert(db:begin())
        local insert = assert(tx:prepare("INSERT INTO users (id) VALUES (?)"))
        assert(insert:execute({ 3 }).rows_affected == 1 and tx:commit())
        assert(select(2, insert:execute({ 4 })):kind() == errors.INVALID)
        assert(#db:query("SELECT * FROM users") == 3)
    "#

    a_result_beyond_the_memory_limit_is_an_error_and_not_the_end r#"
        local big = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000000) SELECT x FROM n"
        local rows, err = db:query(big)
        assert(rows == nil and err:kind() == errors.RATE_LIMITED and err:details().limit == "memory", tostring(err))
        assert(#db:query("SELECT * FROM users") == 2)
    "#

    only_the_coroutine_that_waits_is_suspended r#"
        local time = require("time")
        local answers = channel.new(2)
        coroutine.spawn(function()
            db:query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n")
        end)
        coroutine.spawn(function()
            answers:send(db:query("SELECT count(*) AS n FROM users")[1].n)
        end)
        local picked = channel.select({ answers:case_receive(), time.after("10s"):case_receive() })
        assert(picked.channel == answers and picked.value == 2)
    "#

    many_quick_queries_let_others_have_their_turn r#"
        local turns, done = 0, false
        local find = assert(db:prepare("SELECT name FROM users WHERE id = ?"))
        coroutine.spawn(function()
            for i = 1, 5000 do
                assert(find:query({ 1 })[1].name == "ann")
            end
            done = true
        end)
        while not done do
            turns = turns + 1
            assert(db:query("SELECT 1"))
        end
        assert(turns >= 4, turns)
    "#

    classes_check_who_they_are_called_on r#"
        local tx = assert(db:begin())
        for _, call in ipairs({
            function() db.query(tx, "SELECT 1") end, function() tx.commit(db) end, function() db.query(nil, "SELECT 1") end,
            function() db.stats({}) end,
        }) do
            assert(not pcall(call))
        end
    "#
}

#[tokio::test]
async fn a_transaction_rolls_back_when_its_call_ends() {
    let app = app(
        "local what = ...\nlocal db = sql.get('app:db')\nif what == 'count' then return db:query('SELECT count(*) AS n FROM t')[1].n end\n\
         if what == 'create' then assert(db:execute('CREATE TABLE t (x)')) return end\n\
         local tx = assert(db:begin())\nassert(tx:execute('INSERT INTO t VALUES (1)'))\n\
         if what == 'error' then error('oh') end\nif what == 'wait' then require('time').sleep('1h') end",
    );
    app.call("app:main", &["create".into()]).await.expect("created");
    app.call("app:main", &["return".into()]).await.expect("it returns");
    app.call("app:main", &["error".into()]).await.expect_err("it fails");
    let waiting = app.spawn("app:main", &["wait".into()]);
    // The writer is taken: the next one waits until the other's call is given up.
    tokio::task::yield_now().await;
    waiting.abort();
    app.call("app:main", &["return".into()]).await.expect("it is not locked out");
    assert_eq!(app.call("app:main", &["count".into()]).await, Ok(Value::Integer(0)));
}

#[tokio::test]
async fn handles_are_closed_with_their_call() {
    let yaml = "version: '1.0'\nnamespace: app\nentries:\n  - {name: db, kind: db.sql.sqlite, file: ':memory:'}\n  - {name: main, \
                kind: function.lua, source: 'file://main.lua', method: main, modules: [sql], pool: {type: inline}}\n";
    // Inline pools keep what a call leaves in memory.
    let source = "local sql, kept = require('sql'), nil\nreturn function()\n  if not kept then\n    kept = sql.get('app:db')\n    \
                  return #kept:query('SELECT 1 AS x')\n  end\n  local rows, err = kept:query('SELECT 1 AS x')\n  return err:kind()\nend";
    let app = App::new(&[("app.yaml", yaml), ("main.lua", source)]);
    assert_eq!(app.main().await, Value::Integer(1));
    assert_eq!(app.main().await, Value::from("Invalid"));
}

#[tokio::test]
async fn open_things_are_bounded_in_number() {
    let app =
        app("for i = 1, 2000 do local db, err = sql.get('app:db') if not db then return err:kind() end end");
    assert_eq!(app.main().await, Value::from("RateLimited"));
}

#[tokio::test]
async fn a_database_lies_in_the_application_or_where_the_host_allows_it() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let file = elsewhere.path().join("x.db");
    let file = file.to_str().expect("UTF-8");
    let body = "local db, err = sql.get('app:db')\nif not db then return err:kind() end\n\
                return db:execute('CREATE TABLE IF NOT EXISTS t (x)') ~= nil";
    for (path, expected) in
        [("../x.db", "PermissionDenied"), (file, "PermissionDenied"), ("nowhere/x.db", "NotFound")]
    {
        let app = with_database(&format!("kind: db.sql.sqlite, file: '{path}'"), body);
        assert_eq!(app.main().await, Value::from(expected), "{path}");
    }
    let allowed = Allowed { directories: vec![elsewhere.path().to_owned()], ..Allowed::default() };
    let app = with_database_allowed(&format!("kind: db.sql.sqlite, file: '{file}'"), body, allowed);
    assert_eq!(app.main().await, Value::Bool(true));
}

/// The same program on every server that is there; SQLite is always.
#[tokio::test]
async fn programs_are_the_same_on_every_database() {
    let body = "local db = assert(sql.get('app:db'))\nlocal b = sql.builder\nassert(db:execute('DROP TABLE IF EXISTS shop_items'))\n\
         assert(db:execute('CREATE TABLE shop_items (id integer primary key, name varchar(40), price double precision)'))\n\
         local tx = assert(db:begin())\nfor i, name in ipairs({ 'moon', 'sun', 'star' }) do\n\
         assert(b.insert('shop_items'):set_map({ id = i, name = name, price = i * 1.5 }):run_with(tx):exec())\nend\nassert(tx:commit())\n\
         local rows = assert(b.select('id', 'name'):from('shop_items'):where(b.or_({ { name = { 'moon', 'star' } }, b.gt({ price = 100 }) }))\
         :order_by('id'):run_with(db):query())\nassert(db:execute('DROP TABLE shop_items'))\n\
         return { #rows, rows[1].name, rows[2].id, db:type() }";
    let mut databases = vec!["kind: db.sql.sqlite, file: ':memory:'".to_owned()];
    for (variable, kind) in
        [("PERILUNE_TEST_POSTGRES", "db.sql.postgres"), ("PERILUNE_TEST_MYSQL", "db.sql.mysql")]
    {
        let Ok(url) = env::var(variable) else { continue };
        let (_, rest) = url.split_once("://").expect("a URL");
        let (user, rest) = rest.split_once('@').expect("a user");
        let (username, password) = user.split_once(':').expect("a password");
        let (address, database) = rest.split_once('/').expect("a database");
        let (host, port) = address.split_once(':').expect("a port");
        databases.push(format!(
            "kind: {kind}, host: '{host}', port: {port}, username: {username}, password: {password}, database: {database}"
        ));
    }
    for database in databases {
        let allowed = Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() };
        let app = with_database_allowed(&database, body, allowed);
        let Value::Array(result) = app.main().await else { panic!("an array") };
        assert_eq!(result[..3], [2.into(), "moon".into(), 3.into()], "{database}");
    }
}
