-- Amounts are whole cents: nothing is lost to rounding.
local money = {}

function money.format(cents)
  return string.format("%d.%02d EUR", cents // 100, cents % 100)
end

return money
