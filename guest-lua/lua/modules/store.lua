-- Module `store`: a Store stands for a handle of the host.
--
-- State of a Store: handle.
local raw, core = ...

local store = {
  backend = { KV_RAFT = "kv_raft", KV_CRDT = "kv_crdt", MEMORY = "memory", SQL = "sql", UNKNOWN = "unknown" },
  consistency = { LINEARIZABLE = "linearizable", EVENTUAL = "eventual", LOCAL = "local", UNKNOWN = "unknown" },
}
local methods = {}
local Store = core.class("Store", methods)

local function invalid(text, ...)
  return core.error("Invalid", text:format(...))
end

-- Nil, or what is wrong with a key.
local function key_problem(key)
  if type(key) ~= "string" then
    return invalid("a key is a string, not a %s", type(key))
  end
end

-- Nil, or the first option of a table that is unknown or of another type than it should be.
local function options_problem(options, types)
  if options == nil then
    return nil
  elseif type(options) ~= "table" then
    return invalid("options are a table, not a %s", type(options))
  end
  for name, value in pairs(options) do
    local expected = types[name]
    if not expected then
      return invalid("there is no option %s", tostring(name))
    elseif type(value) ~= expected or expected == "number" and name == "limit" and not math.tointeger(value) then
      return invalid("option %s is not a %s", name, name == "limit" and "whole number" or expected)
    end
  end
end

function store.get(id)
  if type(id) ~= "string" then
    return nil, invalid("the id of a store is a string, not a %s", type(id))
  end
  local handle, problem = raw.open(id)
  if not handle then
    return nil, problem
  end
  return Store.new({ handle = handle })
end

function methods.get(self, key)
  local item, problem = methods.entry(self, key)
  if not item then
    return nil, problem
  end
  return item.value
end

function methods.entry(self, key)
  local handle, problem = Store.state(self, "entry").handle, key_problem(key)
  if problem then
    return nil, problem
  end
  return raw.get(handle, key)
end

-- The version, or nil and an error.
local function put(handle, key, value, options)
  local problem = key_problem(key)
  if problem then
    return nil, problem
  elseif value == nil then
    return nil, invalid("there is no value to store; to remove one, use delete")
  end
  return raw.put(handle, key, value, options.ttl or 0, options.only_if_absent or false, options.if_version)
end

function methods.set(self, key, value, ttl)
  local handle = Store.state(self, "set").handle
  if ttl ~= nil and type(ttl) ~= "number" then
    return nil, invalid("a time to live is a number of seconds, not a %s", type(ttl))
  end
  local version, problem = put(handle, key, value, { ttl = ttl })
  if not version then
    return nil, problem
  end
  return true
end

local PUT = { ttl = "number", only_if_absent = "boolean", if_version = "string" }

function methods.put(self, key, value, options)
  local handle, problem = Store.state(self, "put").handle, options_problem(options, PUT)
  local version
  if not problem then
    version, problem = put(handle, key, value, options or {})
  end
  if not version then
    return nil, problem
  end
  return { key = key, value = value, version = version }
end

function methods.has(self, key)
  local handle, problem = Store.state(self, "has").handle, key_problem(key)
  if problem then
    return nil, problem
  end
  return raw.has(handle, key)
end

function methods.delete(self, key)
  local handle, problem = Store.state(self, "delete").handle, key_problem(key)
  if problem then
    return nil, problem
  end
  return raw.delete(handle, key)
end

local LIST = { prefix = "string", after = "string", limit = "number" }

function methods.list(self, options)
  local handle, problem = Store.state(self, "list").handle, options_problem(options, LIST)
  if problem then
    return nil, problem
  end
  options = options or {}
  return raw.list(handle, options.prefix or "", options.after, math.tointeger(options.limit))
end

function methods.info(self)
  return raw.info(Store.state(self, "info").handle)
end

function methods.release(self)
  raw.release(Store.state(self, "release").handle)
  return true
end

return store
