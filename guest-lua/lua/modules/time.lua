-- Module `time`: instants, durations and zones as objects, and waiting.
--
-- The calendar, zones and layouts are the host's work. Sums and comparisons are done here, where they cost no call.
local raw, core = ...

local NANOSECOND, MICROSECOND, MILLISECOND, SECOND = 1, 1000, 1000000, 1000000000
local MINUTE, HOUR = 60 * SECOND, 3600 * SECOND

local time = {
  NANOSECOND = NANOSECOND, MICROSECOND = MICROSECOND, MILLISECOND = MILLISECOND, SECOND = SECOND, MINUTE = MINUTE,
  HOUR = HOUR,
  RFC3339 = "2006-01-02T15:04:05Z07:00",
  RFC3339NANO = "2006-01-02T15:04:05.999999999Z07:00",
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

-- The files add their functions to `time`.
local arguments = core.file("modules/time/arguments")()
local duration = core.file("modules/time/duration")(raw, core, time, arguments)
local location = core.file("modules/time/location")(raw, core, time, arguments)
local instant = core.file("modules/time/instant")(raw, core, time, arguments, location)
core.file("modules/time/methods")(raw, time, arguments, duration, location, instant)
core.file("modules/time/waiting")(raw, core, time, arguments, duration, instant)

return time
