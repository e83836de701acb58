-- Coroutines: every yield is a throw inside of the interpreter.

--- resume and yield
local co = coroutine.create(function(a, b)
  show(a, b)
  local c, d = coroutine.yield(a + b)
  show(c, d)
  return "done", coroutine.yield(c * d)
end)
show(coroutine.resume(co, 1, 2))
show(coroutine.resume(co, 3, 4))
show(coroutine.resume(co, 5))
show(coroutine.resume(co))
show(coroutine.status(co))

--- wrap as an iterator
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end
for i, square in range(10) do show(i, square) end

--- an error in a coroutine
local co = coroutine.create(function() coroutine.yield(1); error({ code = 5 }) end)
show(coroutine.resume(co))
local ok, e = coroutine.resume(co)
show(ok, e.code, coroutine.status(co))
show(coroutine.resume(co))

--- an error in a wrapped coroutine
local f = coroutine.wrap(function() coroutine.yield(1); error("wrapped", 0) end)
show(f())
show(pcall(f))
show(pcall(f))

--- yield across pcall
local co = coroutine.wrap(function()
  local ok, e = pcall(function()
    local x = coroutine.yield("in pcall")
    error("after " .. x, 0)
  end)
  coroutine.yield(tostring(ok) .. e)
  return pcall(coroutine.yield, "last")
end)
show(co()); show(co("resume")); show(co()); show(co("end"))

--- yield across xpcall and its handler
local co = coroutine.wrap(function()
  return xpcall(function() coroutine.yield(1); error("x", 0) end, function(m) return m .. "!" end)
end)
show(co()); show(co())

--- yield across metamethods
local mt = {
  __index = function(t, k) return coroutine.yield("index " .. k) end,
  __newindex = function(t, k, v) coroutine.yield("newindex " .. k); rawset(t, k, v) end,
  __add = function(a, b) return coroutine.yield("add") end,
  __lt = function(a, b) return coroutine.yield("lt") end,
  __eq = function(a, b) return coroutine.yield("eq") end,
  __concat = function(a, b) return coroutine.yield("concat") end,
  __call = function(self, x) return coroutine.yield("call " .. x) end,
  __len = function() return coroutine.yield("len") end,
}
local a, b = setmetatable({}, mt), setmetatable({}, mt)
local co = coroutine.wrap(function()
  show(a.x); a.y = 1; show(a.y); show(a + b); show(a < b); show(a == b); show(a .. b); show(a(3)); show(#a)
  if a < b then show("taken") else show("not taken") end
  return "end"
end)
local got = co()
while got ~= "end" do show("->", got); got = co(got ~= "lt") end

--- yield in a for iterator and in sort
local co = coroutine.wrap(function()
  for v in function(_, n) n = (n or 0) + 1; if n < 4 then return coroutine.yield(n) end end do show("v", v) end
  return pcall(table.sort, { 3, 2, 1 }, function(x, y) coroutine.yield("no") return x < y end)
end)
show(co()); show(co(1)); show(co(2)); show(co(nil))

--- a coroutine inside pcall inside a coroutine
local function inner()
  local co = coroutine.create(function() coroutine.yield("i1"); error("inner", 0) end)
  local seen = {}
  repeat
    local ok, v = coroutine.resume(co)
    seen[#seen + 1] = tostring(ok) .. ":" .. tostring(v)
    coroutine.yield(v)
  until coroutine.status(co) == "dead"
  error(table.concat(seen, " "), 0)
end
local outer = coroutine.wrap(function() return select(2, pcall(inner)) end)
show(outer()); show(outer()); show(outer())

--- coroutines in coroutines
local function nest(n)
  return coroutine.wrap(function()
    coroutine.yield(n)
    if n > 0 then local f = nest(n - 1); for _ = 0, n - 1 do coroutine.yield(f()) end end
    error("level " .. n, 0)
  end)
end
local f = nest(5)
for _ = 0, 5 do show(f()) end
show(pcall(f))

--- too many nested coroutines
local function nest(n)
  local co = coroutine.create(nest)
  local ok, e = coroutine.resume(co, n + 1)
  if ok then return e end
  return n .. ": " .. tostring(e)
end
show(nest(1))

--- fifty thousand yields
local f = coroutine.wrap(function() local i = 0; while true do i = i + 1; coroutine.yield(i) end end)
local sum = 0
for _ = 1, 50000 do sum = sum + f() end
show(sum)

--- ten thousand coroutines that end in errors
local n = 0
for i = 1, 10000 do
  local ok, e = coroutine.resume(coroutine.create(function() if i % 2 == 0 then coroutine.yield() end error(i) end))
  if not ok and e == i then n = n + 1 end
end
show(n)

--- states and misuse
show(pcall(coroutine.resume, 1))
show(coroutine.isyieldable())
local co; co = coroutine.create(function() show(coroutine.status(co)); show(coroutine.resume(co)); return coroutine.running() == co end)
show(coroutine.resume(co))
show(pcall(coroutine.wrap(function() return coroutine.isyieldable() end)))
show(pcall(coroutine.create, 1))

--- closing a suspended coroutine
local co = coroutine.create(function()
  local a <close> = setmetatable({}, { __close = function(_, e) show("close a", e) end })
  local b <close> = setmetatable({}, { __close = function(_, e) show("close b", e); error("in close", 0) end })
  coroutine.yield(1)
end)
show(coroutine.resume(co))
show(pcall(coroutine.close, co))
show(coroutine.status(co))

--- yield in a to-be-closed variable
local co = coroutine.wrap(function()
  do local x <close> = setmetatable({}, { __close = function() coroutine.yield("closing") end }) show("body") end
  pcall(function()
    local y <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("closing with " .. e) end })
    error("e", 0)
  end)
  return "end"
end)
show(co()); show(co()); show(co())

--- producer and consumer
local function producer() return coroutine.create(function() for i = 1, 5 do coroutine.yield("item " .. i) end end) end
local function filter(from) return coroutine.create(function()
  while true do local ok, v = coroutine.resume(from); if not v then return end; coroutine.yield(v:upper()) end end) end
local f = filter(producer())
while true do local ok, v = coroutine.resume(f); if not v then break end; show(v) end

--- an error that leaves a coroutine's stack deep
local co = coroutine.create(function()
  local function deep(n) if n == 0 then error("deep", 0) end; return 1 + deep(n - 1) end
  deep(10000)
end)
show(coroutine.resume(co))

--- permutations
local function permute(a, n)
  n = n or #a
  if n <= 1 then coroutine.yield(table.concat(a)) else
    for i = 1, n do a[n], a[i] = a[i], a[n]; permute(a, n - 1); a[n], a[i] = a[i], a[n] end
  end
end
for p in coroutine.wrap(function() permute({ "a", "b", "c", "d" }) end) do show(p) end

--- an error in a coroutine that nobody catches (fails)
coroutine.wrap(function() coroutine.yield(); error("lost") end)()
local f = coroutine.wrap(function() error({ "table" }) end)
f()
