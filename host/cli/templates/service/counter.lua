-- A process lives until it returns, and keeps its state. Others send messages to it: `perilune send counter add 2`.
local logger, total = require("logger"), require("total")

local function main()
  assert(process.registry.register("counter"))
  logger:info("the counter is ready")
  local sum = total.new()
  local events, inbox = process.events(), process.inbox()
  while true do
    local picked = channel.select({ events:case_receive(), inbox:case_receive() })
    if picked.channel == events then
      if picked.value.kind == "pid.cancel" then
        return sum.value
      end
    elseif picked.value:topic() == "add" then
      local ok, problem = sum:add(picked.value:payload():data())
      if ok then
        logger:info("counted", { sum = sum.value })
      else
        logger:warn("not counted", { problem = problem })
      end
    end
  end
end

return { main = main }
