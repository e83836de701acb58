-- The global `os`: time alone, whatever modules an entry has. The calendar and the host's zone come from the host.
local clock = ...

local os = { platform = "perilune" }

local function argument(position, name, problem)
  return string.format("bad argument #%d to '%s' (%s)", position, name, problem)
end

local function integer(value, position, name)
  local number = math.tointeger(value)
  if not number then
    local problem = type(value) == "number" and "number has no integer representation"
      or "number expected, got " .. type(value)
    error(argument(position, name, problem), 3)
  end
  return number
end

local function field(fields, name, default)
  local value = fields[name]
  if value == nil then
    value = default
  end
  if value == nil then
    error(string.format("field '%s' missing in date table", name), 3)
  end
  local number = math.tointeger(value)
  if not number then
    error(string.format("field '%s' is not an integer", name), 3)
  end
  return number
end

local function fill(fields, civil)
  fields.year, fields.month, fields.day = civil.year, civil.month, civil.day
  fields.hour, fields.min, fields.sec = civil.hour, civil.minute, civil.second
  fields.wday, fields.yday, fields.isdst = civil.weekday + 1, civil.year_day, civil.is_dst
  return fields
end

-- Unix seconds, now or of the fields of a table, which are local time; the table gets its fields in their usual ranges.
function os.time(fields)
  if fields == nil then
    return clock.now().seconds
  end
  if type(fields) ~= "table" then
    error(argument(1, "time", "table expected, got " .. type(fields)), 2)
  end
  local seconds = clock.from_civil({
    year = field(fields, "year"),
    month = field(fields, "month"),
    day = field(fields, "day"),
    hour = field(fields, "hour", 0),
    minute = field(fields, "min", 0),
    second = field(fields, "sec", 0),
    nanosecond = 0,
  }, fields.isdst)
  if not seconds then
    error("time result cannot be represented: it lies outside the years -9999 to 9999", 2)
  end
  if not table.isfrozen(fields) then
    fill(fields, clock.to_civil(seconds, false))
  end
  return seconds
end

-- Seconds of CPU time that this cell has used.
function os.clock()
  return clock.cpu() / 1e9
end

function os.difftime(later, earlier)
  return integer(later, 1, "difftime") - integer(earlier, 2, "difftime") + 0.0
end

local WEEKDAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local MONTHS = {
  "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
  "December",
}

-- A year has 53 weeks by ISO 8601 when it begins or ends on a Thursday.
local function iso_weeks(year)
  local function last_weekday(y)
    return (y + y // 4 - y // 100 + y // 400) % 7
  end
  return (last_weekday(year) == 4 or last_weekday(year - 1) == 3) and 53 or 52
end

-- The year and week by ISO 8601: weeks begin on Monday, week 1 has the first Thursday.
local function iso_week(t)
  local week = (t.year_day - (t.weekday + 6) % 7 + 9) // 7
  if week < 1 then
    return t.year - 1, iso_weeks(t.year - 1)
  elseif week > iso_weeks(t.year) then
    return t.year + 1, 1
  end
  return t.year, week
end

local function two(number)
  return string.format("%02d", number)
end

-- Weeks of the year when they begin `shift` days after Sunday.
local function week(t, shift)
  return two((t.year_day + 6 - (t.weekday - shift) % 7) // 7)
end

-- strftime in the C locale: a text is written in place of its letter, a function is asked.
local CONVERSIONS = {
  c = "%a %b %e %H:%M:%S %Y", D = "%m/%d/%y", F = "%Y-%m-%d", h = "%b", n = "\n", r = "%I:%M:%S %p", R = "%H:%M",
  t = "\t", T = "%H:%M:%S", x = "%m/%d/%y", X = "%H:%M:%S", ["%"] = function() return "%" end,
  a = function(t) return WEEKDAYS[t.weekday + 1]:sub(1, 3) end,
  A = function(t) return WEEKDAYS[t.weekday + 1] end,
  b = function(t) return MONTHS[t.month]:sub(1, 3) end,
  B = function(t) return MONTHS[t.month] end,
  C = function(t) return two(t.year // 100) end,
  d = function(t) return two(t.day) end,
  e = function(t) return string.format("%2d", t.day) end,
  g = function(t) return two(iso_week(t) % 100) end,
  G = function(t) return string.format("%d", (iso_week(t))) end,
  H = function(t) return two(t.hour) end,
  I = function(t) return two((t.hour + 11) % 12 + 1) end,
  j = function(t) return string.format("%03d", t.year_day) end,
  m = function(t) return two(t.month) end,
  M = function(t) return two(t.minute) end,
  p = function(t) return t.hour < 12 and "AM" or "PM" end,
  S = function(t) return two(t.second) end,
  u = function(t) return string.format("%d", (t.weekday + 6) % 7 + 1) end,
  U = function(t) return week(t, 0) end,
  V = function(t) return two((select(2, iso_week(t)))) end,
  w = function(t) return string.format("%d", t.weekday) end,
  W = function(t) return week(t, 1) end,
  y = function(t) return two(t.year % 100) end,
  Y = function(t) return string.format("%d", t.year) end,
  z = function(t)
    local minutes = math.abs(t.offset) // 60
    return string.format("%s%02d%02d", t.offset < 0 and "-" or "+", minutes // 60, minutes % 60)
  end,
  Z = function(t) return t.abbreviation end,
}

-- Letters that may follow `%E` and `%O`, which ask for forms that the C locale does not have.
local MODIFIED = { E = "^[cCxXyY]$", O = "^[deHImMSuUVwWy]$" }

-- The text, or nil and the conversion that there is not.
local function strftime(format, t)
  local unknown
  local text = format:gsub("%%([EO]?)(.?)", function(modifier, letter)
    local conversion = CONVERSIONS[letter]
    if not conversion or (modifier ~= "" and not letter:find(MODIFIED[modifier])) then
      unknown = unknown or "%" .. modifier .. letter
    elseif type(conversion) == "string" then
      return (strftime(conversion, t))
    else
      return conversion(t)
    end
  end)
  if unknown then
    return nil, unknown
  end
  return text
end

-- Text by a strftime format, or with "*t" a table; in local time, or after "!" in UTC.
function os.date(format, seconds)
  if format == nil then
    format = "%c"
  elseif type(format) ~= "string" then
    error(argument(1, "date", "string expected, got " .. type(format)), 2)
  end
  local at = seconds == nil and clock.now().seconds or integer(seconds, 2, "date")
  local utc = format:sub(1, 1) == "!"
  local civil = clock.to_civil(at, utc)
  if not civil then
    error("date result cannot be represented: it lies outside the years -9999 to 9999", 2)
  end
  format = utc and format:sub(2) or format
  if format == "*t" then
    return fill({}, civil)
  end
  local text, unknown = strftime(format, civil)
  if not text then
    error(argument(1, "date", "invalid conversion specifier '" .. unknown .. "'"), 2)
  end
  return text
end

return os
