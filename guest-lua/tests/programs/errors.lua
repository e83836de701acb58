-- Errors thrown and caught.

--- error objects of every type
for _, value in ipairs({ 1, 1.5, "text", true, { 1 }, print }) do
  local ok, got = pcall(error, value)
  show(ok, got == value, type(got))
end
show(pcall(error))
show(pcall(error, nil))

--- positions in messages
local function f(level) error("moon", level) end
for level = 0, 3 do show(pcall(function() f(level) end)) end
show(pcall(function() local x = nil; x.y = 1 end))
show(pcall(function() return 1 + {} end))
show(pcall(function() return #nil end))
show(pcall(function() return {} < {} end))
show(pcall(function() return 2^53 | 0.5 end))
show(pcall(function() return 1 // 0 end))
show(pcall(function() return "a" .. {} end))

--- nested pcall
local function nest(n)
  if n == 0 then error("bottom", 0) end
  local ok, message = pcall(nest, n - 1)
  error(message .. n, 0)
end
show(pcall(nest, 30))

--- pcall of pcall
show(pcall(pcall, error, "x"))
show(pcall(pcall))
show(pcall(pcall, pcall, pcall, error, { }) )

--- xpcall hands the error to its handler
show(xpcall(error, function(e) return "<" .. tostring(e) .. ">" end, "x"))
show(xpcall(function(...) return select("#", ...), ... end, print, 1, nil, 3))
show(xpcall(function() local a; a() end, function(e) return (e:gsub("%d+", "N")) end))

--- errors in handlers
show(xpcall(error, function(e) error("again", 0) end, "x"))
local depth = 0
show(xpcall(error, function(e) depth = depth + 1; if depth < 5 then error(e .. depth, 0) end; return e end, "x"))
show(depth)

--- a handler that yields an error object
local object = setmetatable({ code = 7 }, { __tostring = function(o) return "code " .. o.code end })
show(select(2, xpcall(error, function(e) return e end, object)) == object)
show(pcall(error, object))

--- assert
show(pcall(assert, false))
show(pcall(assert, nil, "message"))
show(pcall(assert, false, { }) )
show(pcall(assert, 1, 2, 3))

--- errors from C functions
show(pcall(string.rep))
show(pcall(string.rep, "x", -1))
show(pcall(string.char, 256))
show(pcall(string.format, "%d", 1.5))
show(pcall(string.format, "%y", 1))
show(pcall(table.concat, { 1, {}, 3 }))
show(pcall(table.insert, { 1 }, 5, 5))
show(pcall(setmetatable, 1, {}))
show(pcall(tonumber, "10", 99))
show(pcall(select, 0))
show(pcall(math.random, 2, 1))

--- a comparator that throws
local ok, message = pcall(table.sort, { 3, 1, 2, 5, 4 }, function(a, b) if b == 5 then error("five", 0) end return a < b end)
show(ok, message)
show(pcall(table.sort, { 3, 1, "x" }))

--- a comparator that contradicts itself
local t = {}
for i = 1, 100 do t[i] = (i * 37) % 101 end
show(pcall(table.sort, t, function(a, b) return true end))

--- a gsub callback that throws
show(pcall(string.gsub, "hello world", "%w+", function(w) if w == "world" then error({ word = w }) end end))
show(pcall(string.gsub, "abc", "%w", function() return {} end))
show(pcall(string.gsub, "abc", "(", ""))
show(pcall(string.find, "a", "[a"))
show(pcall(string.rep("x", 10).gsub, "abc", ".", { a = "1", b = true, c = false }))

--- ten thousand errors
local count = 0
for i = 1, 10000 do
  local ok, message = pcall(error, i)
  if not ok and message == i then count = count + 1 end
end
show(count)

--- an error passes through many C frames
local function through(n)
  if n == 0 then error("deep", 0) end
  return (string.gsub("x", "x", function() return through(n - 1) end))
end
show(pcall(through, 20))
show(pcall(through, 150))
show(pcall(through, 190))
show((select(2, pcall(through, 250))))

--- an error that nobody catches (fails)
local function f() error("to the host") end
f()

--- an error object that nobody catches (fails)
error({ kind = "NotFound", message = "moon" })

--- a runtime error that nobody catches (fails)
local t = {}
t.x.y = 1

--- errors with tables of errors
local log = {}
for i = 1, 20 do
  local ok, e = pcall(function() if i % 3 == 0 then error({ i }) elseif i % 3 == 1 then error("s" .. i, 0) end return i end)
  log[#log + 1] = type(e) == "table" and "t" .. e[1] or tostring(e)
end
show(table.concat(log, ","))
