-- The globals of one chunk: what every chunk has, the modules its entry lists, and its imports. Each chunk gets its own
-- table; the libraries in it are shared and read-only.
local log, native, libraries = ...

local BASE = {
  "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select",
  "setmetatable", "tonumber", "tostring", "type", "xpcall",
}

local base = {}
for _, name in ipairs(BASE) do
  base[name] = _ENV[name]
end
base._VERSION = _VERSION
base.unpack = table.unpack

-- Joins by one space and hands the line to the host.
function base.print(...)
  local texts = table.pack(...)
  for i = 1, texts.n do
    texts[i] = tostring(texts[i])
  end
  log.print(table.concat(texts, " "), native.where(1))
end

-- names: what `require` finds besides the libraries.
return function(id, names)
  local environment = {}
  for name, value in pairs(base) do
    environment[name] = value
  end
  for name, library in pairs(libraries.globals) do
    environment[name] = library
  end
  for name, value in pairs(names) do
    environment[name] = value
  end
  environment._G = environment

  function environment.require(name)
    local value = names[name]
    if value == nil then
      value = libraries.required[name]
    end
    if value == nil then
      local text = "module '%s' not found: %s lists it neither in modules nor in imports"
      error(text:format(tostring(name), id), 2)
    end
    return value
  end

  return environment
end
