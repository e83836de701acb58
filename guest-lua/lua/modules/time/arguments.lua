-- Checks of what scripts pass to functions of `time`. The errors blame the caller of the function that checks.
local arguments = {}

local function argument(position, name, problem)
  return string.format("bad argument #%d to '%s' (%s)", position, name, problem)
end
arguments.problem = argument

function arguments.integer(value, position, name)
  local number = type(value) == "number" and math.tointeger(value)
  if not number then
    local problem = type(value) == "number" and "number has no integer representation"
      or "integer expected, got " .. type(value)
    error(argument(position, name, problem), 3)
  end
  return number
end

function arguments.text(value, position, name)
  if type(value) ~= "string" then
    error(argument(position, name, "string expected, got " .. type(value)), 3)
  end
  return value
end

function arguments.object(class, value, position, name, expected)
  if not class.is(value) then
    error(argument(position, name, expected .. " expected, got " .. type(value)), 3)
  end
  return class.state(value)
end

return arguments
