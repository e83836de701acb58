
-- Part PART: orders of one kind, priced, grouped and shown. Handlers use one function of it,
-- as they do of most libraries.
local rates_PART = { DE = 0.19, FR = 0.20, IT = 0.22, ES = 0.21, PL = 0.23, reduced = { DE = 0.07, FR = 0.055 } }

local function price_PART(item, country)
  local rate = rates_PART[country] or error("no rate for " .. tostring(country))
  return math.floor(item.cents * (item.count or 1) * (1 + rate) + 0.5)
end

local counter_PART = (function()
  local count = 0
  return function(step)
    count = count + (step or 1)
    return count
  end
end)()

function M.total_PART(order)
  local sum, seen = 0, {}
  for index, item in ipairs(order.items or {}) do
    seen[item.name or index] = (seen[item.name or index] or 0) + 1
    sum = sum + price_PART(item, order.country)
  end
  return sum, seen, counter_PART()
end

function M.greet_PART(name)
  return string.format("part PART greets %s (%d)\n", name:upper(), counter_PART())
end
