-- A test is a function with `meta.type: test`. It fails by an error.
local funcs = require("funcs")

local function main()
  local greeting, problem = funcs.call("example:greet", { name = "Ada" })
  assert(greeting, problem)
  assert(greeting.text == "Hello, Ada!", greeting.text)

  local none, refused = funcs.call("example:greet", {})
  assert(none == nil and refused:kind() == errors.INVALID, "a greeting without a name is refused")
end

return { main = main }
