-- Backtracking: all ways to place eight queens.
local function place(n, row, columns, rising, falling)
  if row > n then
    return 1
  end
  local found = 0
  for column = 1, n do
    local up, down = row + column, row - column + n
    if not (columns[column] or rising[up] or falling[down]) then
      columns[column], rising[up], falling[down] = true, true, true
      found = found + place(n, row + 1, columns, rising, falling)
      columns[column], rising[up], falling[down] = false, false, false
    end
  end
  return found
end

return {
  main = function()
    local found = 0
    for _ = 1, 40 do
      found = found + place(8, 1, {}, {}, {})
    end
    return found
  end,
}
