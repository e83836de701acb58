-- Module `events`: the bus of the host.
--
-- State of a Subscription: handle, channel, and ticket while it waits for events.
local raw, core = ...

local events, methods = {}, {}
local Subscription = core.class("events.Subscription", methods)

-- Events that a channel holds; those that find it full are dropped.
local WAITING = 64

local function check_names(names)
  for _, name in ipairs({ "system", "kind", "path" }) do
    local value = names[name]
    if value ~= nil and type(value) ~= "string" then
      return core.error("Invalid", "the " .. name .. " of an event is a string, not a " .. type(value))
    end
  end
end

function events.send(system, kind, path, data)
  local problem = check_names({ system = system or "", kind = kind or "", path = path or "" })
  if problem then
    return nil, problem
  end
  return raw.send(system or "", kind or "", path or "", data)
end

local function listen(state)
  local ticket = raw.start_next(state.handle)
  state.ticket = ticket
  core.on_ticket(ticket, function()
    local arrived = raw.take_next(ticket)
    state.ticket = nil
    if not arrived then
      return core.channel_close(state.channel)
    end
    for _, event in ipairs(arrived) do
      core.channel_push(state.channel, event)
    end
    listen(state)
  end)
end

function events.subscribe(system, kind)
  local problem = check_names({ system = system or "", kind = kind })
  if problem then
    return nil, problem
  end
  local handle
  handle, problem = raw.subscribe(system or "", kind)
  if not handle then
    return nil, problem
  end
  local state = { handle = handle, channel = core.channel_new(WAITING) }
  listen(state)
  return Subscription.new(state)
end

function methods.channel(self)
  return Subscription.state(self, "channel").channel
end

function methods.close(self)
  local state = Subscription.state(self, "close")
  if state.ticket then
    core.cancel(state.ticket)
    state.ticket = nil
  end
  raw.close(state.handle)
  core.channel_close(state.channel)
  return true
end

return events
