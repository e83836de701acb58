-- An order waits for an approval, for a day at most, and is charged then. It goes on after a restart of the host where it was.
local workflow, funcs, time = require("workflow"), require("funcs"), require("time")

local function main(order, cents)
  local state = "waits for approval"
  workflow.query("state", function()
    return state
  end)

  local approved, too_late = process.listen("approve"), time.after("24h")
  local picked = channel.select({ approved:case_receive(), too_late:case_receive() })
  if picked.channel == too_late or picked.value ~= true then
    state = "refused"
    return { order = order, charged = 0 }
  end

  state = "is charged"
  local receipt, problem = funcs.call("example:charge", order, cents)
  if not receipt then
    return nil, problem
  end
  state = "done"
  return { order = order, charged = cents, receipt = receipt }
end

return { main = main }
