-- Arguments and results are JSON. Every call begins with clean memory.
local function main(input)
  local name = input and input.name
  if type(name) ~= "string" or name == "" then
    return nil, errors.new({ kind = errors.INVALID, message = 'a greeting needs a name: {"name": "Ada"}' })
  end
  return { text = "Hello, " .. name .. "!" }
end

return { main = main }
