-- Metamethods and variables that close, with errors in them.

--- errors in metamethods
local mt = {}
for _, event in ipairs({ "index", "newindex", "add", "unm", "concat", "len", "eq", "lt", "le", "call", "idiv", "band", "shl" }) do
  mt["__" .. event] = function() error(event, 0) end
end
local a, b = setmetatable({}, mt), setmetatable({}, mt)
show(pcall(function() return a.x end)); show(pcall(function() a.x = 1 end)); show(pcall(function() return a + 1 end))
show(pcall(function() return -a end)); show(pcall(function() return a .. "x" end)); show(pcall(function() return #a end))
show(pcall(function() return a == b end)); show(pcall(function() return a < b end)); show(pcall(function() return a <= b end))
show(pcall(a)); show(pcall(function() return a // 2 end)); show(pcall(function() return a & 1 end)); show(pcall(function() return 1 << a end))

--- __tostring and __name
show(pcall(tostring, setmetatable({}, { __tostring = function() error("no text", 0) end })))
show(pcall(tostring, setmetatable({}, { __tostring = function() return 1 end })))
show(pcall(string.format, "%s", setmetatable({}, { __tostring = function() error("fmt", 0) end })))
show((pcall(error, setmetatable({}, { __tostring = function() error("in tostring") end }))))

--- __index chains and loops
local a = setmetatable({}, { __index = function(t, k) return k .. "?" end })
local b = setmetatable({}, { __index = a })
show(b.x, rawget(b, "x"))
local l = {}; setmetatable(l, { __index = l })
show(pcall(function() return l.x end))
local t = {}
for i = 1, 10 do t = setmetatable({}, { __index = t }) end
show(t.nothing)

--- __pairs and __metatable
show(pcall(function() for k in pairs(setmetatable({}, { __pairs = function() error("pairs", 0) end })) do end end))
show(pcall(setmetatable, setmetatable({}, { __metatable = 1 }), {}))
for k, v in pairs(setmetatable({}, { __pairs = function(t) return next, { only = 1 } end })) do show(k, v) end

--- variables close in order
local function closing(name) return setmetatable({}, { __close = function(_, e) show("close", name, e) end }) end
do
  local a <close> = closing("a")
  local b <close> = closing("b")
  show("body")
end
show(pcall(function() local c <close> = closing("c"); error("e", 0) end))
local function f() local d <close> = closing("d"); return "result" end
show(f())
for i = 1, 3 do local e <close> = closing("e" .. i); if i == 2 then break end end
show(pcall(function() local x <close> = {} end))
local nothing <close> = nil

--- errors while closing replace each other
local function bad(name) return setmetatable({}, { __close = function(_, e) error(name .. "<" .. tostring(e) .. ">", 0) end }) end
show(pcall(function() local a <close> = bad("a"); local b <close> = bad("b"); local c <close> = bad("c"); error("e", 0) end))
show(pcall(function() local a <close> = bad("a"); return 1 end))
show(pcall(function() local a <close> = bad("a"); local b <close> = setmetatable({}, { __close = function() pcall(error, "inner") end }) end))

--- closing in loops, gotos and generic for
local closed = 0
local function c() return setmetatable({}, { __close = function() closed = closed + 1 end }) end
for i = 1, 100 do local x <close> = c(); if i % 7 == 0 then goto continue end; local y <close> = c(); ::continue:: end
show(closed)
for i in function(_, n) n = (n or 0) + 1; if n <= 3 then return n end end, nil, nil, c() do show(i) end
show(closed)
show(pcall(function() for i in function() error("it", 0) end, nil, nil, c() do end end))
show(closed)

--- close in tail position and recursion
local order = {}
local function r(n)
  local x <close> = setmetatable({}, { __close = function() order[#order + 1] = n end })
  if n == 0 then error("bottom", 0) end
  return r(n - 1)
end
show(pcall(r, 10)); show(table.concat(order, " "))

--- collected objects run their finalisers
local seen, kept = 0, {}
for i = 1, 2000 do setmetatable({}, { __gc = function() seen = seen + 1 end }); kept[i % 50] = ("x"):rep(1000) .. i end
local filler = {}
for i = 1, 200 do filler[i % 10] = ("y"):rep(20000) .. i end
show(seen > 0)

--- finalisers that throw are silent
for i = 1, 500 do setmetatable({}, { __gc = function() error("in gc " .. i) end }) end
local filler = {}
for i = 1, 300 do filler[i % 10] = ("z"):rep(20000) .. i end
show(pcall(function() for i = 1, 300 do filler[i % 10] = ("w"):rep(20000) .. i end; error("mine", 0) end))

--- weak tables under pressure
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 1000 do weak[{}] = i end
local filler = {}
for i = 1, 300 do filler[i % 10] = ("z"):rep(20000) .. i end
local n = 0; for _ in pairs(weak) do n = n + 1 end
show(n < 1000)

--- inheritance with errors from methods
local Base = {}; Base.__index = Base
function Base.new(x) return setmetatable({ x = x }, Base) end
function Base:get() if self.x < 0 then error({ "negative", self.x }) end; return self.x end
local Derived = setmetatable({}, { __index = Base }); Derived.__index = Derived
function Derived.new(x) return setmetatable(Base.new(x), Derived) end
for _, x in ipairs({ 1, -1, 2, -2 }) do
  local ok, v = pcall(Derived.get, Derived.new(x)); show(ok, ok and v or v[1] .. v[2])
end

--- integer for loops and numeric errors
show(pcall(function() for i = 1, 10, 0 do end end)); show(pcall(function() for i = "a", 2 do end end))
local n = 0; for i = math.maxinteger - 1, math.maxinteger do n = n + 1 end; show(n)
show(pcall(function() return math.tointeger(2^63) // 0 end)); show(1e15, 2^53, -0.0, 1/0, 3 % -2, -3 % 2, 5.5 // 2)
show(pcall(function() return 1 < "2" end)); show("10" + 5, "0x10" * 2, 10 .. 20)
