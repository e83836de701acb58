-- Ties the guest together. Called once when the guest is built, with the functions written in C, the imported
-- interfaces, and a loader for the other files; returns what the exports of wit/guest.wit call.
local native, imports, file = ...

local class, describe = file("class")(native)
local errors = file("errors")(native, class)
local scheduler = file("scheduler")(native, errors)
local channel = file("channel")(native, class, errors, scheduler)
local mailbox = file("mailbox")(class, errors, channel)
scheduler.set_mailbox(mailbox)

-- What module files are built on.
local core = {
  class = class,
  unwrap = native.unwrap, -- what a class's `state` begins with, for methods that are called very often
  describe = describe,
  clock = imports.clock,
  errors = errors.library,
  error = errors.make,
  is_error = errors.is,
  channel_new = channel.new,
  channel_push = channel.push,
  channel_close = channel.close,
  channel_offer = channel.offer,
  channel_feed = channel.feed,
  on_ticket = scheduler.on_ticket,
  location = native.where,
  json_encode = native.json_encode,
  json_decode = native.json_decode,
  file = file, -- a module of several files loads the others by it
  process = imports.process,
  on_message = mailbox.on_message,
  receive_message = mailbox.receive,
  await_messages = mailbox.await,
  background = scheduler.background,
  stacks = scheduler.stacks,
}

core.builder = file("builder")(core)

-- Gives up an operation. Its callback will not be called.
function core.cancel(ticket)
  scheduler.forget_ticket(ticket)
  return imports.tickets.cancel(ticket)
end

local is_workflow = false

-- In a workflow, says where the script asks for what follows: its history shows it.
function core.mark()
  if is_workflow then
    imports.durable.mark(native.where(2))
  end
end

local freeze = native.freeze

local function freeze_all(library)
  for _, value in pairs(library) do
    if type(value) == "table" and not native.isfrozen(value) then
      freeze_all(freeze(value))
    end
  end
  return freeze(library)
end

-- Standard libraries, adapted.
local string, table, math = string, table, math
local dump = string.dump
string.dump = nil
string.gfind = string.gmatch
table.create = native.create_table
table.freeze = freeze
table.isfrozen = native.isfrozen
table.getn = function(list)
  return #list
end
table.maxn = function(list)
  local most = 0
  for key in pairs(list) do
    if math.type(key) and key > most then
      most = key
    end
  end
  return most
end
math.atan2 = math.atan
-- Left to itself, Lua would take a seed from the clock and an address, which are the same in every cell.
local randomseed = math.randomseed
function math.randomseed(...)
  if select("#", ...) == 0 then
    return randomseed(native.seed())
  end
  return randomseed(...)
end
getmetatable("").__metatable = "string"

local threads = coroutine
local coroutine = {
  create = native.create,
  resume = native.resume,
  wrap = native.wrap_coroutine,
  yield = threads.yield,
  isyieldable = threads.isyieldable,
  running = scheduler.running,
  spawn = scheduler.spawn,
}

-- A coroutine that waits for the host is neither running nor free to be resumed.
function coroutine.status(thread)
  if type(thread) == "thread" and native.ownership(thread) == "parked" then
    return "normal"
  end
  return threads.status(thread)
end

function coroutine.close(thread)
  if type(thread) == "thread" and native.ownership(thread) then
    error("cannot close a coroutine that the scheduler owns", 2)
  end
  return threads.close(thread)
end

local os = file("os")(imports.clock, core)

-- Host modules: the Lua half if there is one, else the interface as it is.
local function open_module(name)
  local open = file("modules/" .. name)
  return freeze_all(open and open(imports[name], core) or imports[name])
end

local CORE = { clock = true, coverage = true, durable = true, extension = true, log = true, payload = true, process = true, streams = true, tickets = true }
local stream = open_module("streams") -- gives `core` what other modules make streams with
local payload = open_module("payload")
mailbox.set_payload(payload.new)
core.payload_new = payload.new
local modules = {}
for name in pairs(imports) do
  if not CORE[name] then
    modules[name] = open_module(name)
  end
end
modules.template = modules.templates -- another name for it
local process = file("process")(imports.process, mailbox, scheduler, core)
mailbox.set_bury(imports.process.left_unread)

local globals = {
  channel = channel.library,
  coroutine = coroutine,
  errors = errors.library,
  math = math,
  os = os,
  package = { path = "", cpath = "" },
  payload = payload,
  process = process,
  string = string,
  table = table,
}
local required = {}
for name, library in pairs(globals) do
  required[name] = freeze_all(library)
end
-- Streams come from other modules; whoever lists `stream` all the same gets a table without functions.
required.stream = stream
globals.subscribe = mailbox.subscribe
function globals.unsubscribe(object)
  return mailbox.unsubscribe(object, "unsubscribe")
end

local new_environment = file("environment")(imports.log, native, { globals = globals, required = required })

-- A module that the embedding application supplies.
local function extension(name)
  local module = {}
  for _, item in ipairs(imports.extension.describe(name)) do
    local call = item.waits and imports.extension.slow_call or imports.extension.call
    module[item.name] = function(...)
      return call(name, item.name, ...)
    end
  end
  return freeze(module)
end

local entry, entry_id, entry_type
local prelude = {}

local function check_surface(id, value, surface)
  if type(value) ~= "table" then
    error(errors.make("Invalid", id .. ": a module's source must return a table of functions, not a " .. type(value)), 0)
  end
  for _, name in ipairs(surface) do
    if type(rawget(value, name)) ~= "function" then
      error(errors.make("Invalid", string.format("%s: methods names %q, which its source does not return", id, name)), 0)
    end
  end
end

local function find_module(name)
  return modules[name] or required[name] or extension(name)
end

-- Has the host told which lines of a chunk run, if it wants to know.
local function watch(run, id)
  if imports.coverage.is_wanted() then
    native.watch(run, id)
  end
end

local function run_chunk(chunk, loaded)
  local names = {}
  for _, name in ipairs(chunk.modules) do
    names[name] = find_module(name)
  end
  for _, import in ipairs(chunk.imports) do
    -- Ids of entries hold a colon, names of modules do not.
    if import.id:find(":", 1, true) then
      names[import.alias] = loaded[import.id]
    else
      names[import.alias] = find_module(import.id)
    end
  end
  local run, problem = native.compile(chunk.source, "=" .. chunk.id, new_environment(chunk.id, names), chunk.is_bytecode)
  if not run then
    error(errors.make("Invalid", problem), 0)
  end
  watch(run, chunk.id)
  local value = run()
  if chunk.surface then
    check_surface(chunk.id, value, chunk.surface)
  end
  return value
end

-- Runs `body`; on an error returns false and a failure's fields.
local function guarded(body, ...)
  local frames
  local results = table.pack(xpcall(body, function(problem)
    frames = native.frames(2)
    return problem
  end, ...))
  if results[1] then
    return table.unpack(results, 1, results.n)
  end
  return false, errors.to_failure(results[2], frames)
end

local function parse(id, source)
  local run, problem = native.compile(source, "=" .. id, {})
  if not run then
    local line, text = problem:sub(#id + 2):match("^(%d+): (.*)$")
    local details = { line = math.tointeger(line), text = text, near = text and text:match(" near (.*)$") }
    error(errors.make("Invalid", problem, details), 0)
  end
  return run
end

function prelude.check(id, source)
  return guarded(function()
    watch(parse(id, source), id)
  end)
end

function prelude.compile(id, source)
  return guarded(function()
    return dump(parse(id, source))
  end)
end

-- Values of the chunks that were loaded, by id.
local loaded = {}

local function run_chunks(chunks, progress)
  for i, chunk in ipairs(chunks) do
    -- A library that returns nothing is there all the same.
    local value = run_chunk(chunk, loaded)
    loaded[chunk.id] = value == nil and true or value
    entry, entry_id, entry_type = value, chunk.id, type(value)
    if native.timeless() then
      progress.timeless = i
    end
  end
end

local was_loaded = false

-- The first load makes an image, outside of any call, and so without permissions. A chunk that was denied something and then fails
-- may do better in a call: those run it again.
function prelude.load(chunks)
  local is_first = not was_loaded
  was_loaded = true
  is_workflow = imports.durable.is_workflow()
  local progress = { timeless = 0 }
  local results = table.pack(guarded(run_chunks, chunks, progress))
  if results[1] or is_first and native.denied() then
    return true, progress.timeless
  end
  return table.unpack(results, 1, results.n)
end

-- A returned function serves any method; a returned table is indexed raw.
local function find_method(name)
  if entry_type == "function" then
    return entry
  end
  local method = entry_type == "table" and rawget(entry, name) or nil
  if type(method) == "function" then
    return method
  end
  local text = string.format('%s: method "%s" not found in module', entry_id, name)
  if method ~= nil then
    text = string.format('%s: method "%s" is a %s, not a function', entry_id, name, type(method))
  elseif entry_type ~= "table" then
    text = text .. ": its source must return a function or a table of functions, not a " .. entry_type
  end
  return nil, errors.make("NotFound", text)
end

function prelude.start(method, ...)
  mailbox.reset()
  local run, problem = find_method(method)
  if not run then
    return false, errors.to_failure(problem)
  end
  return scheduler.start(run, ...)
end

prelude.run = scheduler.run
prelude.complete = scheduler.complete
prelude.message = mailbox.message

return prelude
