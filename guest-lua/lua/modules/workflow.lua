-- Module `workflow`: a durable workflow about itself, and an activity about its own.
--
-- Queries and updates come as messages that only this file sees. A query's handler must answer at once; an update's may wait, in a
-- task of its own.
local raw, core = ...

local queries, updates = {}, {}
local workflow = { info = raw.info, activity = raw.activity }

local function check(text, name)
  if type(text) ~= "string" or text == "" then
    error(string.format("bad argument #1 to '%s' (a text that is not empty expected)", name), 3)
  end
end

local function check_function(value, position, name)
  if type(value) ~= "function" then
    error(string.format("bad argument #%d to '%s' (function expected, got %s)", position, name, core.describe(value)), 3)
  end
end

function workflow.history_length()
  local info = raw.info()
  return info and info.history_length or 0
end

function workflow.history_size()
  local info = raw.info()
  return info and info.history_size or 0
end

function workflow.version(change, min, max)
  check(change, "version")
  for position, bound in ipairs({ min or false, max or false }) do
    if not math.tointeger(bound) then
      error(string.format("bad argument #%d to 'version' (integer expected, got %s)", position + 1, core.describe(bound)), 2)
    end
  end
  local version, problem = raw.version(change, math.tointeger(min), math.tointeger(max))
  if problem then
    error(problem, 2)
  end
  return version
end

function workflow.attrs(fields)
  if type(fields) ~= "table" then
    return nil, core.error("Invalid", "workflow.attrs: attributes are a table, not a " .. core.describe(fields))
  end
  local _, problem = raw.attrs(fields)
  if problem then
    return nil, problem
  end
  return true
end

-- Runs a workflow to its end: its result.
function workflow.exec(id, ...)
  if type(id) ~= "string" then
    return nil, core.error("Invalid", "workflow.exec: the workflow is an id, not a " .. core.describe(id))
  end
  core.mark()
  return core.process.exec(id, "", {}, ...)
end

function workflow.heartbeat(details)
  local _, problem = raw.heartbeat(details)
  if problem then
    return nil, problem
  end
  return true
end

-- Queries ----------------------------------------------------------------------------------------------------------------

function workflow.query(name, handler)
  check(name, "query")
  check_function(handler, 2, "query")
  queries[name] = handler
end

-- Asked of every workflow.
queries.state = function()
  return {}
end
queries.pid = core.process.pid
queries.__stack_trace = function()
  return table.concat(core.stacks(), "\n")
end

-- What a handler gave, as what the caller gets: the outcome, and whether it failed.
local function settled(finished, value, problem)
  if not finished then
    return value, true
  elseif value == nil and problem ~= nil then
    return problem, true
  end
  return value, false
end

-- Tells whoever asked. What cannot leave the cell, such as a function, is that handler's failure and not the workflow's.
local function tell(give, id, ...)
  local told, problem = pcall(give, id, ...)
  if not told then
    give(id, core.error("Invalid", (tostring(problem):gsub("^.-argument 2", "the outcome", 1))), true)
  end
end

core.on_message("@workflow/query", function(id, name, ...)
  local handler = queries[name]
  if not handler then
    return raw.answer_query(id, core.error("NotFound", string.format("the workflow answers no query %q", name)), true)
  end
  tell(raw.answer_query, id, settled(pcall(handler, ...)))
end)

-- Updates ----------------------------------------------------------------------------------------------------------------

-- `validator`, if there is one, refuses an update by raising, or by returning false or nil and an error.
function workflow.update(name, handler, validator)
  check(name, "update")
  check_function(handler, 2, "update")
  if validator ~= nil then
    check_function(validator, 3, "update")
  end
  updates[name] = { run = handler, validate = validator }
  core.await_messages()
end

local function refusal(finished, valid, problem)
  if not finished then
    return valid
  elseif not valid and (valid == false or problem ~= nil) then
    return problem or "the update was refused"
  end
end

-- True when the script takes the update on.
core.on_message("@workflow/update", function(id, name, validate, ...)
  local update = updates[name]
  if not update then
    -- Scripts without a handler may listen instead, and answer the sender: with ack or nak first, then with ok or error.
    if not core.receive_message(name, "{update|" .. id .. "}", ...) then
      raw.reject_update(id, core.error("NotFound", string.format("the workflow takes no update %q", name)))
    end
    return
  end
  if validate and update.validate then
    local why = refusal(pcall(update.validate, ...))
    if why ~= nil then
      return tell(raw.reject_update, id, why)
    end
  end
  raw.accept_update(id)
  core.background(function(...)
    tell(raw.complete_update, id, settled(pcall(update.run, ...)))
  end, ...)
end)

return workflow
