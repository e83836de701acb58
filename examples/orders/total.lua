local funcs = require("funcs")
local money = require("money")

local function main(order)
  local net = 0 ---@type number
  for _, item in ipairs(order.items) do
    net = net + item.cents * item.count
  end
  local gross, err = funcs.call("shop:tax.add", net, order.country)
  if err then
    return nil, errors.wrap(err, "order " .. order.id)
  end
  return { id = order.id, gross = gross, text = money.format(gross) }
end

return { main = main }
