-- A test is a function with `meta.type: test`. It fails by an error.
local total = require("total")

local function main()
  local sum = total.new()
  assert(sum:add(2) and sum:add(3))
  assert(sum.value == 5, "the sum is " .. sum.value)

  local ok, problem = sum:add("much")
  assert(not ok and problem == "not a number: much", problem)
  assert(sum.value == 5, "what is refused changes nothing")
end

return { main = main }
