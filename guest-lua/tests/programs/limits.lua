-- Limits of the interpreter: they throw from the middle of C.

--- a string too large
show(pcall(string.rep, "x", 1 << 62))
show(pcall(string.rep, "x", 1 << 30, ("y"):rep(100)))
show(pcall(string.rep, "abc", 1 << 31))

--- endless recursion
local function f() return 1 + f() end
show(pcall(f))
local depth = 0
local function g() depth = depth + 1; g() end
show(pcall(g)); show(depth)

--- endless recursion with pcall at every level
local depth = 0
local function f() depth = depth + 1; local ok, e = pcall(f); if not ok then error(e, 0) end end
local ok, e = pcall(f)
show(ok, e, depth)

--- recursion through metamethods
local t = setmetatable({}, {}); getmetatable(t).__index = function(_, k) return t[k .. "x"] end
show(pcall(function() return t.a end))
local u = setmetatable({}, { __tostring = function(u) return tostring(u) end })
show(pcall(tostring, u))

--- recursion through sort, gsub and concat
local function s() table.sort({ 3, 2, 1 }, function(a, b) s(); return a < b end) end
show(pcall(s))
local function c() return setmetatable({}, { __concat = function() return c() .. c() end }) end
show(pcall(function() return c() .. "x" end))

--- an error in the handler of a stack overflow
local function f() return 1 + f() end
show(xpcall(f, function(e) return "handled: " .. e end))
show((select(2, xpcall(f, function(e) return f() end))))

--- stack overflow, again and again
local function f(n) return n + f(n + 1) end
for i = 1, 3 do local ok, e = pcall(f, 1); show(ok, #e) end

--- too many results and arguments
show(pcall(table.unpack, {}, 1, 1e7))
show(pcall(table.unpack, {}, 1, 1e8))
show(select("#", table.unpack({}, 1, 10000)))
show(pcall(string.byte, ("x"):rep(1e7), 1, -1))

--- patterns too complex
show(pcall(string.match, ("a"):rep(300000), ("(a"):rep(40)))
show(pcall(string.match, ("x"):rep(300000), (".-"):rep(300) .. "b"))
show(pcall(string.find, ("a"):rep(250), ("a?"):rep(250) .. "b"))

--- many variables and deep tables
local t = {}; local cursor = t
for i = 1, 10000 do cursor.next = {}; cursor = cursor.next end
local n = 0; while t do n = n + 1; t = t.next end
show(n)

--- tail calls without end of stack
local function loop(n) if n == 0 then error("at last", 0) end; return loop(n - 1) end
show(pcall(loop, 200000))

--- gotos out of nested blocks with errors in between
local log = {}
for i = 1, 5 do
  for j = 1, 5 do
    local ok = pcall(function() if j == 3 then error() end end)
    if not ok then goto next end
    log[#log + 1] = i .. "," .. j
  end
  ::next::
end
show(table.concat(log, " "))

--- closures keep what a throw left behind
local fs = {}
for i = 1, 5 do pcall(function() local x = i; fs[i] = function() x = x + 1; return x end; error() end) end
for i = 1, 5 do show(fs[i](), fs[i]()) end

--- variable arguments across errors
local function v(...) local n = select("#", ...); if n > 3 then error(table.concat({ ... }, "+"), 0) end; return n, ... end
show(pcall(v, 1, 2)); show(pcall(v, 1, 2, 3, 4)); show(pcall(v)); show((v(nil, nil)))

--- a json-like parser by errors
local function parse(s)
  local at = 1
  local function fail(what) error({ at = at, what = what }) end
  local value
  local function list()
    local out = {}; at = at + 1
    while s:sub(at, at) ~= "]" do
      out[#out + 1] = value()
      local c = s:sub(at, at)
      if c == "," then at = at + 1 elseif c ~= "]" then fail("comma") end
    end
    at = at + 1; return "[" .. table.concat(out, " ") .. "]"
  end
  function value()
    local c = s:sub(at, at)
    if c == "[" then return list() end
    local digits = s:match("^%d+", at); if not digits then fail("value") end
    at = at + #digits; return digits
  end
  return value()
end
for _, text in ipairs({ "1", "[1,2,[3,4]]", "[1,", "[1 2]", "[[[[[[]]]]]]", "x", "[[[[[[" }) do
  local ok, e = pcall(parse, text); show(text, ok, ok and e or e.what .. e.at)
end

--- memory runs out (fails)
local t = {}
for i = 1, 1e9 do t[i] = ("x"):rep(1 << 20) .. i end
