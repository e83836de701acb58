-- Text to tokens `{kind, value, at}`: kind is number, string, name, op or end; `at` is the byte where it begins.
local fail = ...

-- Longest first.
local OPERATORS = {
  "?.", "??", "||", "&&", "==", "!=", "<=", ">=", "**", "..",
  "<", ">", "!", "+", "-", "*", "/", "%", "^", "|", "?", ":", ".", ",", ";", "(", ")", "[", "]", "{", "}", "#", "=",
}

local ESCAPES = {
  a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v", ["\\"] = "\\", ['"'] = '"', ["'"] = "'", ["/"] = "/",
}

-- A character as UTF-8.
local function character(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 | code >> 6, 0x80 | code & 0x3F)
  elseif code < 0x10000 then
    return string.char(0xE0 | code >> 12, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F)
  end
  return string.char(0xF0 | code >> 18, 0x80 | code >> 12 & 0x3F, 0x80 | code >> 6 & 0x3F, 0x80 | code & 0x3F)
end

-- The text between quotes, and where it goes on after them.
local function quoted(text, at)
  local quote = text:sub(at, at)
  if quote == "`" then
    local stop = text:find("`", at + 1, true)
    if not stop then
      fail(text, at, "a string has no end")
    end
    return text:sub(at + 1, stop - 1), stop + 1
  end
  local parts, from = {}, at + 1
  while true do
    local stop = text:find("[\\\n" .. quote .. "]", from)
    local found = stop and text:sub(stop, stop)
    if not stop or found == "\n" then
      fail(text, at, "a string has no end")
    end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if found == quote then
      return table.concat(parts), stop + 1
    end
    local escape = text:sub(stop + 1, stop + 1)
    local code, after = text:match("^u(%x%x%x%x)()", stop + 1)
    if not code then
      code, after = text:match("^x(%x%x)()", stop + 1)
    end
    if code then
      parts[#parts + 1] = escape == "u" and character(tonumber(code, 16)) or string.char(tonumber(code, 16))
      from = after
    elseif ESCAPES[escape] then
      parts[#parts + 1] = ESCAPES[escape]
      from = stop + 2
    else
      fail(text, stop, "a string has no escape \\" .. escape)
    end
  end
end

local BASES = { x = 16, X = 16, o = 8, O = 8, b = 2, B = 2 }

-- Digits without the underscores between them.
local function plain(digits, text, at)
  if digits:find("__", 1, true) or digits:find("_$") then
    fail(text, at, "an underscore stands between digits")
  end
  return (digits:gsub("_", ""))
end

-- A number and where the text goes on; nothing where there is none.
local function number(text, at)
  local base, digits, after = text:match("^0([xXoObB])([%x_]+)()", at)
  if base then
    local value = 0
    for digit in plain(digits, text, at):gmatch(".") do
      local more = tonumber(digit, 16)
      if more >= BASES[base] or value > (math.maxinteger - more) // BASES[base] then
        fail(text, at, "a number is malformed or beyond 64 bits")
      end
      value = value * BASES[base] + more
    end
    return value, after
  end
  -- One dot only: two are a range.
  local whole, stop = text:match("^(%d[%d_]*)()", at)
  local fraction, fraction_stop = text:match("^%.(%d[%d_]*)()", stop or at)
  local point = text:match("^%.()", stop or at)
  if not whole and not fraction then
    return
  end
  local float = fraction ~= nil or (whole and point and not text:match("^[%.%a_]", point))
  local last = fraction and fraction_stop or float and point or stop
  local exponent, exponent_stop = text:match("^[eE]([+-]?%d[%d_]*)()", last)
  if float or exponent then
    local spelled = plain(whole or "0", text, at) .. "." .. plain(fraction or "0", text, at)
    local value = tonumber(spelled .. (exponent and "e" .. plain(exponent, text, at) or ""))
    if value == math.huge then
      fail(text, at, "a number is too large")
    end
    return value, exponent_stop or last
  end
  local value = math.tointeger(tonumber(plain(whole, text, at)))
  if not value then
    fail(text, at, "a number is beyond 64 bits")
  end
  return value, last
end

local function operator(text, at)
  for _, op in ipairs(OPERATORS) do
    if text:sub(at, at + #op - 1) == op then
      return op
    end
  end
end

-- Where the next token begins.
local function skip(text, at)
  while true do
    local next_at = text:match("^%s*()", at)
    if text:find("^//", next_at) then
      next_at = text:match("^[^\n]*()", next_at)
    elseif text:find("^/%*", next_at) then
      local _, stop = text:find("*/", next_at + 2, true)
      if not stop then
        fail(text, next_at, "a comment has no end")
      end
      next_at = stop + 1
    end
    if next_at == at then
      return at
    end
    at = next_at
  end
end

return function(text)
  local tokens, at = {}, 1
  while true do
    at = skip(text, at)
    local token = { at = at }
    tokens[#tokens + 1] = token
    if at > #text then
      token.kind, token.value = "end", "the end"
      return tokens
    end
    local name, after = text:match("^([%a_$][%w_]*)()", at)
    local value
    if name then
      token.kind, token.value = "name", name
    elseif text:find("^[\"'`]", at) then
      token.kind = "string"
      token.value, after = quoted(text, at)
    else
      value, after = number(text, at)
      if value then
        token.kind, token.value = "number", value
      else
        local op = operator(text, at)
        if not op then
          fail(text, at, "there is no operator " .. text:sub(at, at))
        end
        token.kind, token.value, after = "op", op, at + #op
      end
    end
    at = after
  end
end
