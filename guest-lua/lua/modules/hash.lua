-- Module `hash`: anything but strings is an error to return, not to raise.
local raw, core = ...

local hash = {}

local function refused(name, what, value)
  local text = "hash.%s: %s must be a string, got %s"
  return nil, core.error("Invalid", text:format(name, what, type(value)))
end

for name, digest in pairs(raw) do
  if name:find("^hmac_") then
    hash[name] = function(data, secret, binary)
      if type(data) ~= "string" then
        return refused(name, "data", data)
      elseif type(secret) ~= "string" then
        return refused(name, "secret", secret)
      end
      return digest(data, secret, binary)
    end
  else
    hash[name] = function(data, binary)
      if type(data) ~= "string" then
        return refused(name, "data", data)
      end
      return digest(data, binary)
    end
  end
end

return hash
