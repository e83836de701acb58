//! The query builder of module `sql`: what it writes.

use perilune_tests::lua_tests;

lua_tests! {
    selects_have_every_clause("sql") r#"
        local b = require("sql").builder
        local text, args = b.select("u.id", "count(*) AS n"):distinct():from("users u"):columns("u.name")
            :join("orders o ON o.user_id = u.id AND o.state = ?", "paid"):left_join("a ON 1 = 1"):right_join("c ON 1 = 1")
            :inner_join("d ON 1 = 1"):where("u.age > ?", 18):where({ active = true }):group_by("u.id", "u.name")
            :having("count(*) > ?", 2):order_by("n DESC", "u.id"):limit(10):offset(20):suffix("FOR UPDATE"):to_sql()
        assert(text == "SELECT DISTINCT u.id, count(*) AS n, u.name FROM users u JOIN orders o ON o.user_id = u.id AND o.state = ? "
            .. "LEFT JOIN a ON 1 = 1 RIGHT JOIN c ON 1 = 1 INNER JOIN d ON 1 = 1 WHERE (u.age > ?) AND (active = ?) "
            .. "GROUP BY u.id, u.name HAVING count(*) > ? ORDER BY n DESC, u.id LIMIT 10 OFFSET 20 FOR UPDATE", text)
        assert(table.concat({ args[1], args[2], tostring(args[3]), args[4] }, " ") == "paid 18 true 2" and #args == 4)
    "#

    inserts_take_rows_maps_and_queries("sql") r#"
        local b = require("sql").builder
        local function check(statement, expected, count)
            local text, args = statement:to_sql()
            assert(text == expected and #args == count, tostring(text) .. " " .. tostring(args))
        end
        check(b.insert("t"):columns("a", "b"):values(1, 2):values(3, nil), "INSERT INTO t (a, b) VALUES (?, ?), (?, ?)", 4)
        check(b.insert():into("t"):set_map({ z = 1, a = 2, m = b.expr("now()") }), "INSERT INTO t (a, m, z) VALUES (?, now(), ?)", 2)
        check(b.insert("t"):columns("a"):select(b.select("x"):from("s"):where({ y = 1 })), "INSERT INTO t (a) SELECT x FROM s WHERE y = ?", 1)
        check(b.insert("t"):options("OR", "IGNORE"):prefix("WITH q AS (SELECT ?)", 5):values(1):suffix("RETURNING id"),
            "WITH q AS (SELECT ?) INSERT OR IGNORE INTO t VALUES (?) RETURNING id", 2)
        local _, args = b.insert("t"):values(nil, false):to_sql()
        assert(args[1] == require("sql").NULL and args[2] == false)
    "#

    updates_and_deletes_name_what_they_change("sql") r#"
        local b = require("sql").builder
        local function check(statement, expected, count)
            local text, args = statement:to_sql()
            assert(text == expected and #args == count, tostring(text) .. " " .. tostring(args))
        end
        check(b.update("t"):set("n", b.expr("n + ?", 1)):set("s", nil):where({ id = 5 }), "UPDATE t SET n = n + ?, s = ? WHERE id = ?", 3)
        check(b.update():table("t"):set_map({ b = 1, a = b.expr("now()") }):order_by("id"):limit(1):offset(2):suffix("RETURNING *"),
            "UPDATE t SET a = now(), b = ? ORDER BY id LIMIT 1 OFFSET 2 RETURNING *", 1)
        check(b.update("t"):set("a", 1):from("s"):where("s.id = t.id"), "UPDATE t SET a = ? FROM s WHERE s.id = t.id", 1)
        check(b.update("t"):set("a", 1):from_select(b.select("x"):from("s"):where({ y = 2 }), "q"),
            "UPDATE t SET a = ? FROM (SELECT x FROM s WHERE y = ?) AS q", 2)
        check(b.delete("t"):where({ id = 1 }):order_by("id"):limit(1):suffix("RETURNING id"),
            "DELETE FROM t WHERE id = ? ORDER BY id LIMIT 1 RETURNING id", 1)
        check(b.delete():from("t"), "DELETE FROM t", 0)
    "#

    conditions_compare_columns_in_order("sql") r#"
        local sql = require("sql")
        local b = sql.builder
        local function check(condition, expected, count)
            local text, args = condition:to_sql()
            assert(text == expected and #args == count, tostring(text) .. " " .. tostring(args))
        end
        check(b.eq({ z = 1, a = "x", m = true }), "(a = ? AND m = ? AND z = ?)", 3)
        check(b.eq({ a = sql.NULL }), "a IS NULL", 0)
        check(b.not_eq({ a = sql.NULL }), "a IS NOT NULL", 0)
        check(b.eq({ a = { 1, 2, 3 } }), "a IN (?, ?, ?)", 3)
        check(b.not_eq({ a = { 1 } }), "a NOT IN (?)", 1)
        check(b.eq({ a = {} }), "1 = 0", 0)
        check(b.not_eq({ a = {} }), "1 = 1", 0)
        check(b.lt({ a = 1 }), "a < ?", 1)
        check(b.lte({ a = 1 }), "a <= ?", 1)
        check(b.gt({ ["count(*)"] = 1 }), "count(*) > ?", 1)
        check(b.gte({ ["t.a"] = 1 }), "t.a >= ?", 1)
        check(b.like({ a = "x%" }), "a LIKE ?", 1)
        check(b.not_like({ ['"odd name"'] = "x%" }), '"odd name" NOT LIKE ?', 1)
        check(b.eq({ a = b.expr("lower(?)", "X") }), "a = lower(?)", 1)
        check(b.eq({ a = b.select("max(x)"):from("s"):where({ y = 1 }) }), "a = (SELECT max(x) FROM s WHERE y = ?)", 1)
        check(b.and_({ { a = 1 }, b.or_({ b.gt({ b = 2 }), "c = 3" }) }), "(a = ? AND (b > ? OR c = 3))", 2)
        check(b.and_({}), "1 = 1", 0)
        check(b.or_({}), "1 = 0", 0)
        check(b.expr("a = ? AND b IN (?)", 1, { 2, 3 }), "a = ? AND b IN (?, ?)", 3)
    "#

    alternatives_do_not_mix_with_other_conditions("sql") r#"
        local b = require("sql").builder
        local text = b.select("*"):from("t"):where("a = 1 OR b = 2"):where("c = 3"):to_sql()
        assert(text == "SELECT * FROM t WHERE (a = 1 OR b = 2) AND (c = 3)", text)
    "#

    placeholders_have_four_forms("sql") r#"
        local b = require("sql").builder
        local statement = b.select("a"):from("t"):where("a = ? AND b = '?' AND c ?? 'k' AND d = ?", 1, 2):limit(1)
        for format, expected in pairs({
            question = "a = ? AND b = '?' AND c ? 'k' AND d = ?", dollar = "a = $1 AND b = '?' AND c ? 'k' AND d = $2",
            at = "a = @p1 AND b = '?' AND c ? 'k' AND d = @p2", colon = "a = :1 AND b = '?' AND c ? 'k' AND d = :2",
        }) do
            local text, args = statement:placeholder_format(b[format]):to_sql()
            assert(text == "SELECT a FROM t WHERE " .. expected .. " LIMIT 1" and #args == 2, text)
        end
        assert(b.default_placeholder == b.question and not pcall(statement.placeholder_format, statement, "%s"))
    "#

    builders_are_immutable("sql") r#"
        local b = require("sql").builder
        local base = b.select("a"):from("t")
        local one, two = base:where({ a = 1 }), base:where({ b = 2 }):limit(1)
        assert(base:to_sql() == "SELECT a FROM t")
        assert(one:to_sql() == "SELECT a FROM t WHERE a = ?" and two:to_sql() == "SELECT a FROM t WHERE b = ? LIMIT 1")
        local map = { a = 1 }
        local condition = b.eq(map)
        map.a, map.b = nil, 2
        assert(condition:to_sql() == "a = ?")
    "#

    what_makes_no_statement_is_invalid("sql") r#"
        local sql = require("sql")
        local b = sql.builder
        for name, statement in pairs({
            no_columns = b.select(), no_table = b.insert():values(1), no_rows = b.insert("t"), no_change = b.update("t"),
            no_target = b.delete(), few = b.expr("a = ?"), many = b.expr("a", 1), table = b.expr("?", { 1, { 2 } }),
            callback = b.expr("?", print), empty = b.expr("a IN (?)", {}), less_null = b.lt({ a = sql.NULL }), less_list = b.lt({ a = { 1 } }),
            uneven = b.insert("t"):columns("a", "b"):values(1), nul = b.expr("a\0b"),
            sneaky = b.eq({ ["a = 1 OR 1"] = 1 }), quoted = b.eq({ ["a'; DROP TABLE t"] = 1 }), comment = b.eq({ ["a--"] = 1 }),
            number = b.eq({ [1] = 1 }), column = b.insert("t"):set_map({ ["a) VALUES (1"] = 1 }), set = b.update("t"):set("a = 1, b", 1),
        }) do
            local text, err = statement:to_sql()
            assert(text == nil and err:kind() == errors.INVALID, name .. ": " .. tostring(text))
        end
    "#

    wrong_arguments_raise("sql") r#"
        local b = require("sql").builder
        for _, call in ipairs({
            function() b.select("a"):from(5) end, function() b.select("a"):limit("x") end, function() b.select("a"):limit(-1) end,
            function() b.select("a"):offset(1.5) end, function() b.select("a"):where(5) end, function() b.insert(5) end,
            function() b.insert("t"):set_map(5) end, function() b.eq("x") end, function() b.and_("x") end, function() b.expr(5) end,
            function() b.select("a"):run_with({}) end, function() b.insert("t"):select("x") end, function() b.select({}) end,
            function() b.update("t"):from_select(b.select("a"):from("t")) end,
        }) do
            local fine, problem = pcall(call)
            assert(not fine and tostring(problem):find("bad argument", 1, true), tostring(problem))
        end
    "#
}
