-- Duration: {nanoseconds}, with its arithmetic, and what stands for one.
local raw, core, time, arguments = ...
local argument = arguments.problem

local methods = {}
local Duration

-- Nanoseconds of whatever stands for a duration, or nil and an error. Fractions of a nanosecond are cut off.
local function nanoseconds_of(value)
  if math.type(value) == "integer" then
    return value
  elseif type(value) == "number" then
    local whole = math.tointeger(value < 0 and math.ceil(value) or math.floor(value))
    if whole then
      return whole
    end
    return nil, core.error("Invalid", value .. " is not a duration: it does not fit 64 bits of nanoseconds")
  elseif type(value) == "string" then
    return raw.parse_duration(value)
  elseif Duration.is(value) then
    return Duration.state(value).nanoseconds
  end
  local message = 'a duration is a number of nanoseconds, a text such as "1h30m" or a Duration, not a '
  return nil, core.error("Invalid", message .. type(value))
end

local function duration_argument(value, name)
  local nanoseconds, err = nanoseconds_of(value)
  if not nanoseconds then
    error(argument(1, name, err:message()), 3)
  end
  return nanoseconds
end

local function new_duration(nanoseconds)
  return Duration.new({ nanoseconds = nanoseconds })
end

-- Both operands of an operator in nanoseconds.
local function operands(left, right)
  if not (Duration.is(left) and Duration.is(right)) then
    error("a Duration goes together with a Duration only", 3)
  end
  return Duration.state(left).nanoseconds, Duration.state(right).nanoseconds
end

Duration = core.class("time.Duration", methods, {
  __tostring = function(self)
    return raw.format_duration(Duration.state(self).nanoseconds)
  end,
  __eq = function(left, right)
    return Duration.is(left) and Duration.is(right)
      and Duration.state(left).nanoseconds == Duration.state(right).nanoseconds
  end,
  __lt = function(left, right)
    local a, b = operands(left, right)
    return a < b
  end,
  __le = function(left, right)
    local a, b = operands(left, right)
    return a <= b
  end,
  __add = function(left, right)
    local a, b = operands(left, right)
    local sum = a + b
    if (a < 0) == (b < 0) and (sum < 0) ~= (a < 0) then
      error("the sum does not fit a Duration, about 292 years", 2)
    end
    return new_duration(sum)
  end,
  __sub = function(left, right)
    local a, b = operands(left, right)
    local difference = a - b
    if (a < 0) ~= (b < 0) and (difference < 0) ~= (a < 0) then
      error("the difference does not fit a Duration, about 292 years", 2)
    end
    return new_duration(difference)
  end,
  __unm = function(self)
    local nanoseconds = Duration.state(self).nanoseconds
    if nanoseconds == math.mininteger then
      error("the opposite does not fit a Duration, about 292 years", 2)
    end
    return new_duration(-nanoseconds)
  end,
})

function methods.nanoseconds(self)
  return Duration.state(self, "nanoseconds").nanoseconds
end

-- Whole units and the rest, both of the number's own sign.
local function split(nanoseconds, unit)
  local rest = math.fmod(nanoseconds, unit)
  return (nanoseconds - rest) // unit, rest
end

for name, unit in pairs({ microseconds = time.MICROSECOND, milliseconds = time.MILLISECOND }) do
  methods[name] = function(self)
    return (split(Duration.state(self, name).nanoseconds, unit))
  end
end

for name, unit in pairs({ seconds = time.SECOND, minutes = time.MINUTE, hours = time.HOUR }) do
  methods[name] = function(self)
    -- In two parts, since not every number of nanoseconds is a float.
    local whole, rest = split(Duration.state(self, name).nanoseconds, unit)
    return whole + rest / unit
  end
end

function time.parse_duration(value)
  local nanoseconds, err = nanoseconds_of(value)
  if not nanoseconds then
    return nil, err
  end
  return new_duration(nanoseconds)
end

return { class = Duration, new = new_duration, nanoseconds_of = nanoseconds_of, argument = duration_argument }
