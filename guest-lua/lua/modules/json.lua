-- Module `json`: written and read in the cell where that is simple, else by the host, with results as its contract words them.
local raw, core = ...

local json = {}

function json.encode(value)
  local text, problem = core.json_encode(value)
  if text then
    return text
  end
  text, problem = raw.encode(value)
  if text then
    return text
  elseif problem:kind() ~= "Internal" then
    -- What cannot cross has no JSON form either.
    problem = core.error("Internal", "cannot encode as JSON: " .. problem:message())
  end
  return nil, problem
end

function json.decode(text)
  if type(text) ~= "string" then
    return nil, core.error("Invalid", "cannot decode JSON: string expected, got " .. type(text))
  end
  local value = core.json_decode(text)
  if value ~= nil then
    return value
  end
  return raw.decode(text)
end

local function validity(valid, problem)
  if valid then
    return true
  end
  return false, problem
end

function json.validate(schema, data)
  return validity(raw.validate(schema, data))
end

function json.validate_string(schema, text)
  if type(text) ~= "string" then
    return false, core.error("Invalid", "cannot validate JSON: string expected, got " .. type(text))
  end
  return validity(raw.validate_string(schema, text))
end

return json
