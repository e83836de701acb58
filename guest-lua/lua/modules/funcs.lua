-- Module `funcs`: calls, futures and executors.
--
-- A future's state: ticket while it runs; channel; done, canceled, value, err.
local raw, core = ...

local Future, Executor
local funcs = {}

local function finish(future, value, err)
  future.ticket, future.done, future.value, future.err = nil, true, value, err
  core.channel_push(future.channel, err or core.payload_new(value))
  core.channel_close(future.channel)
end

local function start(options, target, ...)
  if type(target) ~= "string" then
    return nil, core.error("Invalid", "the target of a call must be a string, got " .. type(target))
  end
  core.mark()
  local ticket, problem = raw.start_call(target, options, ...)
  if not ticket then
    return nil, problem
  end
  local future = { ticket = ticket, channel = core.channel_new(1), done = false, canceled = false }
  core.on_ticket(ticket, function()
    finish(future, raw.take_call(ticket))
  end)
  return Future.new(future)
end

local function call(options, target, ...)
  if type(target) ~= "string" then
    return nil, core.error("Invalid", "the target of a call must be a string, got " .. type(target))
  end
  core.mark()
  return raw.call(target, options, ...)
end

local future_methods = {}
Future = core.class("funcs.Future", future_methods)

function future_methods.response(self)
  return Future.state(self, "response").channel
end
future_methods.channel = future_methods.response

function future_methods.is_complete(self)
  return Future.state(self, "is_complete").done
end

function future_methods.is_canceled(self)
  return Future.state(self, "is_canceled").canceled
end

-- nil, nil while it runs; then a payload, or nil and the error.
function future_methods.result(self)
  local future = Future.state(self, "result")
  if not future.done or future.err then
    return nil, future.err
  end
  return core.payload_new(future.value)
end

function future_methods.error(self)
  local err = Future.state(self, "error").err
  return err, err ~= nil
end

-- Ends the callee as well.
function future_methods.cancel(self)
  local future = Future.state(self, "cancel")
  if future.done then
    return true
  end
  future.canceled = true
  core.cancel(future.ticket)
  finish(future, nil, core.error("Canceled", "the call was canceled"))
  return true
end

local executor_methods = {}
Executor = core.class("funcs.Executor", executor_methods)

core.builder.extend(executor_methods, Executor, raw, function(problem)
  return nil, problem
end)

-- Replaces the options of the calls, such as {timeout = "5s"}.
function executor_methods.with_options(self, values)
  local options = Executor.state(self, "with_options")
  core.builder.check_table(values, "with_options")
  local changed = core.builder.copy(values)
  changed.context, changed.actor, changed.scope = options.context, options.actor, options.scope
  return Executor.new(changed)
end

function executor_methods.call(self, target, ...)
  return call(Executor.state(self, "call"), target, ...)
end

function executor_methods.async(self, target, ...)
  return start(Executor.state(self, "async"), target, ...)
end

local PLAIN = {}

function funcs.call(target, ...)
  return call(PLAIN, target, ...)
end

function funcs.async(target, ...)
  return start(PLAIN, target, ...)
end

function funcs.new()
  return Executor.new({})
end

return funcs
