-- Building, searching and replacing strings.
return {
  main = function()
    local parts = {}
    for i = 1, 10000 do
      parts[#parts + 1] = string.format("%05d:%s", i, ("ab"):rep(i % 7))
    end
    local text = table.concat(parts, ",")
    local replaced, hits = text:gsub("%d+", function(digits) return digits:reverse() end)
    local words = 0
    for _ in replaced:gmatch("[^,]+") do
      words = words + 1
    end
    return hits + words + #replaced:upper()
  end,
}
