-- Module `logger`: itself the root logger; `with` and `named` make children.
local raw, core = ...

local logger = {}
local root = { name = "", fields = {} }
local Logger

local function state_of(self, name)
  return self == logger and root or Logger.state(self, name)
end

-- What could not cross as it is, is logged as text.
local function loggable(value)
  local kind = type(value)
  if kind == "function" or kind == "thread" or (kind == "userdata" and not core.is_error(value)) then
    return tostring(value)
  end
  return value
end

local function merged(fields, more)
  local all = {}
  for key, value in pairs(fields) do
    all[key] = value
  end
  for key, value in pairs(more or {}) do
    all[tostring(key)] = loggable(value)
  end
  return all
end

local function check_fields(fields, position, name)
  if fields ~= nil and type(fields) ~= "table" then
    error(("bad argument #%d to '%s' (table expected, got %s)"):format(position, name, type(fields)), 3)
  end
end

for _, level in ipairs({ "debug", "info", "warn", "error" }) do
  logger[level] = function(self, message, fields)
    local state = state_of(self, level)
    check_fields(fields, 2, level)
    raw.write(level, state.name, tostring(message), merged(state.fields, fields), core.location(1))
  end
end

-- A child whose records carry these fields too.
function logger.with(self, fields)
  local state = state_of(self, "with")
  check_fields(fields, 1, "with")
  return Logger.new({ name = state.name, fields = merged(state.fields, fields) })
end

-- A child with one more part in its dotted name.
function logger.named(self, name)
  local state = state_of(self, "named")
  if type(name) ~= "string" or name == "" then
    error("bad argument #1 to 'named' (non-empty string expected)", 2)
  end
  return Logger.new({ name = state.name == "" and name or state.name .. "." .. name, fields = state.fields })
end

Logger = core.class("logger", logger)

return logger
