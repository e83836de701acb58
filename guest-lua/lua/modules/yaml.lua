-- Module `yaml`. Large texts suspend only the coroutine that has them read or written.
local raw, core = ...

-- As the host has it: longer texts are read apart.
local QUICK = 64 * 1024

local yaml = {}

local function failed(problem)
  if problem:kind() == "Invalid" then
    -- What cannot cross has no YAML form either.
    problem = core.error("Internal", "cannot encode as YAML: " .. problem:message())
  end
  return nil, problem
end

-- The option `field_order` as a list of strings; nothing and why when it is none.
local function order_of(options)
  if options == nil then
    return {}
  elseif type(options) ~= "table" then
    return nil, "options must be a table, not a " .. type(options)
  elseif options.sort_unordered ~= nil and type(options.sort_unordered) ~= "boolean" then
    return nil, "sort_unordered must be a boolean, not a " .. type(options.sort_unordered)
  end
  local order = options.field_order
  if order == nil then
    return {}
  elseif type(order) ~= "table" then
    return nil, "field_order must be a list of strings, not a " .. type(order)
  end
  for position = 1, #order do
    if type(order[position]) ~= "string" then
      return nil, "field_order must be a list of strings; item " .. position .. " is a " .. type(order[position])
    end
  end
  return order
end

function yaml.encode(value, options)
  if type(value) ~= "table" then
    return nil, core.error("Invalid", "cannot encode as YAML: table expected, got " .. type(value))
  end
  local order, problem = order_of(options)
  if not order then
    return nil, core.error("Invalid", "yaml.encode: " .. problem)
  end
  local text, err = raw.encode(value, order)
  if err then
    return failed(err)
  elseif text then
    return text
  end
  text, err = raw.encode_large(value, order)
  if err then
    return failed(err)
  end
  return text
end

function yaml.decode(text)
  if type(text) ~= "string" then
    return nil, core.error("Invalid", "cannot decode YAML: string expected, got " .. type(text))
  elseif #text <= QUICK then
    return raw.decode(text)
  end
  return raw.decode_large(text)
end

return yaml
