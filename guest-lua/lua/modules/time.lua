-- Module `time`: instants, durations and zones as objects, and waiting.
--
-- The calendar, zones and layouts are the host's work. Sums and comparisons are done here, where they cost no call.
local raw, core = ...
local clock = core.clock

local NANOSECOND, MICROSECOND, MILLISECOND, SECOND = 1, 1000, 1000000, 1000000000
local MINUTE, HOUR = 60 * SECOND, 3600 * SECOND

-- The seconds that an instant of wit/clock.wit can have: the years -9999 to 9999.
local FIRST, LAST = -377705116800, 253402300799
local OUT_OF_RANGE = "the time lies outside the years -9999 to 9999"

local RFC3339, RFC3339NANO = "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z07:00"

local time = {
  NANOSECOND = NANOSECOND, MICROSECOND = MICROSECOND, MILLISECOND = MILLISECOND, SECOND = SECOND, MINUTE = MINUTE,
  HOUR = HOUR,
  RFC3339 = RFC3339,
  RFC3339NANO = RFC3339NANO,
  RFC822 = "02 Jan 06 15:04 MST",
  RFC822Z = "02 Jan 06 15:04 -0700",
  RFC850 = "Monday, 02-Jan-06 15:04:05 MST",
  RFC1123 = "Mon, 02 Jan 2006 15:04:05 MST",
  RFC1123Z = "Mon, 02 Jan 2006 15:04:05 -0700",
  KITCHEN = "3:04PM",
  STAMP = "Jan _2 15:04:05",
  STAMP_MILLI = "Jan _2 15:04:05.000",
  STAMP_MICRO = "Jan _2 15:04:05.000000",
  STAMP_NANO = "Jan _2 15:04:05.000000000",
  DATE_TIME = "2006-01-02 15:04:05",
  DATE_ONLY = "2006-01-02",
  TIME_ONLY = "15:04:05",
  JANUARY = 1, FEBRUARY = 2, MARCH = 3, APRIL = 4, MAY = 5, JUNE = 6, JULY = 7, AUGUST = 8, SEPTEMBER = 9, OCTOBER = 10,
  NOVEMBER = 11, DECEMBER = 12,
  SUNDAY = 0, MONDAY = 1, TUESDAY = 2, WEDNESDAY = 3, THURSDAY = 4, FRIDAY = 5, SATURDAY = 6,
}

-- Arguments ------------------------------------------------------------------------------------------------------------

local function argument(position, name, problem)
  return string.format("bad argument #%d to '%s' (%s)", position, name, problem)
end

local function integer(value, position, name)
  local number = type(value) == "number" and math.tointeger(value)
  if not number then
    local problem = type(value) == "number" and "number has no integer representation"
      or "integer expected, got " .. type(value)
    error(argument(position, name, problem), 3)
  end
  return number
end

local function text(value, position, name)
  if type(value) ~= "string" then
    error(argument(position, name, "string expected, got " .. type(value)), 3)
  end
  return value
end

local function object(class, value, position, name, expected)
  if not class.is(value) then
    error(argument(position, name, expected .. " expected, got " .. type(value)), 3)
  end
  return class.state(value)
end

-- seconds * SECOND + nanoseconds, or nil where that overflows.
local function in_nanoseconds(seconds, nanoseconds)
  local sum = seconds * SECOND + nanoseconds
  if sum // SECOND == seconds + nanoseconds // SECOND then
    return sum
  end
end

-- Duration: {nanoseconds} ------------------------------------------------------------------------------------------------

local duration = {}
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

Duration = core.class("time.Duration", duration, {
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

function duration.nanoseconds(self)
  return Duration.state(self, "nanoseconds").nanoseconds
end

-- Whole units and the rest, both of the number's own sign.
local function split(nanoseconds, unit)
  local rest = math.fmod(nanoseconds, unit)
  return (nanoseconds - rest) // unit, rest
end

for name, unit in pairs({ microseconds = MICROSECOND, milliseconds = MILLISECOND }) do
  duration[name] = function(self)
    return (split(Duration.state(self, name).nanoseconds, unit))
  end
end

for name, unit in pairs({ seconds = SECOND, minutes = MINUTE, hours = HOUR }) do
  duration[name] = function(self)
    -- In two parts, since not every number of nanoseconds is a float.
    local whole, rest = split(Duration.state(self, name).nanoseconds, unit)
    return whole + rest / unit
  end
end

-- Location: the record `location` of wit/time.wit --------------------------------------------------------------------------

local location = {}
local Location

Location = core.class("time.Location", location, {
  __tostring = function(self)
    return Location.state(self).name
  end,
  __eq = function(left, right)
    if not (Location.is(left) and Location.is(right)) then
      return false
    end
    local a, b = Location.state(left), Location.state(right)
    return a.name == b.name and a.offset == b.offset
  end,
})

function location.string(self)
  return Location.state(self, "string").name
end

time.utc = Location.new({ name = "UTC" })
time.localtz = Location.new({ name = "Local" })

-- The object for a record: one that is at hand if it means the same.
local function location_of(place, at_hand)
  local made = Location.new(place)
  for _, known in ipairs({ time.utc, time.localtz, at_hand }) do
    if known == made then
      return known
    end
  end
  return made
end

-- The location given as an argument, and its record.
local function place_argument(value, position, name)
  if value == nil then
    value = time.localtz
  elseif not Location.is(value) then
    error(argument(position, name, "time.Location expected, got " .. type(value)), 3)
  end
  return value, Location.state(value)
end

function time.load_location(name)
  local place, err = raw.load_location(text(name, 1, "load_location"))
  if not place then
    return nil, err
  end
  return location_of(place)
end

function time.fixed_zone(name, offset)
  local place, err = raw.fixed_zone(text(name, 1, "fixed_zone"), integer(offset, 2, "fixed_zone"))
  if not place then
    error(argument(2, "fixed_zone", err:message()), 2)
  end
  return Location.new(place)
end

-- Time: {seconds, nanoseconds, location}, which serves as the record `instant` of wit/clock.wit; and, once somebody asked
-- for it, {civil} ----------------------------------------------------------------------------------------------------------

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
    return assert(raw.format(state, place_of(state), RFC3339NANO))
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

function time.parse_duration(value)
  local nanoseconds, err = nanoseconds_of(value)
  if not nanoseconds then
    return nil, err
  end
  return new_duration(nanoseconds)
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
  local instant, err = raw.from_civil({
    year = civil.year + integer(years, 1, "add_date"),
    month = civil.month + integer(months, 2, "add_date"),
    day = civil.day + integer(days, 3, "add_date"),
    hour = civil.hour,
    minute = civil.minute,
    second = civil.second,
    nanosecond = state.nanoseconds,
  }, place_of(state))
  if not instant then
    error(argument(1, "add_date", err:message()), 2)
  end
  return at(instant, state.location)
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
  return raw.format(state, place_of(state), RFC3339)
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
    local instant, err = raw[name](state, object(Duration, unit, 1, name, "time.Duration").nanoseconds)
    if not instant then
      return nil, err
    end
    return at(instant, state.location)
  end
end

-- Waiting ------------------------------------------------------------------------------------------------------------------

-- Calls `callback` once after so many nanoseconds, unless the ticket is cancelled before.
local function elapse(nanoseconds, callback)
  local ticket = raw.start_sleep(nanoseconds)
  core.on_ticket(ticket, callback)
  return ticket
end

-- Nanoseconds above zero, or nil and an error.
local function delay_of(value)
  local nanoseconds, err = nanoseconds_of(value)
  if nanoseconds and nanoseconds <= 0 then
    return nil, core.error("Invalid", "a time to wait must be above zero, not " .. raw.format_duration(nanoseconds))
  end
  return nanoseconds, err
end

function time.sleep(value)
  local nanoseconds, err = nanoseconds_of(value)
  if not nanoseconds then
    return nil, err
  end
  if nanoseconds > 0 then
    raw.sleep(nanoseconds)
  end
end

-- A channel that gets one Time and is closed.
function time.after(value)
  local delay, err = delay_of(value)
  if not delay then
    return nil, err
  end
  local channel = core.channel_new(1)
  elapse(delay, function()
    core.channel_push(channel, time.now())
    core.channel_close(channel)
  end)
  return channel
end

-- Timer: {channel, ticket while it runs}. The channel stays open, since the timer may be reset.

local timer = {}
local Timer = core.class("time.Timer", timer)

local function start(state, delay)
  state.ticket = elapse(delay, function()
    state.ticket = nil
    core.channel_push(state.channel, time.now())
  end)
end

-- True when it was running.
local function stop(state)
  local ticket = state.ticket
  state.ticket = nil
  if ticket then
    core.cancel(ticket)
  end
  return ticket ~= nil
end

function time.timer(value)
  local delay, err = delay_of(value)
  if not delay then
    return nil, err
  end
  local state = { channel = core.channel_new(1) }
  start(state, delay)
  return Timer.new(state)
end

function timer.channel(self)
  return Timer.state(self, "channel").channel
end
timer.response = timer.channel

function timer.stop(self)
  return stop(Timer.state(self, "stop"))
end

function timer.reset(self, value)
  local state = Timer.state(self, "reset")
  local delay, err = delay_of(value)
  if not delay then
    error(argument(1, "reset", err:message()), 2)
  end
  local was_running = stop(state)
  start(state, delay)
  return was_running
end

-- Ticker: {channel, period, started, due, ticket while it runs}; `due` is when the next tick is meant to come, in
-- nanoseconds since `started`.

local ticker = {}
local Ticker = core.class("time.Ticker", ticker)

-- Ticks that nobody reads are dropped once there are so many.
local TICKS = 16

-- Late ticks do not push the following ones back: each waits for its own multiple of the period.
local function schedule(state, now)
  state.ticket = elapse(state.due - now, function()
    local tick = time.now()
    core.channel_push(state.channel, tick)
    local instant = Time.state(tick)
    local elapsed = (instant.seconds - state.started.seconds) * SECOND + instant.nanoseconds - state.started.nanoseconds
    local late = elapsed - state.due
    if late >= state.period or late <= -state.period then
      -- Ticks were missed, or somebody set the clock: go on from here.
      state.due = elapsed - elapsed % state.period
    end
    state.due = state.due + state.period
    schedule(state, elapsed)
  end)
end

function time.ticker(value)
  local period, err = delay_of(value)
  if not period then
    return nil, err
  end
  local state = { channel = core.channel_new(TICKS), period = period, started = clock.now(), due = period }
  schedule(state, 0)
  return Ticker.new(state)
end

function ticker.channel(self)
  return Ticker.state(self, "channel").channel
end
ticker.response = ticker.channel

function ticker.stop(self)
  stop(Ticker.state(self, "stop"))
  return true
end

return time
