-- 100,000 switches between two coroutines.
return {
  main = function()
    local next_number = coroutine.wrap(function()
      for i = 1, 100001 do
        coroutine.yield(i)
      end
    end)
    local sum = 0
    for _ = 1, 100000 do
      sum = sum + next_number()
    end
    return sum
  end,
}
