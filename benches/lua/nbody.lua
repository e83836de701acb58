-- Floating point arithmetic on fields of tables: planets round a sun.
local function bodies()
  local list = {}
  for i = 1, 5 do
    list[i] = { x = i * 1.5, y = i * 0.7, z = i * 0.3, vx = 0.01 * i, vy = 0.02 / i, vz = 0.001 * i, mass = 40 / i ^ 3 }
  end
  return list
end

local function advance(list, dt)
  local n = #list
  for i = 1, n do
    local a = list[i]
    for j = i + 1, n do
      local b = list[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      local squared = dx * dx + dy * dy + dz * dz
      local magnitude = dt / (squared * math.sqrt(squared))
      a.vx, a.vy, a.vz = a.vx - dx * b.mass * magnitude, a.vy - dy * b.mass * magnitude, a.vz - dz * b.mass * magnitude
      b.vx, b.vy, b.vz = b.vx + dx * a.mass * magnitude, b.vy + dy * a.mass * magnitude, b.vz + dz * a.mass * magnitude
    end
  end
  for i = 1, n do
    local body = list[i]
    body.x, body.y, body.z = body.x + dt * body.vx, body.y + dt * body.vy, body.z + dt * body.vz
  end
end

return {
  main = function()
    local list = bodies()
    for _ = 1, 10000 do
      advance(list, 0.001)
    end
    return list[1].x
  end,
}
