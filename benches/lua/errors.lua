-- Raising and catching: 100,000 errors through pcall.
return {
  main = function()
    local caught = 0
    for _ = 1, 100000 do
      if not pcall(error, "no") then
        caught = caught + 1
      end
    end
    return caught
  end,
}
