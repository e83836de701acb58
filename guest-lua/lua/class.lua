-- Classes of opaque objects: `type(object)` is "userdata", and scripts cannot reach its state.
local native = ...
local wrap, unwrap = native.wrap, native.unwrap

-- What a message calls a value: an object's class, else Lua's type.
local function describe(value)
  local metatable = type(value) == "userdata" and getmetatable(value)
  return type(metatable) == "string" and metatable or type(value)
end

-- A class with `new(state) -> object`, `is(value)` and `state(object, function_name?) -> state`, which raises for any
-- other value. A hidden metatable answers scripts with the class's name.
local function class(name, methods, metamethods)
  local metatable = { __index = methods, __name = name, __metatable = name }
  for event, handler in pairs(metamethods or {}) do
    metatable[event] = handler
  end
  local self = { metatable = metatable }

  function self.new(state)
    return wrap(state, metatable)
  end

  function self.is(value)
    return unwrap(value, metatable) ~= nil
  end

  function self.state(value, function_name)
    local state = unwrap(value, metatable)
    if state == nil then
      local expected = string.format("%s expected, got %s", name, describe(value))
      error(string.format("bad argument #1 to '%s' (%s)", function_name or "?", expected), 3)
    end
    return state
  end

  return self
end

return class, describe
