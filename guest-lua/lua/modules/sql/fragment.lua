-- Pieces of SQL with their arguments.
--
-- Statements are put together in an `out`: a list of texts, in which a zero byte stands for each argument, and the list of
-- these. What writes itself into one is a part: an object whose state has `write(out)`.
local core, types = ...

local fragment = {}

local function invalid(message, ...)
  error(core.error("Invalid", message:format(...)), 0)
end
fragment.invalid = invalid

-- What a placeholder of a position is in the end.
local FORMATS = {
  question = function()
    return "?"
  end,
  dollar = function(position)
    return "$" .. position
  end,
  at = function(position)
    return "@p" .. position
  end,
  colon = function(position)
    return ":" .. position
  end,
}
fragment.FORMATS = FORMATS

-- Every kind of part: a class, and whether it needs parentheses where a value is expected.
local parts = {}

-- Declares a class of parts. Methods may be added to `methods` later on.
function fragment.class(name, methods, in_parentheses)
  local class = core.class(name, methods)
  parts[#parts + 1] = { class = class, in_parentheses = in_parentheses }

  -- Arguments of the text are always an array; `format` is `question` unless the part says otherwise.
  function methods.to_sql(self)
    local state = class.state(self, "to_sql")
    return fragment.finish(state, state.format)
  end

  return class
end

-- The state of a part, and whether it needs parentheses; nil for anything else.
function fragment.part(value)
  if type(value) == "userdata" then
    for _, kind in ipairs(parts) do
      if kind.class.is(value) then
        return kind.class.state(value), kind.in_parentheses
      end
    end
  end
end

function fragment.put(out, text)
  out.text[#out.text + 1] = text
end

function fragment.is_null(value)
  return types.Typed.is(value) and types.Typed.state(value).mark == "n"
end

-- A list is a table that holds nothing but values at 1..n.
function fragment.is_list(value)
  return type(value) == "table"
end

-- An argument: a placeholder, or the part that stands in its place.
function fragment.put_value(out, value)
  local part, in_parentheses = fragment.part(value)
  if part then
    fragment.put(out, in_parentheses and "(" or "")
    part.write(out)
    fragment.put(out, in_parentheses and ")" or "")
    return
  end
  local kind = type(value)
  if kind == "table" then
    invalid("a table cannot be an argument here; encode it, or use eq for a list")
  elseif kind ~= "string" and kind ~= "number" and kind ~= "boolean" and not types.Typed.is(value) then
    invalid("a %s cannot be an argument", kind)
  end
  fragment.put(out, "\0")
  out.args[#out.args + 1] = value
end

-- Arguments with a comma in between.
function fragment.put_list(out, list)
  for i = 1, #list do
    if i > 1 then
      fragment.put(out, ", ")
    end
    fragment.put_value(out, list[i])
  end
end

-- What ends a quotation that begins with this.
local QUOTES = { ["'"] = "'", ['"'] = '"', ["`"] = "`" }

-- Text with a `?` for each argument; those in quotes mean themselves, and so does `??`. A list becomes several arguments.
function fragment.put_text(out, text, args)
  if text:find("\0", 1, true) then
    invalid("SQL cannot hold NUL bytes")
  end
  local from, used = 1, 0
  while true do
    local at = text:find("[?'\"`]", from)
    if not at then
      break
    end
    local found = text:sub(at, at)
    if QUOTES[found] then
      local stop = text:find(found, at + 1, true) or #text
      fragment.put(out, text:sub(from, stop))
      from = stop + 1
    elseif text:sub(at + 1, at + 1) == "?" then
      fragment.put(out, text:sub(from, at))
      from = at + 2
    else
      fragment.put(out, text:sub(from, at - 1))
      used = used + 1
      local value = args[used]
      if used > args.n then
        invalid("%q has more placeholders than the %d arguments given", text, args.n)
      elseif fragment.is_list(value) then
        if #value == 0 then
          invalid("%q: a list must not be empty", text)
        end
        fragment.put_list(out, value)
      else
        fragment.put_value(out, value)
      end
      from = at + 1
    end
  end
  if used < args.n then
    invalid("%q has %d placeholders, but %d arguments were given", text, used, args.n)
  end
  fragment.put(out, text:sub(from))
end

-- Arguments as a list without holes: nil stands for NULL.
function fragment.pack(...)
  local args = table.pack(...)
  for i = 1, args.n do
    if args[i] == nil then
      args[i] = types.NULL
    end
  end
  return args
end

-- Names of columns come from tables, and tables from anywhere: only names, and calls of one function on names.
local function is_name(text)
  return text:find("^[%a_][%w_$]*$") or text:find('^"[^"%z]+"$') or text:find("^`[^`%z]+`$") or text == "*"
end

local function is_path(text)
  for segment in (text .. "."):gmatch("([^.]*)%.") do
    if not is_name(segment) then
      return false
    end
  end
  return true
end

function fragment.column(name)
  if type(name) == "string" then
    local call, inner = name:match("^([%w_.]+)%(([%w_.*%s,\"`]*)%)$")
    if is_path(name) or (call and is_path(call) and inner) then
      return name
    end
  end
  invalid("%s is no name of a column; use expr for anything else", type(name) == "string" and ("%q"):format(name) or type(name))
end

-- Keys in the order in which they are written: the same table always gives the same text.
function fragment.sorted(columns)
  local names = {}
  for name in pairs(columns) do
    names[#names + 1] = fragment.column(name)
  end
  table.sort(names)
  return names
end

-- The text and the arguments of a part; or nil and what is wrong.
function fragment.finish(part, format)
  local out = { text = {}, args = {} }
  local fine, problem = pcall(part.write, out)
  if not fine then
    if core.is_error(problem) then
      return nil, problem
    end
    error(problem, 0)
  end
  local show, position = FORMATS[format or "question"], 0
  local text = table.concat(out.text):gsub("%z", function()
    position = position + 1
    return show(position)
  end)
  return text, out.args
end

return fragment
