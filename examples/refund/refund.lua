-- A refund: large ones wait for somebody's approval, for three days at most. It survives restarts of the host at any line.
local workflow, funcs, time = require("workflow"), require("funcs"), require("time")

return {
  main = function(order, cents)
    local state = "begun"
    workflow.query("state", function()
      return state
    end)

    if cents > 10000 then
      state = "waits for approval"
      local decided = process.listen("decision")
      local too_late = time.after("72h")
      local picked = channel.select({ decided:case_receive(), too_late:case_receive() })
      if picked.channel == too_late or picked.value ~= "yes" then
        state = "refused"
        return { order = order, refunded = 0, why = picked.channel == too_late and "nobody decided" or "refused" }
      end
    end

    state = "pays"
    local receipt, problem = funcs.call("refund:pay", order, cents)
    if not receipt then
      return nil, problem
    end
    state = "done"
    return { order = order, refunded = cents, receipt = receipt }
  end,
}
