-- Location: the record `location` of wit/time.wit; and the functions that make one.
local raw, core, time, arguments = ...
local argument, integer, text = arguments.problem, arguments.integer, arguments.text

local methods = {}
local Location

Location = core.class("time.Location", methods, {
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

function methods.string(self)
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

return { class = Location, of = location_of, argument = place_argument }
