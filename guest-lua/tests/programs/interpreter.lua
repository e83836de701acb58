-- What instructions do in their common cases (c/fast_path.h) and beside them. The asserted values are those of PUC Lua.

--- integer division and remainder follow the sign of the divisor
local function both(a, b) return a // b, a % b end
local function check(a, b, q, r) local x, y = both(a, b) assert(x == q and y == r and math.type(x) == math.type(q), a .. " by " .. b) end
check(7, 2, 3, 1) check(-7, 2, -4, 1) check(7, -2, -4, -1) check(-7, -2, 3, -1) check(0, 3, 0, 0)
check(math.mininteger, 1, math.mininteger, 0) check(math.mininteger, -1, math.mininteger, 0)
check(math.mininteger, math.maxinteger, -2, math.maxinteger - 1)
check(7.5, 2, 3.0, 1.5) check(-7.5, 2, -4.0, 0.5) check(7, 2.0, 3.0, 1.0)
assert(1 // 0.0 == math.huge and -1 % math.huge == math.huge)
show(pcall(both, 1, 0))
show(17 // 5, -17 % 5, 17 % -5)

--- arithmetic wraps, mixes and asks metatables
local big, one = math.maxinteger, 1
assert(big + one == math.mininteger and math.mininteger - one == big and big * 2 == -2 and -math.mininteger == math.mininteger)
assert(math.type(one + 1.0) == "float" and math.type(one / 1) == "float" and "10" + one == 11 and one - "3" == -2)
assert(5 & 3 == 1 and 5 | 3 == 7 and 5 ~ 3 == 6 and 5.0 & 3 == 1 and ~0 == -1 and 1 << 63 == math.mininteger)
local mt = {} for _, name in ipairs { "add", "sub", "mul", "div", "mod", "idiv", "band", "bor", "bxor", "unm", "len", "shl", "pow" } do
  mt["__" .. name] = function() return name end
end
local o = setmetatable({}, mt)
show(o + 1, 1 - o, o * 2.5, o / o, o % 3, 3 // o, o & 1, 1 | o, o ~ o, -o, #o, o << 1, o ^ 2)
show(pcall(function() return one + {} end))
show(pcall(function() return one & 1.5 end))

--- comparisons of every pair of kinds
local nan, list = 0 / 0, { 1, 1.0, 2, 1.5, math.huge, 0 / 0, math.maxinteger, 2 ^ 63 }
local line = {}
for _, a in ipairs(list) do for _, b in ipairs(list) do
  line[#line + 1] = (a < b and "<" or "-") .. (a <= b and "l" or "-") .. (a > b and ">" or "-") .. (a >= b and "g" or "-") .. (a == b and "=" or "-")
end end
show(table.concat(line, " "))
assert(1 == 1.0 and not (nan == nan) and nan ~= nan and not (nan < 1) and not (nan >= 1) and math.maxinteger < 2 ^ 63)
local x = 1.0 assert(x == 1 and x < 2 and x <= 1 and x > 0 and x >= 1 and not (x ~= 1))
local s = "s" assert(s == "s" and s ~= "t" and s ~= nil and s ~= 1 and not (s == 1.5) and nil == nil and false == false and false ~= nil)
local long = ("x"):rep(100) assert(long == ("x"):rep(100) and long ~= s)
local eq = { __eq = function() return true end, __lt = function() return true end, __le = function() return false end }
local p, q = setmetatable({}, eq), setmetatable({}, eq)
assert(p == q and p == p and p < q and not (p <= q) and {} ~= {} and p ~= 1)
show(pcall(function() return one < "2" end))

--- reading and writing tables
local t = { 1, 2, nil, 4, a = 1, [2.5] = "f", [1 << 40] = "i" }
assert(t[1] == 1 and t[1.0] == 1 and t[3] == nil and t[100] == nil and t.a == 1 and t.b == nil and t[2.5] == "f" and t[1 << 40] == "i" and t[-1] == nil)
local class = { method = function(self, n) return self.v + n end } class.__index = class
local sub = setmetatable({ own = 1 }, class) sub.__index = sub
local object = setmetatable({ v = 40 }, sub)
assert(object:method(2) == 42 and object.own == 1 and object.missing == nil)
local by_function = setmetatable({}, { __index = function(_, k) return k .. "!" end })
show(by_function.x, by_function[1], by_function["y"])
local log = {} local guarded = setmetatable({ old = 1 }, { __newindex = function(_, k, v) log[#log + 1] = k .. "=" .. v end })
guarded.old = 2 guarded.new = 3 guarded[1] = 4 guarded["x" .. "y"] = 5
assert(rawget(guarded, "new") == nil and guarded.old == 2) show(table.concat(log, " "))
show(pcall(function() t[nil] = 1 end)) show(pcall(function() return one.x.y end)) show(pcall(function() one[1] = 2 end))
show(pcall(function() return object:nothing() end)) show(("x"):rep(3), #"abc", #("x"):rep(100), #{ 1, 2, 3 })
local many = {} for i = 1, 2000 do many["k" .. i] = i end for i = 1, 2000, 3 do many["k" .. i] = nil end
local sum = 0 for i = 1, 2000 do sum = sum + (many["k" .. i] or 0) end show(sum)

--- frozen tables refuse
show(pcall(function() math.pi = 3 end)) show(pcall(function() math.new = 3 end)) show(math.pi > 3)
show(pcall(function() local name = "floor" math[name] = 1 end))

--- what old tables and upvalues get survives the collector
local kept, upvalue = { list = {}, field = nil }, nil
local function put(v) upvalue = v end
for round = 1, 300 do
  for i = 1, 20 do kept.list[i] = { round * i } kept.field = { "f" .. round } kept["n" .. i] = "v" .. round .. i put({ round }) end
  local garbage = {} for i = 1, 200 do garbage[i] = { i } end
  for i = 1, 20 do assert(kept.list[i][1] == round * i and kept["n" .. i] == "v" .. round .. i) end
  assert(kept.field[1] == "f" .. round and upvalue[1] == round)
end
show(#kept.list, kept.field[1], upvalue[1])

--- calls with too few and too many values
local function three(a, b, c) return a, b, c end
local function var(...) return select("#", ...), ... end
local function none() end
show(three(1)) show(three(1, 2, 3, 4)) show((three(1, 2, 3))) show(var()) show(var(nil, nil)) show(var(three(1, 2)))
local a, b, c, d = three(5) show(a, b, c, d) a, b = none() show(a, b, none()) show(select("#", none()), select("#", (none())))
local callable = setmetatable({}, { __call = function(self, ...) return "called", ... end })
show(callable(1, 2)) show(pcall(callable, 3))
local function tail(n) if n == 0 then return "end", n end return tail(n - 1) end show(tail(100000))
local function many_results(n) local t = {} for i = 1, n do t[i] = i end return table.unpack(t) end
show(select("#", many_results(200)), (select(-1, many_results(200))))

--- deep recursion grows the stack and is refused in the end
local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
show(deep(20000))
local function endless(n) return 1 + endless(n + 1) end
local ok, message = pcall(endless, 1) show(ok, (tostring(message):gsub("^.*stack", "stack"):sub(1, 14))) show(deep(1000))

--- loops
local n = 0 for i = math.maxinteger - 2, math.maxinteger do n = n + 1 end assert(n == 3)
n = 0 for i = 1, 0 do n = n + 1 end assert(n == 0) n = 0 for i = 3, 1, -1 do n = n + i end assert(n == 6)
n = 0 for i = 1.0, 2, 0.25 do n = n + i end assert(n == 7.5) n = 0 for i = 1, 3.9 do n = n + 1 end assert(n == 3)
local closures = {} for i = 1, 3 do closures[i] = function() i = i + 1 return i end end show(closures[1](), closures[1](), closures[2]())
local keys = 0 for k, v in pairs({ 1, 2, x = 3 }) do keys = keys + v end show(keys)
local walk = coroutine.wrap(function() for i in (function() return coroutine.yield("in iterator") end) do show("got", i) end return "end" end)
show(walk()) show(walk(1)) show(walk(2)) show(walk())
do local closed = setmetatable({}, { __close = function() show("closed") end }) for i = 1, 2 do local c <close> = closed if i == 2 then break end end end
show(pcall(function() for i = 1, 10, 0 do end end)) show(pcall(function() for i = "a", 2 do end end)) show(pcall(function() for _ in 5 do end end))

--- an error names the line of each frame
local function fails()
  local t = {}
  return t.x.y
end
local function calls()
  fails()
  return 1
end
show(pcall(calls))
show(select(2, pcall(function() local z = nil + 1 return z end)))
