-- Module `base64`: anything but a string is an error to return, not to raise.
local raw, core = ...

local base64 = {}

for name, call in pairs(raw) do
  base64[name] = function(data)
    if type(data) ~= "string" then
      return nil, core.error("Invalid", "base64." .. name .. ": string expected, got " .. type(data))
    end
    return call(data)
  end
end

return base64
