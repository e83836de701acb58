-- A test is a function with `meta.type: test`. It fails by an error.
local funcs = require("funcs")

local function main()
  local receipt, problem = funcs.call("example:charge", "A-1", 2500)
  assert(receipt == "A-1-2500", receipt or problem)

  local none, refused = funcs.call("example:charge", "A-1", 0)
  assert(none == nil and refused:kind() == errors.INVALID, "nothing is not charged")
end

return { main = main }
