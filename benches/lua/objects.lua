-- Objects: methods through metatables, inheritance, closures that hold state, operators.
local Account = {}
Account.__index = Account

function Account.new(balance)
  return setmetatable({ balance = balance, log = 0 }, Account)
end

function Account:deposit(amount)
  self.balance = self.balance + amount
  return self
end

function Account:fee()
  return 1
end

function Account.__lt(left, right)
  return left.balance < right.balance
end

local Savings = setmetatable({}, { __index = Account })
Savings.__index = Savings
Savings.__lt = Account.__lt

function Savings.new(balance)
  return setmetatable(Account.new(balance), Savings)
end

function Savings:fee()
  return 2
end

local function accumulator()
  local total = 0
  return function(value)
    total = total + value
    return total
  end
end

return {
  main = function()
    local add, last = accumulator(), 0
    for i = 1, 60000 do
      local account = i % 2 == 0 and Account.new(i) or Savings.new(i)
      account:deposit(5):deposit(-account:fee())
      if Account.new(30000) < account then
        last = add(account.balance)
      end
    end
    return last
  end,
}
