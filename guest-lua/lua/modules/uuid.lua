-- Module `uuid`: anything but strings is an error to return, not to raise.
local raw, core = ...

local uuid = { v1 = raw.v1, v4 = raw.v4, v7 = raw.v7 }

-- A function whose first `count` arguments are strings.
local function of_strings(name, count)
  uuid[name] = function(...)
    for position = 1, count do
      local value = select(position, ...)
      if type(value) ~= "string" then
        local text = "uuid.%s: argument %d must be a string, got %s"
        return nil, core.error("Invalid", text:format(name, position, type(value)))
      end
    end
    return raw[name](...)
  end
end

of_strings("v3", 2)
of_strings("v5", 2)
of_strings("version", 1)
of_strings("variant", 1)
of_strings("parse", 1)
of_strings("format", 2)

function uuid.validate(value)
  return type(value) == "string" and raw.validate(value)
end

return uuid
