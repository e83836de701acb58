-- Module `json`: the host's, with results as its contract words them.
local raw, core = ...

local json = {}

function json.encode(value)
  local text, problem = raw.encode(value)
  if text == nil and problem:kind() ~= "Internal" then
    -- What cannot cross has no JSON form either.
    return nil, core.error("Internal", "cannot encode as JSON: " .. problem:message())
  end
  return text, problem
end

function json.decode(text)
  if type(text) ~= "string" then
    return nil, core.error("Invalid", "cannot decode JSON: string expected, got " .. type(text))
  end
  return raw.decode(text)
end

function json.validate(schema, data)
  local valid, problem = raw.validate(schema, data)
  return valid or false, problem
end

function json.validate_string(schema, text)
  if type(text) ~= "string" then
    return false, core.error("Invalid", "cannot validate JSON: string expected, got " .. type(text))
  end
  local valid, problem = raw.validate_string(schema, text)
  return valid or false, problem
end

return json
