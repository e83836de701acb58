-- Floating point arithmetic on arrays: the spectral norm of an infinite matrix, cut off.
local function a(i, j)
  local ij = i + j - 1
  return 1.0 / (ij * (ij - 1) * 0.5 + i)
end

local function multiply(n, x, y, transposed)
  for i = 1, n do
    local sum = 0
    for j = 1, n do
      sum = sum + (transposed and a(j, i) or a(i, j)) * x[j]
    end
    y[i] = sum
  end
end

return {
  main = function()
    local n, u, v, t = 120, {}, {}, {}
    for i = 1, n do
      u[i] = 1
    end
    for _ = 1, 6 do
      multiply(n, u, t)
      multiply(n, t, v, true)
      multiply(n, v, t)
      multiply(n, t, u, true)
    end
    local uv, vv = 0, 0
    for i = 1, n do
      uv, vv = uv + u[i] * v[i], vv + v[i] * v[i]
    end
    return math.sqrt(uv / vv)
  end,
}
