-- Module `sql`: databases, transactions and statements as objects over handles, typed parameters, and a query builder.
local raw, core = ...

local next, type, tointeger = next, type, math.tointeger
local unwrap_object = core.unwrap

-- Parameters -----------------------------------------------------------------------------------------------------------

-- Values that Lua alone cannot tell apart: `mark` says which, `value` is what crosses.
local Typed = core.class("sql.Typed", {}, {
  __tostring = function()
    return "sql parameter"
  end,
})

local function typed(mark, value)
  return Typed.new({ mark = mark, value = value })
end

local function argument(name, expected, value)
  error(string.format("bad argument #1 to '%s' (%s expected, got %s)", name, expected, type(value)), 3)
end

local as = {}

function as.int(value)
  local number = type(value) == "number" and tointeger(value)
  if not number then
    argument("int", "integer", value)
  end
  return typed(".", number)
end

function as.float(value)
  if type(value) ~= "number" then
    argument("float", "number", value)
  end
  return typed(".", value + 0.0)
end

function as.text(value)
  if type(value) ~= "string" and type(value) ~= "number" then
    argument("text", "string", value)
  end
  return typed("t", tostring(value))
end

function as.binary(value)
  if type(value) ~= "string" then
    argument("binary", "string", value)
  end
  return typed("b", value)
end

function as.null()
  return typed("n")
end

local NULL = as.null()
local NONE = {}

-- What crosses as it is. The host refuses tables, and says what to do instead.
local PLAIN = { ["nil"] = true, number = true, string = true, boolean = true, table = true }

-- The values of typed parameters, and the marks of all positions.
local function unwrap(params)
  local values, marks, last = {}, {}, 0
  for position, value in next, params do
    if not tointeger(position) or position < 1 or position > 65535 then
      return nil, core.error("Invalid", "parameters must be an array table with positions from 1 to 65535")
    end
    if position > last then
      last = position
    end
    if Typed.is(value) then
      local state = Typed.state(value)
      values[position], marks[position] = state.value, state.mark
    elseif not PLAIN[type(value)] then
      local text = "parameter %d is neither a number, a text, a boolean nor of sql.as"
      return nil, core.error("Invalid", text:format(position))
    else
      values[position] = value
    end
  end
  for position = 1, last do
    marks[position] = marks[position] or "."
  end
  return values, table.concat(marks)
end

-- What crosses for a parameter table: values and marks; or nil and the error.
local function parameters(params)
  if params == nil then
    return NONE, ""
  elseif type(params) ~= "table" then
    return nil, core.error("Invalid", "parameters must be an array table, got " .. type(params))
  end
  for _, value in next, params do
    if not PLAIN[type(value)] then
      return unwrap(params)
    end
  end
  return params, ""
end

-- Statements -----------------------------------------------------------------------------------------------------------

local raw_quick, raw_query, raw_execute = raw.quick_query, raw.query, raw.execute

-- So many answers in a row may come at once. Then one waits, so that other coroutines get their turn, and a script that does
-- nothing but ask is not taken for one that computes without end.
local IN_A_ROW = 1000
local in_a_row = 0

local function query(handle, statement, params)
  if in_a_row < IN_A_ROW then
    -- As they are: looking at each parameter takes as long as the rest of this. What is none is refused on the way.
    local rows = raw_quick(handle, statement, params, "")
    if rows then
      in_a_row = in_a_row + 1
      return rows
    end
  end
  local values, marks = parameters(params)
  if not values then
    return nil, marks
  end
  if marks ~= "" and in_a_row < IN_A_ROW then
    local rows = raw_quick(handle, statement, values, marks)
    if rows then
      in_a_row = in_a_row + 1
      return rows
    end
  end
  in_a_row = 0
  return raw_query(handle, statement, values, marks)
end

local function execute(handle, statement, params)
  local values, marks = parameters(params)
  if not values then
    return nil, marks
  end
  return raw_execute(handle, statement, values, marks)
end

local function no_statement(value)
  return nil, core.error("Invalid", "a statement must be a string, got " .. type(value))
end

local function done(_, problem)
  if problem then
    return nil, problem
  end
  return true
end

local statements = {}
local Statement = core.class("sql.Statement", statements)

function statements.query(self, params)
  return query(Statement.state(self, "query"), "", params)
end

function statements.execute(self, params)
  return execute(Statement.state(self, "execute"), "", params)
end

function statements.close(self)
  raw.close(Statement.state(self, "close"))
  return true
end

-- A class with what databases and transactions share.
local function runs_statements(name)
  local methods = {}
  local class = core.class(name, methods)
  local metatable, seen = class.metatable

  function methods.query(self, statement, params)
    local handle = unwrap_object(self, metatable) or class.state(self, "query")
    -- Most queries are those that were seen just before.
    if statement ~= seen then
      if type(statement) ~= "string" then
        return no_statement(statement)
      end
      seen = statement
    end
    return query(handle, statement, params)
  end

  function methods.execute(self, statement, params)
    local handle = class.state(self, "execute")
    if type(statement) ~= "string" then
      return no_statement(statement)
    end
    return execute(handle, statement, params)
  end

  function methods.prepare(self, statement)
    local handle = class.state(self, "prepare")
    if type(statement) ~= "string" then
      return no_statement(statement)
    end
    local prepared, problem = raw.prepare(handle, statement)
    if not prepared then
      return nil, problem
    end
    return Statement.new(prepared)
  end

  return class, methods
end

-- Transactions ---------------------------------------------------------------------------------------------------------

local Transaction, transactions = runs_statements("sql.Transaction")

function transactions.db_type(self)
  return raw.dialect(Transaction.state(self, "db_type"))
end

function transactions.commit(self)
  return done(raw.commit(Transaction.state(self, "commit")))
end

function transactions.rollback(self)
  return done(raw.rollback(Transaction.state(self, "rollback")))
end

for _, name in ipairs({ "savepoint", "rollback_to", "release" }) do
  local operation = raw[name]
  transactions[name] = function(self, savepoint)
    local handle = Transaction.state(self, name)
    if type(savepoint) ~= "string" then
      return nil, core.error("Invalid", "a savepoint's name must be a string, got " .. type(savepoint))
    end
    return done(operation(handle, savepoint))
  end
end

-- Databases ------------------------------------------------------------------------------------------------------------

local DB, databases = runs_statements("sql.DB")

function databases.type(self)
  return raw.dialect(DB.state(self, "type"))
end

function databases.stats(self)
  return raw.stats(DB.state(self, "stats"))
end

function databases.release(self)
  raw.close(DB.state(self, "release"))
  return true
end

local BEGIN = { isolation = "string", read_only = "boolean" }

function databases.begin(self, options)
  local handle = DB.state(self, "begin")
  if options ~= nil and type(options) ~= "table" then
    return nil, core.error("Invalid", "options of begin must be a table, got " .. type(options))
  end
  for name, value in next, options or NONE do
    if not BEGIN[name] then
      return nil, core.error("Invalid", "begin has no option " .. tostring(name) .. ", only isolation and read_only")
    elseif type(value) ~= BEGIN[name] then
      return nil, core.error("Invalid", "begin's option " .. name .. " must be a " .. BEGIN[name] .. ", got " .. type(value))
    end
  end
  options = options or NONE
  local begun, problem = raw.begin(handle, options.isolation or "default", options.read_only or false)
  if not begun then
    return nil, problem
  end
  return Transaction.new(begun)
end

-- Module ---------------------------------------------------------------------------------------------------------------

local sql = {
  type = { POSTGRES = "postgres", MYSQL = "mysql", SQLITE = "sqlite", UNKNOWN = "unknown" },
  isolation = {
    DEFAULT = "default",
    READ_UNCOMMITTED = "read_uncommitted",
    READ_COMMITTED = "read_committed",
    WRITE_COMMITTED = "write_committed",
    REPEATABLE_READ = "repeatable_read",
    SERIALIZABLE = "serializable",
  },
  NULL = NULL,
  as = as,
}

function sql.get(id)
  if type(id) ~= "string" then
    return nil, core.error("Invalid", "the id of a database must be a string, got " .. type(id))
  end
  local handle, problem = raw.open(id)
  if not handle then
    return nil, problem
  end
  return DB.new(handle)
end

-- The methods of what runs statements, and what it speaks; for the builder.
local function runner(object)
  if DB.is(object) then
    return databases, raw.dialect(DB.state(object))
  elseif Transaction.is(object) then
    return transactions, raw.dialect(Transaction.state(object))
  end
end

sql.builder = core.file("modules/sql/builder")(core, { NULL = NULL, Typed = Typed, runner = runner })

return sql
