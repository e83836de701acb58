-- The global `process`: who this run is, its relations to others, and its messages.
local raw, mailbox, scheduler, core = ...

local EVENTS = "@pid/events"
local copy = core.builder.copy

local process = {
  event = { CANCEL = "pid.cancel", EXIT = "pid.exit", LINK_DOWN = "pid.link.down", OUTDATED = "pid.outdated" },
  id = raw.id,
  pid = raw.pid,
}

local function invalid(...)
  return nil, core.error("Invalid", string.format(...))
end

local function done(_, problem)
  if problem then
    return nil, problem
  end
  return true
end

-- Messages ---------------------------------------------------------------------------------------------------------------

-- What was found good: to look up a text is cheaper than to look at it again, and most are the same ones each time.
local function remember(check)
  local good, count = {}, 0
  return function(text)
    if good[text] then
      return true
    elseif not check(text) then
      return false
    elseif count == 64 then
      good, count = {}, 0
    end
    good[text], count = true, count + 1
    return true
  end
end

local is_topic = remember(function(topic)
  return type(topic) == "string" and topic ~= "" and topic:byte() ~= 64
end)

local is_text = remember(function(text)
  return type(text) == "string"
end)

local NO_TOPIC = "a topic is a text that is not empty and does not begin with @"

function process.send(to, topic, ...)
  if not is_topic(topic) then
    return invalid(NO_TOPIC)
  end
  core.mark()
  local sent, problem = raw.send(to, topic, ...)
  if sent == false then
    return done(raw.signal(to, topic, ...))
  end
  return done(nil, problem)
end

function process.inbox()
  return mailbox.inbox()
end

function process.events()
  return mailbox.listen(EVENTS, { internal = true })
end

function process.listen(topic, options)
  return mailbox.listen(topic, { message = type(options) == "table" and options.message })
end

function process.unlisten(channel)
  return mailbox.unsubscribe(channel, "unlisten")
end

-- Relations --------------------------------------------------------------------------------------------------------------

for _, name in ipairs({ "terminate", "monitor", "unmonitor", "link", "unlink" }) do
  local relate = raw[name]
  process[name] = function(whom)
    if type(whom) ~= "string" then
      return invalid("process.%s: a pid or a name is a string, not a %s", name, core.describe(whom))
    end
    return done(relate(whom))
  end
end

function process.cancel(whom, reason)
  if type(whom) ~= "string" then
    return invalid("process.cancel: a pid or a name is a string, not a %s", core.describe(whom))
  elseif reason ~= nil and type(reason) ~= "string" then
    return invalid("process.cancel: a reason is a string, not a %s", core.describe(reason))
  end
  core.mark()
  return done(raw.cancel(whom, reason))
end

-- Each sets what it is named after if there is a value, and gives what is set.
local OPTIONS = { trap_links = raw.trap_links, upgradable = raw.upgradable }

function process.get_options()
  return { trap_links = raw.trap_links(nil), upgradable = raw.upgradable(nil) }
end

function process.set_options(options)
  if type(options) ~= "table" then
    return false, core.error("Invalid", "options are a table, not a " .. core.describe(options))
  end
  for name, value in pairs(options) do
    if not OPTIONS[name] then
      local text = "option %s is not supported; there are trap_links and upgradable"
      return false, core.error("Invalid", text:format(tostring(name)))
    elseif type(value) ~= "boolean" then
      local text = "option %s is a boolean, not a %s"
      return false, core.error("Invalid", text:format(name, core.describe(value)))
    end
  end
  for name, value in pairs(options) do
    local _, problem = OPTIONS[name](value)
    if problem then
      return false, problem
    end
  end
  return true
end

-- Names ------------------------------------------------------------------------------------------------------------------

-- One node has one scope: all of them mean this host.
local registry = { LOCAL = 0, EVENTUAL = 1, CONSISTENT = 2, STRONG = 3 }
process.registry = registry

local function check_name(name, scope)
  if type(name) ~= "string" or name == "" then
    return "a name is a text that is not empty"
  elseif scope ~= nil and not (math.type(scope) == "integer" and scope >= 0 and scope <= 3) then
    return "a scope is one of LOCAL, EVENTUAL, CONSISTENT and STRONG of process.registry"
  end
end

function registry.register(name, pid, scope)
  local problem = check_name(name, scope)
  if problem or pid ~= nil and type(pid) ~= "string" then
    return invalid(problem or "a pid is a string, not a " .. core.describe(pid))
  end
  return done(raw.register(name, pid))
end

function registry.lookup(name, scope)
  local problem = check_name(name, scope)
  if problem then
    return invalid(problem)
  end
  return raw.lookup(name)
end

function registry.unregister(name, scope)
  local problem = check_name(name, scope)
  if problem then
    return false, core.error("Invalid", problem)
  end
  local gone, refusal = raw.unregister(name)
  return gone or false, refusal
end

-- Starting others --------------------------------------------------------------------------------------------------------

-- How a process is started: name of the function -> what it adds to the options.
local WAYS = {
  spawn = {},
  spawn_monitored = { monitor = true },
  spawn_linked = { link = true },
  spawn_linked_monitored = { link = true, monitor = true },
}

local function check_ids(name, entry, host)
  if is_text(entry) and is_text(host) then
    return nil
  elseif type(entry) ~= "string" then
    return core.error("Invalid", ("process.%s: the entry is an id, not a %s"):format(name, core.describe(entry)))
  end
  local text = "process.%s: the host is the id of a process.host, not a %s"
  return core.error("Invalid", text:format(name, core.describe(host)))
end

local function spawn(name, options, entry, host, ...)
  local wrong = check_ids(name, entry, host)
  if wrong then
    return nil, wrong
  end
  core.mark()
  local pid, problem = raw.spawn(entry, host, options, ...)
  if pid == "" then
    return raw.workflow(entry, host, options, ...)
  end
  return pid, problem
end

local function exec(name, options, entry, host, ...)
  local wrong = check_ids(name, entry, host)
  if wrong then
    return nil, wrong
  end
  core.mark()
  return raw.exec(entry, host, options, ...)
end

local spawner = {}
local Spawner = core.class("process.Spawner", spawner)

for name, way in pairs(WAYS) do
  process[name] = function(entry, host, ...)
    return spawn(name, way, entry, host, ...)
  end
  spawner[name] = function(self, entry, host, ...)
    return spawn(name, copy(Spawner.state(self, name), way), entry, host, ...)
  end
end

function process.exec(entry, host, ...)
  return exec("exec", {}, entry, host, ...)
end

function spawner.exec(self, entry, host, ...)
  return exec("exec", Spawner.state(self, "exec"), entry, host, ...)
end

-- A builder raises where a permission is missing: it has no other result than the next builder.
core.builder.extend(spawner, Spawner, raw, function(problem)
  error(problem, 0)
end)

-- Options of processes: what else there is has a method of its own.
local SPAWN_OPTIONS = { timeout = true }

function spawner.with_options(self, values)
  local options = Spawner.state(self, "with_options")
  core.builder.check_table(values, "with_options")
  for name in pairs(values) do
    local of_workflows = type(name) == "string" and (name:find("^workflow%.") or name:find("^temporal%.workflow%."))
    if not SPAWN_OPTIONS[name] and not of_workflows then
      local text = "with_options: option %s is not supported; there is timeout, for exec, and what begins with workflow."
      error(text:format(tostring(name)), 2)
    end
  end
  local allowed, problem = raw.may_choose_context()
  if not allowed then
    error(problem, 0)
  end
  return Spawner.new(copy(options, values))
end

-- If a process has the name already, spawning gives its pid, and messages go to it.
function spawner.with_name(self, name)
  local options = Spawner.state(self, "with_name")
  if type(name) ~= "string" or name == "" then
    error("bad argument #1 to 'with_name' (a text that is not empty expected)", 2)
  end
  return Spawner.new(copy(options, { name = name }))
end

-- A message that is in the mailbox before the process starts.
function spawner.with_message(self, topic, ...)
  local options = Spawner.state(self, "with_message")
  if not is_topic(topic) then
    error("bad argument #1 to 'with_message' (" .. NO_TOPIC .. ")", 2)
  end
  local messages = table.move(options.messages or {}, 1, #(options.messages or {}), 1, {})
  messages[#messages + 1] = { topic = topic, n = select("#", ...), values = { ... } }
  return Spawner.new(copy(options, { messages = messages }))
end

-- Each method begins a spawner as well.
for _, name in ipairs({ "with_context", "with_options", "with_name", "with_message", "with_actor", "with_scope" }) do
  local method = spawner[name]
  process[name] = function(...)
    return method(Spawner.new({}), ...)
  end
end

-- Another life -----------------------------------------------------------------------------------------------------------

-- Does not return, unless it is refused.
function process.upgrade(entry, ...)
  if entry ~= nil and type(entry) ~= "string" then
    return invalid("process.upgrade: the entry is an id or nil, not a %s", core.describe(entry))
  end
  scheduler.can_wait("process.upgrade")
  core.mark()
  local allowed, problem = raw.upgrade(entry, ...)
  if problem then
    return nil, problem
  end
  mailbox.hand_over(raw.hand_over)
  scheduler.halt()
end

return process
