-- Values as expressions see them: tables are lists, counted from 0, or maps.
--
-- Lua's lists cannot hold nil. In lists that expressions make, `null` stands for it until the result is handed out.
local raw, core, create, is_error = ...

local null = {}
local values = { null = null }

local function fail(message, ...)
  error(core.error("Internal", "expr: " .. message:format(...)), 0)
end
values.fail = fail

-- Nesting where comparing and showing end: a table may contain itself.
local MAX_DEPTH = 128

-- Tables that expressions made as maps, which may be empty.
local maps = setmetatable({}, { __mode = "k" })

function values.new_map()
  local map = create(0, 1) -- so that it stays a map outside, empty as it may be
  maps[map] = true
  return map
end

function values.is_list(value)
  return type(value) == "table" and not maps[value] and (#value > 0 or next(value) == nil)
end
local is_list = values.is_list

-- What is neither data nor an error is nothing.
local function import(value)
  local kind = type(value)
  if kind == "userdata" then
    return is_error(value) and value:message() or nil
  elseif kind == "function" or kind == "thread" or value == null then
    return nil
  end
  return value
end
values.import = import

function values.put(frame, list, value)
  if value == nil then
    value = null
    frame.holes[list] = true
  end
  list[#list + 1] = value
end

function values.type_of(value)
  local kind = type(value)
  if kind == "number" then
    return math.type(value) == "integer" and "int" or "float"
  elseif kind == "boolean" then
    return "bool"
  elseif kind == "table" then
    return is_list(value) and "array" or "map"
  end
  return kind
end
local type_of = values.type_of

-- An integer, or a float that is one.
local function whole(value)
  return type(value) == "number" and math.tointeger(value) or nil
end
values.whole = whole

-- What a list or map holds under a key; nil where there is nothing.
function values.get(object, key)
  if is_list(object) then
    local index = whole(key)
    if not index then
      return nil
    end
    return import(object[index < 0 and #object + index + 1 or index + 1])
  end
  local value = rawget(object, key)
  if value == nil and type(key) ~= "string" and key ~= nil then
    value = rawget(object, tostring(key))
  end
  return import(value)
end

-- As `get`, where something must be there to look into.
function values.fetch(object, key)
  if type(object) ~= "table" then
    fail("cannot fetch %s from %s", tostring(key), type_of(object))
  elseif key == nil then
    fail("nil is no key")
  end
  -- An empty table may be either.
  if is_list(object) and (#object > 0 or type(key) ~= "string") then
    local index = whole(key)
    if not index then
      fail("cannot fetch %s from an array", tostring(key))
    elseif index >= #object or index < -#object then
      fail("index out of range: %d, the array has %d items", index, #object)
    end
  end
  return values.get(object, key)
end

function values.keys(map)
  local keys = {}
  for key in next, map do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(left, right)
    if type(left) ~= type(right) then
      return type(left) < type(right)
    elseif type(left) == "boolean" then
      return not left and right
    end
    return left < right
  end)
  return keys
end

local function equal(left, right, depth)
  if left == null then
    left = nil
  end
  if right == null then
    right = nil
  end
  if left == right or type(left) ~= "table" or type(right) ~= "table" then
    return left == right
  elseif depth > MAX_DEPTH then
    fail("values nest too deep to be compared")
  elseif #left ~= #right or is_list(left) ~= is_list(right) then
    return false
  end
  for key, value in next, left do
    if not equal(value, rawget(right, key), depth + 1) then
      return false
    end
  end
  for key in next, right do
    if rawget(left, key) == nil then
      return false
    end
  end
  return true
end

function values.equal(left, right)
  return equal(left, right, 0)
end

local ORDERED = { number = true, string = true }

function values.less(left, right, op)
  if type(left) ~= type(right) or not ORDERED[type(left)] then
    fail("%s cannot be compared with %s by %s", type_of(left), type_of(right), op)
  end
  return left < right
end

-- A float as the language shows it: its shortest digits, no point where it is whole.
local function float_text(value)
  if value ~= value then
    return "NaN"
  elseif value == math.huge or value == -math.huge then
    return value > 0 and "+Inf" or "-Inf"
  end
  for digits = 1, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then
      -- Exponents from 21 on, where %g begins with the number of digits.
      if math.abs(value) < 1e21 and text:find("e+", 1, true) then
        return ("%.0f"):format(value)
      end
      return text
    end
  end
end

local function show(value, depth)
  if value == nil or value == null then
    return "<nil>"
  elseif math.type(value) == "float" then
    return float_text(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif depth > MAX_DEPTH then
    fail("values nest too deep to be shown")
  end
  local parts = {}
  if is_list(value) then
    for i = 1, #value do
      parts[i] = show(value[i], depth + 1)
    end
    return "[" .. table.concat(parts, " ") .. "]"
  end
  for i, key in ipairs(values.keys(value)) do
    parts[i] = tostring(key) .. ":" .. show(value[key], depth + 1)
  end
  return "map[" .. table.concat(parts, " ") .. "]"
end

function values.show(value)
  return show(value, 0)
end

-- Lists as Lua has them.
function values.settle(frame)
  for list in next, frame.holes do
    for i = #list, 1, -1 do
      if list[i] == null then
        list[i] = nil
      end
    end
  end
end

-- Lists that hold nil are written here: they cannot cross to the host as lists.
local function to_json(value, depth)
  if value == null then
    return "null"
  elseif type(value) ~= "table" then
    return raw.to_json(value)
  elseif depth > MAX_DEPTH then
    fail("values nest too deep for JSON")
  end
  local parts = {}
  if is_list(value) then
    for i = 1, #value do
      parts[i] = to_json(value[i], depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for i, key in ipairs(values.keys(value)) do
    parts[i] = raw.to_json(tostring(key)) .. ":" .. to_json(value[key], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function values.to_json(frame, value)
  if next(frame.holes) then
    return to_json(value, 0)
  end
  local text, err = raw.to_json(value)
  return text or fail("toJSON: %s", err:message())
end

return values
