-- A test is a function with `meta.type: test`. It fails by an error.
local greeting = require("greeting")

local function main()
  assert(greeting.to("Ada") == "Hello, Ada!", greeting.to("Ada"))
  assert(greeting.to(nil) == "Hello, world!", "who has no name is the world")
  assert(greeting.to("") == "Hello, world!", "an empty name is none")
end

return { main = main }
