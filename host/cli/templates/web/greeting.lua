-- What the endpoint says, apart from requests, so that a test can have it too.
local greeting = {}

function greeting.to(name)
  if name == nil or name == "" then
    name = "world"
  end
  return "Hello, " .. name .. "!"
end

return greeting
