-- A tree to a function of a frame: `{env, holes, item, index, acc, [slot] = value}`. The function returns a value and, inside of a
-- chain that `?.` ended, true.
local raw, values, functions, predicates = ...
local fail, fetch, type_of = values.fail, values.fetch, values.type_of

local compile
local compilers = {}
-- Reports what is wrong with the tree that is being compiled: `fail_at(at, message)`.
local fail_at

local function boolean(value, what)
  if type(value) ~= "boolean" then
    fail("%s must be true or false, not %s", what, type_of(value))
  end
  return value
end

local function numbers(left, right, op)
  if type(left) ~= "number" or type(right) ~= "number" then
    fail("%s cannot take %s and %s", op, type_of(left), type_of(right))
  end
end

local function texts(left, right, op)
  if type(left) ~= "string" or type(right) ~= "string" then
    fail("%s cannot take %s and %s", op, type_of(left), type_of(right))
  end
end

local function holds(collection, item)
  if collection == nil then
    return false
  elseif type(collection) ~= "table" then
    fail("nothing can be in %s", type_of(collection))
  elseif not values.is_list(collection) then
    return item ~= nil and values.get(collection, item) ~= nil
  end
  for i = 1, #collection do
    if values.equal(collection[i], item) then
      return true
    end
  end
  return false
end

-- Items of a range, bounded as the language's own implementations bound them.
local MOST = 1000000

local operators = {
  ["=="] = values.equal,
  ["!="] = function(left, right)
    return not values.equal(left, right)
  end,
  ["<"] = function(left, right)
    return values.less(left, right, "<")
  end,
  [">"] = function(left, right)
    return values.less(right, left, ">")
  end,
  ["<="] = function(left, right)
    return values.less(left, right, "<=") or left == right
  end,
  [">="] = function(left, right)
    return values.less(right, left, ">=") or left == right
  end,
  ["+"] = function(left, right)
    if type(left) == "string" and type(right) == "string" then
      return left .. right
    end
    numbers(left, right, "+")
    return left + right
  end,
  ["-"] = function(left, right)
    numbers(left, right, "-")
    return left - right
  end,
  ["*"] = function(left, right)
    numbers(left, right, "*")
    return left * right
  end,
  ["/"] = function(left, right)
    numbers(left, right, "/")
    return left / right
  end,
  ["%"] = function(left, right)
    if math.type(left) ~= "integer" or math.type(right) ~= "integer" then
      fail("%% cannot take %s and %s", type_of(left), type_of(right))
    elseif right == 0 then
      fail("integer divided by zero")
    end
    return math.fmod(left, right)
  end,
  ["**"] = function(left, right)
    numbers(left, right, "**")
    return left ^ right
  end,
  ["in"] = function(left, right)
    return holds(right, left)
  end,
  ["contains"] = function(left, right)
    if type(left) == "table" then
      return holds(left, right)
    end
    texts(left, right, "contains")
    return left:find(right, 1, true) ~= nil
  end,
  ["startsWith"] = function(left, right)
    texts(left, right, "startsWith")
    return left:sub(1, #right) == right
  end,
  ["endsWith"] = function(left, right)
    texts(left, right, "endsWith")
    return right == "" or left:sub(-#right) == right
  end,
  ["matches"] = function(left, right)
    texts(left, right, "matches")
    local matches, err = raw.matches(left, right)
    if matches == nil and not err then
      matches, err = raw.matches_large(left, right)
    end
    if err then
      fail("%s", err:message())
    end
    return matches
  end,
}

operators[".."] = function(left, right)
  local from, to = values.whole(left), values.whole(right)
  if not from or not to then
    fail(".. takes integers, not %s and %s", type_of(left), type_of(right))
  elseif to >= from and (to - from < 0 or to - from >= MOST) then
    fail("a range has at most %d items", MOST)
  end
  local list = {}
  for value = from, to do
    list[#list + 1] = value
  end
  return list
end

function compilers.constant(node)
  local value = node.value
  return function()
    return value
  end
end

function compilers.name(node)
  local name = node.name
  return function(frame)
    return values.import(rawget(frame.env, name))
  end
end

function compilers.slot(node)
  local slot = node.slot
  return function(frame)
    return frame[slot]
  end
end

function compilers.env()
  return function(frame)
    return frame.env
  end
end

function compilers.pointer(node)
  local field = node.name == "" and "item" or node.name
  return function(frame)
    return frame[field]
  end
end

function compilers.list(node)
  local items = {}
  for i, item in ipairs(node.items) do
    items[i] = compile(item)
  end
  return function(frame)
    local list = {}
    for i = 1, #items do
      local value = items[i](frame)
      values.put(frame, list, value)
    end
    return list
  end
end

function compilers.map(node)
  local keys, fields = {}, {}
  for i, key in ipairs(node.keys) do
    keys[i], fields[i] = compile(key), compile(node.values[i])
  end
  return function(frame)
    local map = values.new_map()
    for i = 1, #keys do
      local key = keys[i](frame)
      local value = fields[i](frame)
      if type(key) ~= "string" then
        fail("a key is a string, not %s", type_of(key))
      end
      map[key] = value
    end
    return map
  end
end

function compilers.unary(node)
  local op, operand = node.op, compile(node.operand)
  return function(frame)
    local value = operand(frame)
    if op == "!" then
      return not boolean(value, "the operand of !")
    elseif type(value) ~= "number" then
      fail("%s cannot take %s", op, type_of(value))
    end
    return op == "-" and -value or value
  end
end

function compilers.binary(node)
  local op, left, right = node.op, compile(node.left), compile(node.right)
  if op == "&&" then
    return function(frame)
      return boolean((left(frame)), "an operand of &&") and boolean((right(frame)), "an operand of &&")
    end
  elseif op == "||" then
    return function(frame)
      return boolean((left(frame)), "an operand of ||") or boolean((right(frame)), "an operand of ||")
    end
  elseif op == "??" then
    return function(frame)
      local value = left(frame)
      if value == nil then
        value = right(frame)
      end
      return value
    end
  end
  local operate = operators[op]
  return function(frame)
    local a = left(frame)
    local b = right(frame)
    return operate(a, b)
  end
end

compilers["if"] = function(node)
  local condition, yes, no = compile(node.condition), compile(node.yes), compile(node.no)
  return function(frame)
    local value = boolean((condition(frame)), "a condition") and yes or no
    return (value(frame))
  end
end

function compilers.let(node)
  local slot, value, body = node.slot, compile(node.value), compile(node.body)
  return function(frame)
    frame[slot] = value(frame)
    return (body(frame))
  end
end

function compilers.whole(node)
  local inner = compile(node.inner)
  return function(frame)
    return (inner(frame))
  end
end

function compilers.member(node)
  local object, key, optional = compile(node.object), compile(node.key), node.optional
  return function(frame)
    local from, ended = object(frame)
    if ended or (optional and from == nil) then
      return nil, true
    end
    local name = key(frame)
    return fetch(from, name)
  end
end

-- A bound of a slice, within 0 and the length.
local function bound(value, length, otherwise)
  if value == nil then
    return otherwise
  end
  local index = values.whole(value)
  if not index then
    fail("a slice takes integers, not %s", type_of(value))
  end
  return math.max(0, math.min(length, index < 0 and length + index or index))
end

function compilers.slice(node)
  local nothing = function() end
  local object = compile(node.object)
  local from = node.from and compile(node.from) or nothing
  local to = node.to and compile(node.to) or nothing
  return function(frame)
    local value, ended = object(frame)
    if ended then
      return nil, true
    end
    local first, last = from(frame), to(frame)
    if type(value) == "string" then
      return value:sub(bound(first, #value, 0) + 1, bound(last, #value, #value))
    elseif not values.is_list(value) then
      fail("%s cannot be sliced", type_of(value))
    end
    local list = {}
    for i = bound(first, #value, 0) + 1, bound(last, #value, #value) do
      values.put(frame, list, values.import(value[i]))
    end
    return list
  end
end

function compilers.call(node)
  local arguments = {}
  for i, argument in ipairs(node.arguments) do
    arguments[i] = compile(argument)
  end
  local predicate = predicates[node.name]
  if predicate then
    if #arguments == 0 or (not node.predicate and predicate.required) then
      fail_at(node.at, node.name .. " takes an array and a predicate")
    elseif #arguments > predicate.most then
      fail_at(node.at, node.name .. " takes no further arguments")
    end
    return predicate.compile(arguments, node.predicate and compile(node.predicate))
  end
  local definition = functions[node.name]
  if not definition then
    fail_at(node.at, "there is no function `" .. node.name .. "`")
  end
  local least, most, call = definition[1], definition[2], definition[3]
  if #arguments < least or #arguments > most then
    local range = least == most and tostring(least) or least .. " to " .. (most == math.huge and "any number" or most)
    local word = most == 1 and "argument" or "arguments"
    fail_at(node.at, ("%s takes %s %s, not %d"):format(node.name, range, word, #arguments))
  end
  return function(frame)
    local given = {}
    for i = 1, #arguments do
      given[i] = (arguments[i](frame))
    end
    return (call(frame, table.unpack(given, 1, #arguments)))
  end
end

function compile(node)
  return compilers[node.kind](node)
end

return function(tree, report)
  fail_at = report
  return compile(tree)
end
