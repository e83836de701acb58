-- Messages of this cell: topics bound to channels, the inbox, and what waits until somebody asks for it.
--
-- A message goes to the channel bound to its topic; else, if its topic does not begin with "@", to the inbox once that is
-- open; else it stays. Nothing is dropped and order is kept: a bound channel pulls from its queue when it is received from.
local class, errors, channel = ...

local Message

local function queue()
  return { first = 1, last = 0 }
end

local function put(items, item)
  items.last = items.last + 1
  items[items.last] = item
end

local function take(items)
  if items.first > items.last then
    return false
  end
  local item = items[items.first]
  items[items.first] = nil
  items.first = items.first + 1
  return true, item
end

-- bindings: topic -> {channel, items, as_message}; `unclaimed` holds what has no binding.
local bindings, topic_of, unclaimed, inbox, make_payload
-- Messages in all of these queues, their bytes, and how many have ever been there. Events of the host do not count.
local waiting, waiting_bytes, arrived = 0, 0, 0
-- Whether any of these is not as `reset` leaves it. Most calls receive nothing, and begin with what is there.
local used = true

-- Handlers of messages that only the prelude sees, by topic; and whether a handler of the script waits for one.
local hooks, awaited = {}, false

local mailbox = {}

-- Has a function take the messages of a topic that no script can send to.
function mailbox.on_message(topic, hook)
  hooks[topic] = hook
end

-- From now on a message could wake somebody, whatever the script waits for.
function mailbox.await()
  awaited = true
end

function mailbox.reset()
  if used then
    bindings, topic_of, unclaimed, inbox, used = {}, {}, queue(), nil, false
    waiting, waiting_bytes, arrived = 0, 0, 0
  end
end
mailbox.reset()

-- The constructor of payload objects, known once module payload is loaded.
function mailbox.set_payload(constructor)
  make_payload = constructor
end

-- True when a message could wake somebody.
function mailbox.listening()
  if awaited then
    return true
  end
  if inbox and channel.is_awaited(inbox.channel) then
    return true
  end
  for _, binding in pairs(bindings) do
    if channel.is_awaited(binding.channel) then
      return true
    end
  end
  return false
end

-- Messages that nobody has read, and their bytes.
function mailbox.backlog()
  return waiting, waiting_bytes
end

local function is_event(message)
  return message.topic:byte() == 64
end

local function keep(items, message)
  if not is_event(message) then
    waiting, waiting_bytes = waiting + 1, waiting_bytes + message.size
  end
  put(items, message)
end

local function release(message)
  if not is_event(message) then
    waiting, waiting_bytes = waiting - 1, waiting_bytes - message.size
  end
end

local function plain(message)
  if message.n <= 1 then
    return message[1]
  end
  return table.move(message, 1, message.n, 1, {})
end

local message_methods = {}
Message = class("process.Message", message_methods, {
  __tostring = function(self)
    return "process.Message{topic=" .. Message.state(self).topic .. "}"
  end,
})

function message_methods.topic(self)
  return Message.state(self, "topic").topic
end

function message_methods.from(self)
  return Message.state(self, "from").sender
end

function message_methods.payload(self)
  local message = Message.state(self, "payload")
  if message.n <= 1 then
    return message.n == 1 and make_payload(message[1]) or nil
  end
  local payloads = {}
  for i = 1, message.n do
    payloads[i] = make_payload(message[i])
  end
  return payloads
end

-- True when somebody took it.
local function hand(binding, message)
  if binding.items.first > binding.items.last and channel.is_awaited(binding.channel) then
    return channel.offer(binding.channel, binding.as_message and Message.new(message) or plain(message))
  end
  return false
end

local function claims(binding, topic)
  return binding.topic == topic or (binding == inbox and not bindings[topic] and topic:sub(1, 1) ~= "@")
end

-- Moves what waited for this binding into its queue, in order.
local function claim(binding)
  local kept = queue()
  for i = unclaimed.first, unclaimed.last do
    local message = unclaimed[i]
    if not claims(binding, message.topic) then
      put(kept, message)
    elseif hand(binding, message) then
      release(message)
    else
      put(binding.items, message)
    end
  end
  unclaimed = kept
end

local function bind(topic, object, as_message)
  used = true
  local binding = { topic = topic, channel = object, items = queue(), as_message = as_message }
  channel.feed(object, function()
    local there, message = take(binding.items)
    if there then
      release(message)
      return true, as_message and Message.new(message) or plain(message)
    end
    return false
  end)
  return binding
end

-- Takes a message in as if it had come from a sender, unless nobody listens to its topic. Whether somebody does.
function mailbox.receive(topic, sender, ...)
  if not (bindings[topic] or topic:byte() ~= 64 and inbox) then
    return false
  end
  mailbox.message(topic, sender, #topic + #sender, ...)
  return true
end

-- `size` is what the message counts.
function mailbox.message(topic, sender, size, ...)
  local hook = topic:byte() == 64 and hooks[topic]
  if hook then
    return hook(...)
  end
  arrived = arrived + 1
  local message = { n = select("#", ...), topic = topic, sender = sender, size = size, order = arrived, ... }
  local binding = bindings[topic] or (topic:byte() ~= 64 and inbox)
  if not binding then
    used = true
    keep(unclaimed, message)
  elseif not hand(binding, message) then
    keep(binding.items, message)
  end
end

-- What nobody has read, in the order in which it came.
local function all_unread()
  local unread = {}
  local function gather(items)
    table.move(items, items.first, items.last, #unread + 1, unread)
  end
  gather(unclaimed)
  for _, binding in pairs(bindings) do
    gather(binding.items)
  end
  if inbox then
    gather(inbox.items)
  end
  table.sort(unread, function(left, right)
    return left.order < right.order
  end)
  return unread
end

-- Gives away what nobody has read.
function mailbox.hand_over(take_over)
  for _, message in ipairs(all_unread()) do
    take_over(message.topic, message.sender, table.unpack(message, 1, message.n))
  end
end

local left_unread

function mailbox.set_bury(note)
  left_unread = note
end

-- Tells the host of what nobody will read.
function mailbox.bury()
  for _, message in ipairs(all_unread()) do
    if not is_event(message) then
      left_unread(message.topic, message.sender, message.size - #message.topic - #message.sender)
    end
  end
end

local function bind_topic(topic, object, as_message)
  local binding = bind(topic, object, as_message)
  bindings[topic], topic_of[object] = binding, topic
  claim(binding)
  return object
end

-- subscribe(topic, channel) -> channel, or nil and AlreadyExists
function mailbox.subscribe(topic, object)
  if type(topic) ~= "string" then
    error("bad argument #1 to 'subscribe' (string expected, got " .. type(topic) .. ")", 2)
  end
  if not channel.is(object) then
    error("bad argument #2 to 'subscribe' (channel expected, got " .. type(object) .. ")", 2)
  end
  local bound = bindings[topic]
  if bound then
    if bound.channel == object then
      return object
    end
    return nil, errors.make("AlreadyExists", string.format('topic "%s" already subscribed', topic))
  end
  if topic_of[object] then
    return nil, errors.make("AlreadyExists", string.format('channel already subscribed to topic "%s"', topic_of[object]))
  end
  return bind_topic(topic, object, false)
end

-- unsubscribe(channel, name of the function) -> true, or false and an error. Closes the channel; what it had not read waits for the next one.
function mailbox.unsubscribe(object, name)
  if not channel.is(object) then
    error("bad argument #1 to '" .. name .. "' (channel expected, got " .. type(object) .. ")", 2)
  end
  local topic = topic_of[object]
  if not topic then
    return false, errors.make("NotFound", "channel is not subscribed to a topic")
  end
  local binding = bindings[topic]
  bindings[topic], topic_of[object] = nil, nil
  channel.feed(object, nil)
  channel.close(object)
  local later = unclaimed
  unclaimed = binding.items
  for i = later.first, later.last do
    put(unclaimed, later[i])
  end
  return true
end

-- The channel of everything that no topic claims; opened by the first call.
function mailbox.inbox()
  if not inbox then
    inbox = bind(nil, channel.new(0), true)
    claim(inbox)
  end
  return inbox.channel
end

-- listen(topic, {message=bool}?): the channel of a topic; the same one for the same topic.
function mailbox.listen(topic, options)
  if type(topic) ~= "string" or topic == "" or (topic:sub(1, 1) == "@" and not options.internal) then
    return nil, errors.make("Invalid", "a topic is a text that is not empty and does not begin with @")
  end
  local bound = bindings[topic]
  if bound then
    return bound.channel
  end
  return bind_topic(topic, channel.new(1), options.message == true)
end

return mailbox
