-- Functions that run an expression on the items of an array: name -> {required, most, compile}. `compile(arguments,
-- predicate)` gives a function of a frame; `required` says that there is no such function without a predicate, `most` how many other
-- arguments it takes.
local values, sorted, list = ...
local fail, type_of, import, put = values.fail, values.type_of, values.import, values.put

local predicates = {}

-- Calls `each(value of the predicate, item, index)` for the items until it returns true. Without a predicate, the item is the value.
local function walk(frame, name, items, predicate, each, backwards)
  list(items, name)
  local item, index = frame.item, frame.index
  local from, to, step = 1, #items, 1
  if backwards then
    from, to, step = to, from, -1
  end
  for i = from, to, step do
    frame.item, frame.index = import(items[i]), i - 1
    local current = frame.item
    local value = current
    if predicate then
      value = predicate(frame)
    end
    if each(value, current, i - 1) then
      break
    end
  end
  frame.item, frame.index = item, index
end

local function truth(value, name)
  if type(value) ~= "boolean" then
    fail("the predicate of %s must be true or false, not %s", name, type_of(value))
  end
  return value
end

-- A function of an array and a predicate: `run(frame, items, predicate, further arguments…)`.
local function define(name, required, run)
  predicates[name] = {
    required = required,
    most = name == "sortBy" and 2 or 1,
    compile = function(arguments, predicate)
      return function(frame)
        local items = arguments[1](frame)
        local second
        if arguments[2] then
          second = arguments[2](frame)
        end
        return (run(frame, items, predicate, second))
      end
    end,
  }
end

-- How many items pass, and whether so many are enough to know.
local function counting(name, enough, answer)
  define(name, name ~= "count", function(frame, items, predicate)
    local passed, missed = 0, 0
    walk(frame, name, items, predicate, function(value)
      if truth(value, name) then
        passed = passed + 1
      else
        missed = missed + 1
      end
      return enough(passed, missed)
    end)
    return answer(passed, missed)
  end)
end

counting("all", function(_, missed)
  return missed > 0
end, function(_, missed)
  return missed == 0
end)
counting("any", function(passed)
  return passed > 0
end, function(passed)
  return passed > 0
end)
counting("none", function(passed)
  return passed > 0
end, function(passed)
  return passed == 0
end)
counting("one", function(passed)
  return passed > 1
end, function(passed)
  return passed == 1
end)
counting("count", function()
  return false
end, function(passed)
  return passed
end)

define("map", true, function(frame, items, predicate)
  local results = {}
  walk(frame, "map", items, predicate, function(value)
    put(frame, results, value)
  end)
  return results
end)

define("filter", true, function(frame, items, predicate)
  local results = {}
  walk(frame, "filter", items, predicate, function(value, item)
    if truth(value, "filter") then
      put(frame, results, item)
    end
  end)
  return results
end)

-- The first or last item that passes, or its index.
local function finding(name, backwards, wants_index)
  define(name, true, function(frame, items, predicate)
    local found
    walk(frame, name, items, predicate, function(value, item, index)
      if truth(value, name) then
        found = item
        if wants_index then
          found = index
        end
        return true
      end
    end, backwards)
    return found
  end)
end
finding("find", false, false)
finding("findIndex", false, true)
finding("findLast", true, false)
finding("findLastIndex", true, true)

define("sum", false, function(frame, items, predicate)
  local sum = 0
  walk(frame, "sum", items, predicate, function(value)
    if type(value) ~= "number" then
      fail("sum takes numbers, not %s", type_of(value))
    end
    sum = sum + value
  end)
  return sum
end)

define("groupBy", true, function(frame, items, predicate)
  local groups = values.new_map()
  walk(frame, "groupBy", items, predicate, function(value, item)
    if value == nil or type(value) == "table" then
      fail("groupBy takes strings, numbers and booleans as keys, not %s", type_of(value))
    end
    local key = tostring(value)
    groups[key] = groups[key] or {}
    put(frame, groups[key], item)
  end)
  return groups
end)

define("sortBy", true, function(frame, items, predicate, order)
  local keys = {}
  walk(frame, "sortBy", items, predicate, function(value)
    if value == nil then
      fail("sortBy cannot sort by nil")
    end
    keys[#keys + 1] = value
  end)
  return sorted(frame, items, keys, order, "sortBy")
end)

predicates.reduce = {
  required = true,
  most = 2,
  compile = function(arguments, predicate)
    local initial = arguments[2]
    return function(frame)
      local items = arguments[1](frame)
      local acc = frame.acc
      local result, begun = nil, initial ~= nil
      if initial then
        result = initial(frame)
      elseif #list(items, "reduce") == 0 then
        fail("reduce of an empty array takes an initial value")
      end
      walk(frame, "reduce", items, function(inner)
        if not begun then
          return inner.item
        end
        inner.acc = result
        return predicate(inner)
      end, function(value)
        result, begun = value, true
      end)
      frame.acc = acc
      return result
    end
  end,
}

return predicates
