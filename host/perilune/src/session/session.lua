-- What a session's cell begins with. Its own names are no globals of the session.
local globals = _ENV
local type, next, pairs, pcall, tostring = type, next, pairs, pcall, tostring
local rawget, rawequal, getmetatable, select, error = rawget, rawequal, getmetatable, select, error
local format, rep, sort, concat, pack = string.format, string.rep, table.sort, table.concat, table.pack
local math_type = math.type

-- What bounds a value that is shown: people read no further.
local MOST_DEPTH, MOST_ITEMS, MOST_TEXT, MOST_BYTES, WIDTH = 6, 100, 200, 64 * 1024, 76

local ESCAPES = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r", ['"'] = '\\"', ["\\"] = "\\\\" }

local function escape(char)
  return ESCAPES[char] or format("\\x%02x", char:byte())
end

-- The first bytes of a text, without half a character at the end.
local function beginning(text, most)
  local last = most
  while last > most - 3 and (text:byte(last + 1) or 0) & 0xC0 == 0x80 do
    last = last - 1
  end
  return text:sub(1, last)
end

local function quoted(text)
  local shown = #text > MOST_TEXT and beginning(text, MOST_TEXT) or text
  local literal = '"' .. shown:gsub('[%c"\\]', escape) .. '"'
  return #text > MOST_TEXT and literal .. format("… (%d bytes)", #text) or literal
end

local KEYWORDS = {}
for word in
  ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch("%a+")
do
  KEYWORDS[word] = true
end

local function is_name(key)
  return type(key) == "string" and key:find("^[%a_][%w_]*$") and not KEYWORDS[key]
end

local ORDER = { number = 1, string = 2, boolean = 3 }

local function comes_first(left, right)
  local one, other = ORDER[type(left)] or 4, ORDER[type(right)] or 4
  if one ~= other then
    return one < other
  elseif one <= 2 then
    return left < right
  end
  return tostring(left) < tostring(right)
end

local show

local function has_text(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__tostring") ~= nil
end

local function text_of(value)
  local fine, text = pcall(tostring, value)
  return fine and text or format("<%s whose __tostring fails>", type(value))
end

-- state: `open`, the tables that this one stands in; `room`, the bytes that may still be shown.
local function show_table(value, depth, state)
  if state.open[value] then
    return "<cycle>"
  elseif next(value) == nil then
    return "{}"
  elseif depth > MOST_DEPTH or state.room <= 0 then
    return "{…}"
  end
  state.open[value] = true
  local items, left = {}, 0
  local function add(text)
    items[#items + 1] = text
    state.room = state.room - #text
  end
  local length = 0
  while rawget(value, length + 1) ~= nil do
    length = length + 1
    if #items < MOST_ITEMS and state.room > 0 then
      add(show(rawget(value, length), depth + 1, state))
    else
      left = left + 1
    end
  end
  local keys = {}
  for key in next, value do
    if not (math_type(key) == "integer" and key >= 1 and key <= length) then
      keys[#keys + 1] = key
    end
  end
  sort(keys, comes_first)
  for _, key in pairs(keys) do
    if #items < MOST_ITEMS and state.room > 0 then
      local name = is_name(key) and key or "[" .. show(key, depth + 1, state) .. "]"
      add(name .. " = " .. show(rawget(value, key), depth + 1, state))
    else
      left = left + 1
    end
  end
  state.open[value] = nil
  if left > 0 then
    items[#items + 1] = format("… %d more", left)
  end
  local line = "{ " .. concat(items, ", ") .. " }"
  if #line + 2 * depth <= WIDTH and not line:find("\n", 1, true) then
    return line
  end
  local indent = rep("  ", depth)
  return "{\n" .. indent .. "  " .. concat(items, ",\n" .. indent .. "  ") .. "\n" .. indent .. "}"
end

function show(value, depth, state)
  local kind = type(value)
  if kind == "string" then
    return quoted(value)
  elseif kind == "table" and not has_text(value) then
    return show_table(value, depth, state)
  end
  return text_of(value)
end

local function show_all(values)
  local state = { open = {}, room = MOST_BYTES }
  local texts, has_lines = {}, false
  for i = 1, values.n do
    texts[i] = show(values[i], 0, state)
    has_lines = has_lines or texts[i]:find("\n", 1, true) ~= nil
  end
  return concat(texts, has_lines and "\n" or "\t")
end

local session, input = {}, nil
local own_require = require
local found_for_input = own_require

function globals.require(name)
  for _, find in pairs({ own_require, found_for_input }) do
    local fine, value = pcall(find, name)
    if fine then
      return value
    end
  end
  local text = "module '%s' not found: it is neither a module of this session nor code of the application that is named "
    .. "literally, as in require(\"app:words\")"
  error(format(text, tostring(name)), 2)
end

local function values(...)
  return ...
end

-- Each input is a chunk that calls this: `find` is its own `require`, and `make` gives its code these globals. An expression passes
-- through `values`: it would be a tail call else, and the places of its errors ours.
function session.accept(find, make)
  found_for_input, input = find, make(globals, values)
  return session
end

-- As a tail call it has no name in stacks, where it would be ours.
local function run_input()
  return input()
end

function session.run()
  local values = pack(run_input())
  return values.n > 0 and show_all(values) or nil
end

-- The fields of the table that a path of names leads to, for completion: no code of anybody runs. Functions end in "(".
function session.names(...)
  local place = globals
  for i = 1, select("#", ...) do
    place = type(place) == "table" and rawget(place, (select(i, ...))) or nil
  end
  if type(place) == "string" then
    place = globals.string
  end
  local names = {}
  if type(place) == "table" then
    for key, value in next, place do
      if is_name(key) and #names < 1000 then
        names[#names + 1] = type(value) == "function" and key .. "(" or key
      end
    end
  end
  sort(names)
  return names
end

return session
