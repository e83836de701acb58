-- Module `expr`: expressions in the language of expr-lang, evaluated here in the sandbox: what an expression takes, its cell pays.
--
-- State of a Program: the function of a frame.
local raw, core = ...

local function place(text, at)
  local _, lines = text:sub(1, at - 1):gsub("\n", "")
  local line_start = text:sub(1, at - 1):match(".*\n()") or 1
  return ("line %d column %d"):format(lines + 1, at - line_start + 1)
end

local function fail(text, at, message)
  error(core.error("Internal", ("expr: %s at %s"):format(message, place(text, at))), 0)
end

local values = core.file("modules/expr/values")(raw, core, table.create, core.is_error)
local functions, sorted, list = core.file("modules/expr/functions")(raw, values)
local predicates = core.file("modules/expr/predicates")(values, sorted, list)
local lex = core.file("modules/expr/lexer")(fail)
local parse = core.file("modules/expr/parser")(fail, predicates)
local compile_tree = core.file("modules/expr/compiler")(raw, values, functions, predicates)

-- Errors that the language raises are objects; others come from Lua, such as a stack that overflows.
local function caught(problem)
  if not core.is_error(problem) then
    problem = core.error("Internal", "expr: " .. tostring(problem))
  end
  return nil, problem
end

local function compile(text, known)
  return compile_tree(parse(text, lex(text), known), function(at, message)
    fail(text, at, message)
  end)
end

-- Programs by their source; when there are so many, it begins anew.
local MOST = 1000
local cache, cached = {}, 0

local function compiled(text, known)
  if type(text) ~= "string" or not text:find("%S") then
    return nil, core.error("Invalid", "expr: the expression must be a string that is not empty")
  end
  local run = not known and cache[text]
  if run then
    return run
  end
  local fine, result = pcall(compile, text, known)
  if not fine then
    return caught(result)
  end
  if not known then
    if cached >= MOST then
      cache, cached = {}, 0
    end
    cache[text], cached = result, cached + 1
  end
  return result
end

local function environment(env)
  if env == nil then
    return {}
  elseif type(env) ~= "table" then
    return nil, core.error("Invalid", "expr: the environment must be a table, not a " .. type(env))
  end
  return env
end

local function execute(run, env)
  local problem
  env, problem = environment(env)
  if not env then
    return nil, problem
  end
  local frame = { env = env, holes = {} }
  local fine, result = pcall(run, frame)
  if not fine then
    return caught(result)
  end
  values.settle(frame)
  return result
end

local Program
local methods = {}

function methods.run(self, env)
  return execute(Program.state(self, "run").run, env)
end

Program = core.class("Program", methods)

local expr = {}

function expr.compile(text, known)
  local names, problem = nil, nil
  if known ~= nil then
    names, problem = environment(known)
    if not names then
      return nil, problem
    end
  end
  local run
  run, problem = compiled(text, names)
  if not run then
    return nil, problem
  end
  return Program.new({ run = run })
end

function expr.eval(text, env)
  local run, problem = compiled(text)
  if not run then
    return nil, problem
  end
  return execute(run, env)
end

return expr
