-- Module `queue`: publishing, and the message that a call is for.
--
-- State of a Message: handle, id, headers.
local raw, core = ...

local queue, methods = {}, {}
local Message = core.class("queue.Message", methods)

local function check_id(id)
  if type(id) ~= "string" then
    return core.error("Invalid", "the id of a queue is a string, not a " .. type(id))
  end
end

function queue.publish(id, data, headers)
  local problem = check_id(id)
  if problem then
    return nil, problem
  elseif data == nil then
    return nil, core.error("Invalid", "there is nothing to publish: the data is nil")
  end
  return raw.publish(id, data, headers)
end

function queue.message()
  local message, problem = raw.message()
  if not message then
    return nil, problem
  end
  return Message.new(message)
end

function queue.info(id)
  local problem = check_id(id)
  if problem then
    return nil, problem
  end
  return raw.info(id)
end

function methods.id(self)
  return Message.state(self, "id").id
end

function methods.header(self, name)
  return Message.state(self, "header").headers[name]
end

function methods.headers(self)
  local copy = {}
  for name, value in pairs(Message.state(self, "headers").headers) do
    copy[name] = value
  end
  return copy
end

function methods.ack(self)
  return raw.ack(Message.state(self, "ack").handle)
end

function methods.nack(self)
  return raw.nack(Message.state(self, "nack").handle)
end

return queue
