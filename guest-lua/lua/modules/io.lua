-- Module `io`: the terminal of a process on a terminal.host.
local raw, core = ...

local io = { args = raw.args }

-- Waits only where the terminal has no room.
local function put(to, data)
  local taken, problem = raw.offer(to, data)
  if taken == false then
    taken, problem = raw.write(to, data)
  end
  if problem then
    return nil, problem
  end
  return true
end

local function texts(...)
  local list = { ... }
  for i = 1, select("#", ...) do
    list[i] = tostring(list[i])
  end
  return list
end

function io.write(...)
  return put("output", table.concat(texts(...)))
end

function io.print(...)
  return put("output", table.concat(texts(...), "\t") .. "\n")
end

function io.eprint(...)
  return put("errors", table.concat(texts(...), "\t") .. "\n")
end

function io.flush()
  local _, problem = raw.flush()
  if problem then
    return nil, problem
  end
  return true
end

local function ended(data, problem)
  if data == nil then
    return nil, problem or core.error("NotFound", "EOF")
  end
  return data
end

function io.read(most)
  if most ~= nil and (math.type(most) ~= "integer" or most < 1 or most > 1048576) then
    return nil, core.error("Invalid", "io.read takes a number of bytes from 1 to 1048576")
  end
  return ended(raw.read(most or 1024))
end

function io.readline()
  return ended(raw.read_line())
end

function io.raw(enable)
  if enable ~= nil and type(enable) ~= "boolean" then
    return nil, core.error("Invalid", "io.raw takes a boolean, not a " .. core.describe(enable))
  end
  local _, problem = raw.raw(enable ~= false)
  if problem then
    return nil, problem
  end
  return true
end

return io
