-- Allocation and collection: binary trees.
local function tree(depth)
  if depth == 0 then
    return {}
  end
  return { tree(depth - 1), tree(depth - 1) }
end

local function count(node)
  if not node[1] then
    return 1
  end
  return 1 + count(node[1]) + count(node[2])
end

return {
  main = function()
    local sum = 0
    for _ = 1, 12 do
      sum = sum + count(tree(12))
    end
    return sum
  end,
}
