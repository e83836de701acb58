-- What scripts call on a Time of instant.lua.
local raw, time, arguments, duration, location, instant = ...
local argument, integer, text, object = arguments.problem, arguments.integer, arguments.text, arguments.object
local duration_argument, new_duration, Duration = duration.argument, duration.new, duration.class
local Location = location.class
local Time, methods, new_time, at = instant.class, instant.methods, instant.new, instant.at
local before, equal, place_of, civil_of = instant.before, instant.equal, instant.place_of, instant.civil_of
local OUT_OF_RANGE = instant.OUT_OF_RANGE
local SECOND = time.SECOND

-- seconds * SECOND + nanoseconds, or nil where that overflows.
local function in_nanoseconds(seconds, nanoseconds)
  local sum = seconds * SECOND + nanoseconds
  if sum // SECOND == seconds + nanoseconds // SECOND then
    return sum
  end
end

function methods.add(self, value)
  local state = Time.state(self, "add")
  local nanoseconds = duration_argument(value, "add")
  -- Apart, since the sum of nanoseconds might overflow.
  local made = new_time(state.seconds + nanoseconds // SECOND, state.nanoseconds + nanoseconds % SECOND, state.location)
  return made or error(argument(1, "add", OUT_OF_RANGE), 2)
end

function methods.sub(self, other)
  local left, right = Time.state(self, "sub"), object(Time, other, 1, "sub", "time.Time")
  local nanoseconds = in_nanoseconds(left.seconds - right.seconds, left.nanoseconds - right.nanoseconds)
  if not nanoseconds then
    error(argument(1, "sub", "the times are too far apart for a Duration, about 292 years"), 2)
  end
  return new_duration(nanoseconds)
end

function methods.add_date(self, years, months, days)
  local state = Time.state(self, "add_date")
  local civil = civil_of(state)
  local moved, err = raw.from_civil({
    year = civil.year + integer(years, 1, "add_date"),
    month = civil.month + integer(months, 2, "add_date"),
    day = civil.day + integer(days, 3, "add_date"),
    hour = civil.hour,
    minute = civil.minute,
    second = civil.second,
    nanosecond = state.nanoseconds,
  }, place_of(state))
  if not moved then
    error(argument(1, "add_date", err:message()), 2)
  end
  return at(moved, state.location)
end

function methods.after(self, other)
  return before(object(Time, other, 1, "after", "time.Time"), Time.state(self, "after"))
end

function methods.before(self, other)
  return before(Time.state(self, "before"), object(Time, other, 1, "before", "time.Time"))
end

function methods.equal(self, other)
  return equal(Time.state(self, "equal"), object(Time, other, 1, "equal", "time.Time"))
end

function methods.format(self, layout)
  local state = Time.state(self, "format")
  return raw.format(state, place_of(state), text(layout, 1, "format"))
end

function methods.format_rfc3339(self)
  local state = Time.state(self, "format_rfc3339")
  return raw.format(state, place_of(state), time.RFC3339)
end

function methods.unix(self)
  return Time.state(self, "unix").seconds
end

function methods.unix_nano(self)
  local state = Time.state(self, "unix_nano")
  local nanoseconds = in_nanoseconds(state.seconds, state.nanoseconds)
  return nanoseconds or error("the nanoseconds since 1970 fit 64 bits only for the years 1678 to 2262", 2)
end

function methods.date(self)
  local civil = civil_of(Time.state(self, "date"))
  return civil.year, civil.month, civil.day
end

function methods.clock(self)
  local civil = civil_of(Time.state(self, "clock"))
  return civil.hour, civil.minute, civil.second
end

for _, name in ipairs({ "year", "month", "day", "hour", "minute", "second", "weekday", "year_day" }) do
  methods[name] = function(self)
    return civil_of(Time.state(self, name))[name]
  end
end

function methods.nanosecond(self)
  return Time.state(self, "nanosecond").nanoseconds
end

-- True for 0001-01-01T00:00:00Z.
function methods.is_zero(self)
  local state = Time.state(self, "is_zero")
  return state.seconds == -62135596800 and state.nanoseconds == 0
end

function methods.in_location(self, where)
  local state = Time.state(self, "in_location")
  object(Location, where, 1, "in_location", "time.Location")
  return new_time(state.seconds, state.nanoseconds, where)
end

function methods.location(self)
  return Time.state(self, "location").location
end

function methods.utc(self)
  local state = Time.state(self, "utc")
  return new_time(state.seconds, state.nanoseconds, time.utc)
end

function methods.in_local(self)
  local state = Time.state(self, "in_local")
  return new_time(state.seconds, state.nanoseconds, time.localtz)
end

for _, name in ipairs({ "round", "truncate" }) do
  methods[name] = function(self, unit)
    local state = Time.state(self, name)
    local rounded, err = raw[name](state, object(Duration, unit, 1, name, "time.Duration").nanoseconds)
    if not rounded then
      return nil, err
    end
    return at(rounded, state.location)
  end
end
