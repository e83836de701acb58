-- Tables that grow and shrink: maps by text, a queue, inserts and removes in the middle.
return {
  main = function()
    local sum = 0
    for round = 1, 4 do
      local map, keys = {}, {}
      for i = 1, 8000 do
        local key = "key" .. (i * 7919 % 10007)
        map[key] = (map[key] or 0) + i
        keys[i] = key
      end
      for i = 1, #keys, 3 do
        map[keys[i]] = nil
      end
      for _, value in pairs(map) do
        sum = sum + value
      end
      local queue, first, last = {}, 1, 0
      for i = 1, 20000 do
        last = last + 1
        queue[last] = i
        if i % 3 ~= 0 then
          sum, queue[first] = sum + queue[first], nil
          first = first + 1
        end
      end
      local list = {}
      for i = 1, 400 do
        table.insert(list, i // 2 + 1, i * round)
      end
      while #list > 0 do
        sum = sum + table.remove(list, #list // 2 + 1)
      end
    end
    return sum
  end,
}
