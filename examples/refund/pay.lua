-- The bank is down for the first attempt. The key is the same for all of them, so a bank that knows such keys pays once.
local workflow = require("workflow")

return {
  main = function(order, cents)
    local attempt = workflow.activity()
    if attempt.attempt == 1 then
      return nil, errors.new({ kind = errors.UNAVAILABLE, message = "the bank does not answer", retryable = true })
    end
    return string.format("%s-%d", order, cents)
  end,
}
