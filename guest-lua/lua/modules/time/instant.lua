-- Time: {seconds, nanoseconds, location}, which serves as the record `instant` of wit/clock.wit; and {civil}, once
-- somebody asked for it. Its operators, and the functions that make one.
local raw, core, time, arguments, location = ...
local argument, integer, text = arguments.problem, arguments.integer, arguments.text
local Location, location_of, place_argument = location.class, location.of, location.argument
local clock, SECOND = core.clock, time.SECOND

-- The seconds that an instant of wit/clock.wit can have: the years -9999 to 9999.
local FIRST, LAST = -377705116800, 253402300799
local OUT_OF_RANGE = "the time lies outside the years -9999 to 9999"

local methods = {}
local Time

-- The object, or nil when it is out of range.
local function new_time(seconds, nanoseconds, where)
  seconds = seconds + nanoseconds // SECOND
  if seconds < FIRST or seconds > LAST then
    return nil
  end
  return Time.new({ seconds = seconds, nanoseconds = nanoseconds % SECOND, location = where })
end

-- The object for an instant that the host gave.
local function at(instant, where)
  instant.location = where
  return Time.new(instant)
end

local function place_of(state)
  return Location.state(state.location)
end

local function civil_of(state)
  if not state.civil then
    state.civil = assert(raw.to_civil(state.seconds, place_of(state)))
  end
  return state.civil
end

local function before(left, right)
  if left.seconds ~= right.seconds then
    return left.seconds < right.seconds
  end
  return left.nanoseconds < right.nanoseconds
end

local function equal(left, right)
  return left.seconds == right.seconds and left.nanoseconds == right.nanoseconds
end

local function instants(left, right)
  if not (Time.is(left) and Time.is(right)) then
    error("a Time compares with a Time only", 3)
  end
  return Time.state(left), Time.state(right)
end

Time = core.class("time.Time", methods, {
  __tostring = function(self)
    local state = Time.state(self)
    return assert(raw.format(state, place_of(state), time.RFC3339NANO))
  end,
  __eq = function(left, right)
    return Time.is(left) and Time.is(right) and equal(Time.state(left), Time.state(right))
  end,
  __lt = function(left, right)
    return before(instants(left, right))
  end,
  __le = function(left, right)
    local a, b = instants(left, right)
    return not before(b, a)
  end,
})

function time.now()
  return at(clock.now(), time.localtz)
end

function time.unix(seconds, nanoseconds)
  local made = new_time(integer(seconds, 1, "unix"), integer(nanoseconds, 2, "unix"), time.localtz)
  return made or error(argument(1, "unix", OUT_OF_RANGE), 2)
end

function time.date(year, month, day, hour, minute, second, nanosecond, where)
  local place
  where, place = place_argument(where, 8, "date")
  local instant, err = raw.from_civil({
    year = integer(year, 1, "date"),
    month = integer(month, 2, "date"),
    day = integer(day, 3, "date"),
    hour = integer(hour, 4, "date"),
    minute = integer(minute, 5, "date"),
    second = integer(second, 6, "date"),
    nanosecond = integer(nanosecond, 7, "date"),
  }, place)
  if not instant then
    error(argument(1, "date", err:message()), 2)
  end
  return at(instant, where)
end

function time.parse(layout, value, where)
  local place
  if where ~= nil then
    where, place = place_argument(where, 3, "parse")
  end
  local parsed, err = raw.parse(text(layout, 1, "parse"), text(value, 2, "parse"), place)
  if not parsed then
    return nil, err
  end
  return at(parsed.at, location_of(parsed.place, where))
end

return {
  class = Time,
  methods = methods,
  new = new_time,
  at = at,
  before = before,
  equal = equal,
  place_of = place_of,
  civil_of = civil_of,
  OUT_OF_RANGE = OUT_OF_RANGE,
}
