-- Charges an order: the place for a call of a bank. An error is tried again, unless it says that this cannot help.
local function main(order, cents)
  if math.type(cents) ~= "integer" or cents <= 0 then
    return nil, errors.new({ kind = errors.INVALID, message = "nothing to charge", retryable = false })
  end
  return string.format("%s-%d", order, cents)
end

return { main = main }
