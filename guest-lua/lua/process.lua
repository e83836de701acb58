-- The global `process`: who this cell is, and its messages.
local raw, mailbox, errors = ...

local process = {
  event = { CANCEL = "pid.cancel", EXIT = "pid.exit", LINK_DOWN = "pid.link.down" },
  id = raw.id,
  pid = raw.pid,
}

local EVENTS = "@pid/events"

function process.send(pid, topic, ...)
  if type(topic) ~= "string" or topic == "" or topic:sub(1, 1) == "@" then
    return nil, errors.make("Invalid", "a topic is a text that is not empty and does not begin with @")
  end
  return raw.send(pid, topic, ...)
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
  return mailbox.unsubscribe(channel)
end

return process
