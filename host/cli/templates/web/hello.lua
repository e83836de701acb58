-- GET /api/hello?name=Ada
local http, greeting = require("http"), require("greeting")

local function main()
  local request, response = http.request(), http.response()
  response:write_json({ text = greeting.to(request:query("name")) })
end

return { main = main }
