-- The query builder: statements put together from parts. Objects are immutable; each method returns a new one.
local core, types = ...

local fragment = core.file("modules/sql/fragment")(core, types)
local condition = core.file("modules/sql/condition")(fragment)
local put, invalid = fragment.put, fragment.invalid

-- A statement's state: `kind`, lists and values by the name of the clause, `format`, and `write`.

local function bad_argument(name, expected, value)
  error(string.format("bad argument #1 to '%s' (%s expected, got %s)", name, expected, type(value)), 3)
end

-- A copy with some fields changed.
local function with(class, state, changes)
  local changed = {}
  for key, field in pairs(state) do
    changed[key] = field
  end
  for key, field in pairs(changes) do
    changed[key] = field
  end
  changed.write = function(out)
    changed.compose(changed, out)
  end
  return class.new(changed)
end

-- A copy of a list with more items.
local function appended(list, ...)
  local longer = table.move(list or {}, 1, #(list or {}), 1, {})
  for i = 1, select("#", ...) do
    longer[#longer + 1] = (select(i, ...))
  end
  return longer
end

-- Kinds of methods ------------------------------------------------------------------------------------------------------

local setters = {}

-- A name of a table, or whatever may stand in its place.
function setters.text(clause)
  return function(class, state, value)
    if type(value) ~= "string" then
      bad_argument(clause, "string", value)
    end
    return with(class, state, { [clause] = value })
  end
end

-- Words or expressions that are listed; called again, it adds to them.
function setters.items(clause)
  return function(class, state, ...)
    for i = 1, select("#", ...) do
      local item = select(i, ...)
      if type(item) ~= "string" and not fragment.part(item) then
        bad_argument(clause, "string or expression", item)
      end
    end
    return with(class, state, { [clause] = appended(state[clause], ...) })
  end
end

-- Conditions that must all hold.
function setters.conditions(clause)
  return function(class, state, ...)
    return with(class, state, { [clause] = appended(state[clause], condition.of(...)) })
  end
end

-- Text with arguments; called again, it adds to it. `name` is that of the method where it is another one.
function setters.expressions(clause, before, name)
  return function(class, state, text, ...)
    if type(text) ~= "string" then
      bad_argument(name or clause, "string", text)
    end
    return with(class, state, { [clause] = appended(state[clause], condition.expr((before or "") .. text, ...)) })
  end
end

function setters.number(clause)
  return function(class, state, value)
    local number = type(value) == "number" and math.tointeger(value)
    if not number or number < 0 then
      bad_argument(clause, "integer of zero or more", value)
    end
    return with(class, state, { [clause] = number })
  end
end

-- Writing ---------------------------------------------------------------------------------------------------------------

local function write_part(out, item)
  if type(item) == "string" then
    put(out, item)
  else
    fragment.put_value(out, item)
  end
end

-- A clause of listed items after a word, if there are any.
local function write_items(out, word, items, between)
  for i, item in ipairs(items or {}) do
    put(out, i == 1 and word or between or ", ")
    write_part(out, item)
  end
end

local function write_conditions(out, word, conditions)
  for i, item in ipairs(conditions or {}) do
    put(out, i == 1 and word or " AND ")
    local part, in_parentheses = fragment.part(item)
    -- Alternatives in a text must not mix with the other conditions.
    local open = in_parentheses or #conditions > 1
    put(out, open and "(" or "")
    part.write(out)
    put(out, open and ")" or "")
  end
end

local function write_tail(out, state)
  write_items(out, " ORDER BY ", state.order_by)
  if state.limit then
    put(out, " LIMIT " .. state.limit)
  end
  if state.offset then
    put(out, " OFFSET " .. state.offset)
  end
  write_items(out, " ", state.suffix, " ")
end

local function required(state, clause)
  return state[clause] or invalid("%s needs a table: call %s", state.kind, clause)
end

local compose = {}

function compose.select(state, out)
  if #(state.columns or {}) == 0 then
    invalid("select needs columns")
  end
  write_items(out, state.distinct and "SELECT DISTINCT " or "SELECT ", state.columns)
  if state.from then
    put(out, " FROM " .. state.from)
  end
  write_items(out, " ", state.joins, " ")
  write_conditions(out, " WHERE ", state.where)
  write_items(out, " GROUP BY ", state.group_by)
  write_conditions(out, " HAVING ", state.having)
  write_tail(out, state)
end

function compose.insert(state, out)
  write_items(out, "", state.prefix, " ")
  put(out, state.prefix and " INSERT" or "INSERT")
  write_items(out, " ", state.options, " ")
  put(out, " INTO " .. required(state, "into"))
  local columns, rows = state.columns, state.values
  for i, column in ipairs(columns or {}) do
    put(out, (i == 1 and " (" or ", ") .. fragment.column(column))
  end
  put(out, #(columns or {}) > 0 and ")" or "")
  if state.select then
    put(out, " ")
    fragment.part(state.select).write(out)
  elseif not rows then
    invalid("insert needs values, set_map or select")
  end
  for i, row in ipairs(not state.select and rows or {}) do
    if columns and #columns ~= row.n then
      invalid("insert has %d columns, but row %d has %d values", #columns, i, row.n)
    end
    put(out, i == 1 and " VALUES (" or ", (")
    fragment.put_list(out, row)
    put(out, ")")
  end
  write_items(out, " ", state.suffix, " ")
end

function compose.update(state, out)
  put(out, "UPDATE " .. required(state, "table"))
  if not state.set then
    invalid("update changes nothing: call set or set_map")
  end
  for i, change in ipairs(state.set) do
    put(out, (i == 1 and " SET " or ", ") .. fragment.column(change.column) .. " = ")
    fragment.put_value(out, change.value)
  end
  if state.from then
    put(out, " FROM " .. state.from)
  elseif state.from_select then
    put(out, " FROM ")
    fragment.put_value(out, state.from_select)
    put(out, " AS " .. fragment.column(state.alias))
  end
  write_conditions(out, " WHERE ", state.where)
  write_tail(out, state)
end

function compose.delete(state, out)
  put(out, "DELETE FROM " .. required(state, "from"))
  write_conditions(out, " WHERE ", state.where)
  write_tail(out, state)
end

-- Executors -------------------------------------------------------------------------------------------------------------

local executors = {}
local Executor = core.class("sql.Executor", executors)

function executors.to_sql(self)
  local state = Executor.state(self, "to_sql")
  return fragment.finish(state.statement, state.format)
end

for name, method in pairs({ exec = "execute", query = "query" }) do
  executors[name] = function(self)
    local state = Executor.state(self, name)
    local text, args = fragment.finish(state.statement, state.format)
    if not text then
      return nil, args
    end
    return state.methods[method](state.object, text, args)
  end
end

-- Classes ---------------------------------------------------------------------------------------------------------------

-- A class of statements from setters by the name of their method. What all have is added.
local function statement(kind, in_parentheses, clauses)
  local methods = {}
  local class = fragment.class("sql." .. kind:gsub("^%l", string.upper), methods, in_parentheses)
  for name, setter in pairs(clauses) do
    methods[name] = function(self, ...)
      return setter(class, class.state(self, name), ...)
    end
  end

  function methods.placeholder_format(self, format)
    local state = class.state(self, "placeholder_format")
    if not fragment.FORMATS[format] then
      bad_argument("placeholder_format", "question, dollar, at or colon", format)
    end
    return with(class, state, { format = format })
  end

  function methods.run_with(self, object)
    local state = class.state(self, "run_with")
    local runner, dialect = types.runner(object)
    if not runner then
      bad_argument("run_with", "database or transaction", object)
    end
    local format = state.format or (dialect == "postgres" and "dollar" or "question")
    return Executor.new({ statement = state, object = object, methods = runner, format = format })
  end

  return class, with(class, {}, { kind = kind, compose = compose[kind] })
end

local function joins(word)
  return setters.expressions("joins", word .. " ", (word:lower():gsub(" ", "_")))
end

local Select, select_empty = statement("select", true, {
  from = setters.text("from"),
  join = joins("JOIN"),
  left_join = joins("LEFT JOIN"),
  right_join = joins("RIGHT JOIN"),
  inner_join = joins("INNER JOIN"),
  where = setters.conditions("where"),
  having = setters.conditions("having"),
  order_by = setters.items("order_by"),
  group_by = setters.items("group_by"),
  limit = setters.number("limit"),
  offset = setters.number("offset"),
  columns = setters.items("columns"),
  suffix = setters.expressions("suffix"),
  distinct = function(class, state)
    return with(class, state, { distinct = true })
  end,
})

local function check_select(name, value)
  if not Select.is(value) then
    bad_argument(name, "select", value)
  end
  return value
end

local _, insert_empty = statement("insert", false, {
  into = setters.text("into"),
  columns = setters.items("columns"),
  prefix = setters.expressions("prefix"),
  suffix = setters.expressions("suffix"),
  options = setters.items("options"),
  values = function(class, state, ...)
    return with(class, state, { values = appended(state.values, fragment.pack(...)) })
  end,
  set_map = function(class, state, map)
    if type(map) ~= "table" then
      bad_argument("set_map", "table", map)
    end
    local columns, row = {}, { n = 0 }
    for column in pairs(map) do
      columns[#columns + 1] = column
    end
    table.sort(columns, function(left, right)
      return tostring(left) < tostring(right)
    end)
    for i, column in ipairs(columns) do
      row[i], row.n = map[column], i
    end
    return with(class, state, { columns = columns, values = { row } })
  end,
  select = function(class, state, query)
    return with(class, state, { select = check_select("select", query) })
  end,
})

local _, update_empty = statement("update", false, {
  table = setters.text("table"),
  from = setters.text("from"),
  where = setters.conditions("where"),
  order_by = setters.items("order_by"),
  limit = setters.number("limit"),
  offset = setters.number("offset"),
  suffix = setters.expressions("suffix"),
  set = function(class, state, column, value)
    if type(column) ~= "string" then
      bad_argument("set", "string", column)
    end
    return with(class, state, { set = appended(state.set, { column = column, value = value == nil and types.NULL or value }) })
  end,
  set_map = function(class, state, map)
    if type(map) ~= "table" then
      bad_argument("set_map", "table", map)
    end
    local changes = {}
    for column, value in pairs(map) do
      changes[#changes + 1] = { column = column, value = value }
    end
    table.sort(changes, function(left, right)
      return tostring(left.column) < tostring(right.column)
    end)
    return with(class, state, { set = appended(state.set, table.unpack(changes)) })
  end,
  from_select = function(class, state, query, alias)
    check_select("from_select", query)
    if type(alias) ~= "string" then
      error("bad argument #2 to 'from_select' (string expected, got " .. type(alias) .. ")", 3)
    end
    return with(class, state, { from_select = query, alias = alias })
  end,
})

local _, delete_empty = statement("delete", false, {
  from = setters.text("from"),
  where = setters.conditions("where"),
  order_by = setters.items("order_by"),
  limit = setters.number("limit"),
  offset = setters.number("offset"),
  suffix = setters.expressions("suffix"),
})

-- Module ----------------------------------------------------------------------------------------------------------------

local builder = {
  question = "question",
  default_placeholder = "question",
  dollar = "dollar",
  at = "at",
  colon = "colon",
}

for _, name in ipairs({ "expr", "eq", "not_eq", "lt", "lte", "gt", "gte", "like", "not_like", "and_", "or_" }) do
  builder[name] = condition[name]
end

function builder.select(...)
  return select_empty:columns(...)
end

function builder.insert(name)
  return name == nil and insert_empty or insert_empty:into(name)
end

function builder.update(name)
  return name == nil and update_empty or update_empty:table(name)
end

function builder.delete(name)
  return name == nil and delete_empty or delete_empty:from(name)
end

return builder
