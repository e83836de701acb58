-- What the counter knows, apart from messages, so that a test can have it too.
local total = {}
total.__index = total

function total.new()
  return setmetatable({ value = 0 }, total)
end

-- Adds a number; anything else is refused.
function total:add(number)
  if type(number) ~= "number" then
    return false, "not a number: " .. tostring(number)
  end
  self.value = self.value + number
  return true
end

return total
