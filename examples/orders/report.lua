local funcs = require("funcs")
local json = require("json")
local registry = require("registry")
local money = require("money")

-- Every argument is an order as JSON. Their totals are computed at the same time, and printed in the order they were given.
local function main(...)
  local handlers = assert(registry.find({ type = "handler" }))
  print("orders go to", assert(handlers[1]).id)

  local futures = {}
  for position, text in ipairs({ ... }) do
    local order, err = json.decode(text)
    if err then
      return nil, err
    end
    futures[position] = funcs.async("shop:total", order)
  end

  local sum, failed = 0, 0
  for _, future in ipairs(futures) do
    local answer = future:response():receive()
    if future:error() then
      failed = failed + 1
      print("failed:", answer)
    else
      local total = answer:data()
      sum = sum + total.gross
      print(total.id, total.text)
    end
  end
  print("sum:", money.format(sum))
  return failed
end

return { main = main }
