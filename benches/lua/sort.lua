-- table.sort with and without a comparator, on numbers from a fixed generator.
return {
  main = function()
    local seed, list, copy = 42, {}, {}
    for i = 1, 30000 do
      seed = (seed * 1103515245 + 12345) % 2147483648
      list[i], copy[i] = seed, seed
    end
    table.sort(list)
    table.sort(copy, function(a, b) return a > b end)
    return list[1] + copy[1]
  end,
}
