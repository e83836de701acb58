-- Functions that take values: name -> {fewest arguments, most arguments, function(frame, …)}.
local raw, values = ...
local fail, type_of, import, put = values.fail, values.type_of, values.import, values.put

local function text(value, name)
  if type(value) ~= "string" then
    fail("%s takes a string, not %s", name, type_of(value))
  end
  return value
end

local function list(value, name)
  if not values.is_list(value) then
    fail("%s takes an array, not %s", name, type_of(value))
  end
  return value
end

local function map(value, name)
  if type(value) ~= "table" or (#value > 0 and values.is_list(value)) then
    fail("%s takes a map, not %s", name, type_of(value))
  end
  return value
end

local function integer(value, name)
  local whole = math.type(value) == "integer" and value
  if not whole then
    fail("%s takes an integer, not %s", name, type_of(value))
  end
  return whole
end

local function number(value, name)
  if type(value) ~= "number" then
    fail("%s takes a number, not %s", name, type_of(value))
  end
  return value
end

local functions = {}

-- --- texts -----------------------------------------------------------------------------------------------------------------

local function host_text(name)
  functions[name] = { 1, 1, function(_, value)
    text(value, name)
    local result, err = raw[name](value)
    if not result then
      fail("%s: %s", name, err:message())
    end
    return result
  end }
end
host_text("upper")
host_text("lower")

-- The characters of a set as a pattern.
local function set_of(characters)
  return "[" .. characters:gsub("%W", "%%%0") .. "]*"
end

functions.trim = { 1, 2, function(_, value, characters)
  text(value, "trim")
  local set = characters == nil and "%s*" or set_of(text(characters, "trim"))
  if characters == "" then
    return value
  end
  local first = value:match("^" .. set .. "()")
  local rest = value:sub(first):reverse()
  return (rest:sub(rest:match("^" .. set .. "()")):reverse())
end }

functions.trimPrefix = { 1, 2, function(_, value, prefix)
  prefix = prefix == nil and " " or text(prefix, "trimPrefix")
  return text(value, "trimPrefix"):sub(1, #prefix) == prefix and value:sub(#prefix + 1) or value
end }

functions.trimSuffix = { 1, 2, function(_, value, suffix)
  suffix = suffix == nil and " " or text(suffix, "trimSuffix")
  text(value, "trimSuffix")
  return suffix ~= "" and value:sub(-#suffix) == suffix and value:sub(1, -#suffix - 1) or value
end }

-- Parts between separators, at most `most` of them; with an empty separator, characters.
local function split(value, separator, most, keep)
  local parts, from = {}, 1
  while #parts + 1 < most and from <= #value do
    local first, last
    if separator == "" then
      last = value:match("^[^\128-\191][\128-\191]*()", from)
      last = (last or from + 1) - 1
      first = last + 1
    else
      first, last = value:find(separator, from, true)
    end
    if not first or last >= #value and separator == "" then
      break
    end
    parts[#parts + 1] = value:sub(from, keep and last or first - 1)
    from = last + 1
  end
  parts[#parts + 1] = value:sub(from)
  return parts
end

for name, keep in pairs({ split = false, splitAfter = true }) do
  functions[name] = { 2, 3, function(_, value, separator, most)
    most = most == nil and -1 or integer(most, name)
    text(value, name)
    text(separator, name)
    if most == 0 or (value == "" and separator == "") then
      return {}
    end
    return split(value, separator, most < 0 and math.huge or most, keep)
  end }
end

functions.replace = { 3, 4, function(_, value, old, new, most)
  text(value, "replace")
  text(old, "replace")
  text(new, "replace")
  most = most == nil and -1 or integer(most, "replace")
  if old == "" or most == 0 then
    return value
  end
  return table.concat(split(value, old, most < 0 and math.huge or most + 1), new)
end }

-- Bytes that repeating may make.
local MOST_BYTES = 16 * 1024 * 1024

functions["repeat"] = { 2, 2, function(_, value, times)
  text(value, "repeat")
  integer(times, "repeat")
  if times < 0 or (#value > 0 and times > MOST_BYTES // #value) then
    fail("repeat makes texts of at most %d bytes", MOST_BYTES)
  end
  return value:rep(#value > 0 and times or 0)
end }

functions.indexOf = { 2, 2, function(_, value, part)
  local at = text(value, "indexOf"):find(text(part, "indexOf"), 1, true)
  return at and at - 1 or -1
end }

functions.lastIndexOf = { 2, 2, function(_, value, part)
  local at = text(value, "lastIndexOf"):reverse():find(text(part, "lastIndexOf"):reverse(), 1, true)
  return at and #value - at - #part + 1 or -1
end }

functions.hasPrefix = { 2, 2, function(_, value, prefix)
  return text(value, "hasPrefix"):sub(1, #text(prefix, "hasPrefix")) == prefix
end }

functions.hasSuffix = { 2, 2, function(_, value, suffix)
  return text(suffix, "hasSuffix") == "" or text(value, "hasSuffix"):sub(-#suffix) == suffix
end }

functions.join = { 1, 2, function(_, items, separator)
  separator = separator == nil and "" or text(separator, "join")
  for i = 1, #list(items, "join") do
    text(items[i], "join")
  end
  return table.concat(items, separator)
end }

-- --- numbers -------------------------------------------------------------------------------------------------------------

-- All numbers of the arguments, arrays among them opened.
local function all_numbers(name, into, depth, ...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if values.is_list(value) then
      if depth > 100 then
        fail("%s: arrays nest too deep", name)
      end
      for k = 1, #value do
        all_numbers(name, into, depth + 1, value[k])
      end
    else
      into[#into + 1] = number(value, name)
    end
  end
  return into
end

local function extreme(name, better)
  functions[name] = { 1, math.huge, function(_, ...)
    local numbers = all_numbers(name, {}, 0, ...)
    local best = numbers[1]
    for i = 2, #numbers do
      if better(numbers[i], best) then
        best = numbers[i]
      end
    end
    return best
  end }
end
extreme("max", function(value, best)
  return value > best
end)
extreme("min", function(value, best)
  return value < best
end)

functions.abs = { 1, 1, function(_, value)
  return math.abs(number(value, "abs"))
end }

for name, operate in pairs({
  ceil = math.ceil,
  floor = math.floor,
  round = function(value)
    return value < 0 and -math.floor(-value + 0.5) or math.floor(value + 0.5)
  end,
}) do
  functions[name] = { 1, 1, function(_, value)
    number(value, name)
    -- What has no fraction stays as it is: infinities, and all from 2^52 on.
    return math.abs(value) < 2 ^ 52 and operate(value) + 0.0 or value + 0.0
  end }
end

functions.mean = { 1, math.huge, function(_, ...)
  local numbers, sum = all_numbers("mean", {}, 0, ...), 0.0
  for i = 1, #numbers do
    sum = sum + numbers[i]
  end
  return #numbers == 0 and 0.0 or sum / #numbers
end }

functions.median = { 1, math.huge, function(_, ...)
  local numbers = all_numbers("median", {}, 0, ...)
  table.sort(numbers)
  local middle = #numbers // 2
  if #numbers == 0 then
    return 0.0
  elseif #numbers % 2 == 1 then
    return numbers[middle + 1] + 0.0
  end
  return (numbers[middle] + numbers[middle + 1]) / 2
end }

local BITS = {
  bitand = function(a, b) return a & b end,
  bitor = function(a, b) return a | b end,
  bitxor = function(a, b) return a ~ b end,
  bitnand = function(a, b) return a & ~b end,
  bitshl = function(a, b) return a << b end,
  bitushr = function(a, b) return a >> b end,
  bitshr = function(a, b) return b >= 64 and (a < 0 and -1 or 0) or a // (1 << b) end,
}
for name, operate in pairs(BITS) do
  local shifts = name:find("sh", 1, true)
  functions[name] = { 2, 2, function(_, a, b)
    integer(a, name)
    if integer(b, name) < 0 and shifts then
      fail("%s takes no negative number of bits", name)
    end
    if name == "bitshr" and b == 63 then
      return a < 0 and -1 or 0
    end
    return operate(a, b)
  end }
end
functions.bitnot = { 1, 1, function(_, value)
  return ~integer(value, "bitnot")
end }

-- --- arrays --------------------------------------------------------------------------------------------------------------

functions.concat = { 1, math.huge, function(frame, ...)
  local joined = {}
  for i = 1, select("#", ...) do
    local items = list(select(i, ...), "concat")
    for k = 1, #items do
      put(frame, joined, import(items[k]))
    end
  end
  return joined
end }

local function flatten(frame, items, into, depth)
  if depth > 100 then
    fail("flatten: arrays nest too deep")
  end
  for i = 1, #items do
    if values.is_list(items[i]) and items[i] ~= values.null then
      flatten(frame, items[i], into, depth + 1)
    else
      put(frame, into, import(items[i]))
    end
  end
  return into
end

functions.flatten = { 1, 1, function(frame, items)
  return flatten(frame, list(items, "flatten"), {}, 0)
end }

functions.uniq = { 1, 1, function(frame, items)
  local kept, seen, tables = {}, {}, {}
  for i = 1, #list(items, "uniq") do
    local item = items[i]
    local known = seen[item]
    if type(item) == "table" and item ~= values.null then
      for k = 1, #tables do
        known = known or values.equal(tables[k], item)
      end
      tables[#tables + 1] = not known and item or nil
    end
    if not known then
      put(frame, kept, import(item))
      if item == item then
        seen[item] = true
      end
    end
  end
  return kept
end }

functions.first = { 1, 1, function(_, items)
  return import(list(items, "first")[1])
end }

functions.last = { 1, 1, function(_, items)
  return import(list(items, "last")[#items])
end }

functions.take = { 2, 2, function(frame, items, count)
  local taken = {}
  if integer(count, "take") < 0 then
    fail("take takes no negative number of items")
  end
  for i = 1, math.min(count, #list(items, "take")) do
    put(frame, taken, import(items[i]))
  end
  return taken
end }

functions.reverse = { 1, 1, function(frame, items)
  local reversed = {}
  for i = #list(items, "reverse"), 1, -1 do
    put(frame, reversed, import(items[i]))
  end
  return reversed
end }

local ORDERS = { asc = false, desc = true }

-- Sorts items by their keys; equal ones stay in order.
local function sorted(frame, items, keys, order, name)
  local descending = ORDERS[order == nil and "asc" or order]
  if descending == nil then
    fail("%s sorts asc or desc", name)
  end
  local places = {}
  for i = 1, #items do
    places[i] = i
    if i > 1 then
      values.less(keys[i - 1], keys[i], name)
    end
  end
  table.sort(places, function(left, right)
    local a, b = keys[left], keys[right]
    if a == b then
      return left < right
    elseif descending then
      return b < a
    end
    return a < b
  end)
  local sorted = {}
  for i = 1, #places do
    put(frame, sorted, import(items[places[i]]))
  end
  return sorted
end

functions.sort = { 1, 2, function(frame, items, order)
  return sorted(frame, list(items, "sort"), items, order, "sort")
end }

-- --- maps ------------------------------------------------------------------------------------------------------------------

functions.keys = { 1, 1, function(_, value)
  return values.keys(map(value, "keys"))
end }

functions.values = { 1, 1, function(frame, value)
  local all = {}
  for _, key in ipairs(values.keys(map(value, "values"))) do
    put(frame, all, import(value[key]))
  end
  return all
end }

functions.toPairs = { 1, 1, function(frame, value)
  local all = {}
  for i, key in ipairs(values.keys(map(value, "toPairs"))) do
    all[i] = { key }
    put(frame, all[i], import(value[key]))
  end
  return all
end }

functions.fromPairs = { 1, 1, function(_, items)
  local made = values.new_map()
  for i = 1, #list(items, "fromPairs") do
    local pair = items[i]
    if not values.is_list(pair) or #pair ~= 2 or type(pair[1]) == "table" then
      fail("fromPairs takes pairs of a key and a value")
    end
    made[pair[1]] = import(pair[2])
  end
  return made
end }

functions.get = { 2, 2, function(_, value, key)
  if type(value) ~= "table" then
    return nil
  end
  return values.get(value, key)
end }

-- --- any value ---------------------------------------------------------------------------------------------------------------

functions.len = { 1, 1, function(_, value)
  if type(value) == "string" then
    return #value:gsub("[\128-\191]", "")
  elseif type(value) ~= "table" then
    fail("%s has no length", type_of(value))
  elseif values.is_list(value) then
    return #value
  end
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  return count
end }

functions.type = { 1, 1, function(_, value)
  return type_of(value)
end }

functions.int = { 1, 1, function(_, value)
  local whole
  if type(value) == "number" then
    local cut = math.modf(value)
    whole = math.tointeger(cut)
  elseif type(value) == "string" and value:find("^[+-]?%d+$") then
    whole = math.tointeger(tonumber(value))
  end
  return whole or fail("%s is no integer of 64 bits", values.show(value))
end }

functions.float = { 1, 1, function(_, value)
  local float = (type(value) == "number" or type(value) == "string") and tonumber(value)
  return float and float + 0.0 or fail("%s is no number", values.show(value))
end }

functions.string = { 1, 1, function(_, value)
  return values.show(value)
end }

functions.toJSON = { 1, 1, function(frame, value)
  return values.to_json(frame, value)
end }

functions.fromJSON = { 1, 1, function(_, value)
  local result, err = raw.from_json(text(value, "fromJSON"))
  if err then
    fail("fromJSON: %s", err:message())
  end
  return result
end }

functions.toBase64 = { 1, 1, function(_, value)
  return raw.to_base64(text(value, "toBase64"))
end }

functions.fromBase64 = { 1, 1, function(_, value)
  local result, err = raw.from_base64(text(value, "fromBase64"))
  return result or fail("fromBase64: %s", err:message())
end }

return functions, sorted, list
