local funcs = require("funcs")

local function main(text)
  local sum, err = funcs.call("sums:adler32", text)
  if err then
    return nil, err
  end
  return string.format("%08x", sum)
end

return { main = main }
