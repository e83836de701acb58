-- Conditions: expressions, comparisons of columns, and their combinations.
local fragment = ...

local put, put_value, invalid = fragment.put, fragment.put_value, fragment.invalid

local condition = {}

local Expression = fragment.class("sql.Expression", {})

local function expression(write)
  return Expression.new({ write = write })
end

-- expr(sql, args...): text as it is.
function condition.expr(text, ...)
  if type(text) ~= "string" then
    error("bad argument #1 to 'expr' (string expected, got " .. type(text) .. ")", 2)
  end
  local args = fragment.pack(...)
  return expression(function(out)
    fragment.put_text(out, text, args)
  end)
end

-- Writes items with a word in between, and all of them in parentheses where there are several.
local function write_joined(out, count, word, write)
  if count == 1 then
    return write(1)
  end
  put(out, "(")
  for i = 1, count do
    if i > 1 then
      put(out, word)
    end
    write(i)
  end
  put(out, ")")
end

-- How a column is compared with NULL and with a list: nil where it cannot be.
local COMPARISONS = {
  eq = { sign = "=", null = "IS NULL", list = "IN", empty = "1 = 0" },
  not_eq = { sign = "<>", null = "IS NOT NULL", list = "NOT IN", empty = "1 = 1" },
  lt = { sign = "<" },
  lte = { sign = "<=" },
  gt = { sign = ">" },
  gte = { sign = ">=" },
  like = { sign = "LIKE" },
  not_like = { sign = "NOT LIKE" },
}

local function write_comparison(out, name, comparison, column, value)
  if fragment.is_null(value) then
    if not comparison.null then
      invalid("%s compares %s with NULL, which is never true; use eq or not_eq", name, column)
    end
    put(out, column .. " " .. comparison.null)
  elseif fragment.is_list(value) then
    if not comparison.list then
      invalid("%s compares %s with a list; use eq or not_eq", name, column)
    elseif #value == 0 then
      -- No value is in an empty list, and every value is outside of it.
      put(out, comparison.empty)
    else
      put(out, column .. " " .. comparison.list .. " (")
      fragment.put_list(out, value)
      put(out, ")")
    end
  else
    put(out, column .. " " .. comparison.sign .. " ")
    put_value(out, value)
  end
end

for name, comparison in pairs(COMPARISONS) do
  condition[name] = function(columns)
    if type(columns) ~= "table" then
      error(string.format("bad argument #1 to '%s' (table expected, got %s)", name, type(columns)), 2)
    end
    local copy = {}
    for column, value in pairs(columns) do
      copy[column] = value
    end
    return expression(function(out)
      local names = fragment.sorted(copy)
      if #names == 0 then
        return put(out, "1 = 1") -- nothing is asked
      end
      write_joined(out, #names, " AND ", function(i)
        write_comparison(out, name, comparison, names[i], copy[names[i]])
      end)
    end)
  end
end

-- What where, having, and_ and or_ take: text with arguments, a table of columns, or a condition.
function condition.of(value, ...)
  if type(value) == "string" then
    return condition.expr(value, ...)
  elseif fragment.part(value) then
    return value
  elseif type(value) == "table" then
    return condition.eq(value)
  end
  error("bad argument #1 to 'where' (string, table or condition expected, got " .. type(value) .. ")", 3)
end

-- Conditions that must all hold, or of which one must; without any, `empty` says what that means.
local function combined(name, word, empty)
  condition[name] = function(conditions)
    if type(conditions) ~= "table" then
      error(string.format("bad argument #1 to '%s' (table expected, got %s)", name, type(conditions)), 2)
    end
    local items = {}
    for i, item in ipairs(conditions) do
      items[i] = condition.of(item)
    end
    return expression(function(out)
      if #items == 0 then
        return put(out, empty)
      end
      write_joined(out, #items, word, function(i)
        fragment.part(items[i]).write(out)
      end)
    end)
  end
end

combined("and_", " AND ", "1 = 1")
combined("or_", " OR ", "1 = 0")

return condition
