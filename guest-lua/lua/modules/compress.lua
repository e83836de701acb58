-- Module `compress`: a table for each algorithm. What takes longer than a few milliseconds suspends only its coroutine.
local raw, core = ...

local compress = {}

local function refused(name, what)
  return nil, core.error("Invalid", "compress." .. name .. ": " .. what)
end

local function article(noun)
  return (noun:find("^[aeiou]") and "an " or "a ") .. noun
end

-- An option that must be of a type, or absent.
local function option(options, name, expected)
  local value = options[name]
  local found = math.type(value) or type(value)
  return value == nil or found == expected, value, name .. " must be " .. article(expected) .. ", not " .. article(found)
end

local function check(data, options)
  if type(data) ~= "string" or data == "" then
    return "the data must be a string that is not empty"
  elseif options ~= nil and type(options) ~= "table" then
    return "options must be a table, not a " .. type(options)
  end
end

for _, name in ipairs({ "gzip", "deflate", "zlib", "brotli", "zstd" }) do
  -- Runs `small`, and `large` where that gives no answer.
  local function work(verb, setting, data, options)
    local problem = check(data, options)
    if problem then
      return refused(name, problem)
    end
    options = options or {}
    local fine, value, wrong = option(options, setting, "integer")
    if not fine or (setting == "max_size" and value and value < 1) then
      return refused(name, fine and "max_size must be at least 1" or wrong)
    end
    local dict
    fine, dict, wrong = option(options, "dict", "string")
    if not fine then
      return refused(name, wrong)
    end
    local how = { algorithm = name, dict = dict or "", level = value, max_size = value or 0 }
    local result, err = raw[verb .. "_small"](how, data)
    if result or err then
      return result, err
    end
    return raw[verb](how, data)
  end

  compress[name] = {
    encode = function(data, options)
      return work("encode", "level", data, options)
    end,
    decode = function(data, options)
      return work("decode", "max_size", data, options)
    end,
  }
end

return compress
