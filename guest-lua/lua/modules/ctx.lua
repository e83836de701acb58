-- Module `ctx`: a key that is no string is an error to return, not to raise.
local raw, core = ...

local ctx = { all = raw.all }

function ctx.get(key)
  if type(key) ~= "string" then
    return nil, core.error("Invalid", "ctx.get: key must be a string, got " .. type(key))
  end
  return raw.get(key)
end

return ctx
