-- Global `payload`: a value together with the format that it is in.
--
-- State of a payload: format, and value (plain formats) or bytes (all others).
local raw, core = ...

local format = {
  JSON = "json/plain",
  YAML = "yaml/plain",
  STRING = "text/plain",
  GOLANG = "golang/any",
  LUA = "lua/any",
  BYTES = "application/octet-stream",
  MSGPACK = "application/msgpack",
  ERROR = "golang/error",
}

-- Formats that hold a Lua value as it is.
local PLAIN = { [format.LUA] = true, [format.GOLANG] = true, [format.ERROR] = true }

-- As the host has it: longer YAML is read apart, and suspends only the coroutine that asks for it.
local QUICK = 64 * 1024

local methods = {}
local Payload

local function failed(problem)
  return nil, core.error("Internal", problem:message(), problem:details())
end

function methods.get_format(self)
  return Payload.state(self, "get_format").format
end

local function content(state)
  if PLAIN[state.format] then
    return state.value
  end
  local large = state.format == format.YAML and #state.bytes > QUICK
  local value, problem = (large and raw.decode_large or raw.decode)(state.format, state.bytes)
  if problem then
    return failed(problem)
  end
  return value
end

-- The Lua value, whatever the format.
function methods.data(self)
  return content(Payload.state(self, "data"))
end

function methods.unmarshal(self)
  return content(Payload.state(self, "unmarshal"))
end

function methods.transcode(self, target)
  local state = Payload.state(self, "transcode")
  if type(target) ~= "string" then
    error("bad argument #1 to 'transcode' (string expected, got " .. type(target) .. ")", 2)
  end
  local value, problem = content(state)
  if problem then
    return nil, problem
  end
  if target == format.ERROR and not core.is_error(value) then
    return nil, core.error("Internal", "cannot transcode " .. state.format .. " to " .. target .. ": it is no error")
  end
  if PLAIN[target] then
    return Payload.new({ format = target, value = value })
  end
  local bytes
  bytes, problem = raw.encode(target, value)
  if not bytes and not problem then
    bytes, problem = raw.encode_large(target, value)
  end
  if problem then
    return failed(problem)
  end
  return Payload.new({ format = target, bytes = bytes })
end

Payload = core.class("payload", methods, {
  __tostring = function(self)
    return "payload{format=" .. Payload.state(self).format .. "}"
  end,
})

local payload = { format = format }

function payload.new(value)
  return Payload.new({ format = core.is_error(value) and format.ERROR or format.LUA, value = value })
end

return payload
