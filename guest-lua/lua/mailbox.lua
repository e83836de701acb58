-- Messages of this cell: topics bound to channels, the inbox, and what waits until somebody asks for it.
--
-- A message goes to the channel bound to its topic; else, if its topic does not begin with "@", to the inbox once that is
-- open; else it stays. Nothing is dropped and order is kept: a bound channel pulls from its queue when it is received from.
local class, errors, channel = ...

local Message

-- A queue holds each message as so many values in a row, from `first` to `last`: a table for each would be garbage by the time it is
-- read. A message without a size is the host's own. Its value is a list where there are several.
local VALUE <const>, COUNT <const>, TOPIC <const>, SENDER <const>, SIZE <const>, ORDER <const>, WIDTH <const> = 0, 1, 2, 3, 4, 5, 6

local function queue()
  return { first = 1, last = 0 }
end

local function put(items, value, count, topic, sender, size, order)
  local at = items.last + 1
  items[at], items[at + COUNT], items[at + TOPIC] = value, count, topic
  items[at + SENDER], items[at + SIZE], items[at + ORDER] = sender, size, order
  items.last = at + ORDER
end

local function put_from(items, at, into)
  put(into, table.unpack(items, at, at + ORDER))
end

-- Forgets the first message. A queue that is empty begins anew: indices that only grow would leave the array for the hash part.
local function drop(items, at)
  items[at] = nil
  if at + WIDTH > items.last then
    items.first, items.last = 1, 0
  else
    items.first = at + WIDTH
  end
end

-- bindings: topic -> {topic, channel, receivers, items, as_message, pull}; `unclaimed` holds what has no binding.
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
  if awaited or inbox and inbox.receivers.first then
    return true
  end
  for _, binding in pairs(bindings) do
    if binding.receivers.first then
      return true
    end
  end
  return false
end

-- Messages that nobody has read, and their bytes.
function mailbox.backlog()
  return waiting, waiting_bytes
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
  if message.count <= 1 then
    return message.count == 1 and make_payload(message.value) or nil
  end
  local payloads = {}
  for i = 1, message.count do
    payloads[i] = make_payload(message.value[i])
  end
  return payloads
end

-- What a receiver gets of a message.
local function given(binding, value, count, topic, sender)
  if binding.as_message then
    return Message.new({ value = value, count = count, topic = topic, sender = sender })
  end
  return value
end

local function claims(binding, topic)
  return binding.topic == topic or (binding == inbox and not bindings[topic] and topic:sub(1, 1) ~= "@")
end

-- Moves what waited for this binding into its queue, in order.
local function claim(binding)
  local kept = queue()
  for at = unclaimed.first, unclaimed.last, WIDTH do
    put_from(unclaimed, at, claims(binding, unclaimed[at + TOPIC]) and binding.items or kept)
  end
  unclaimed = kept
  -- A channel that is bound later may have somebody waiting already.
  while binding.receivers.first and binding.items.first <= binding.items.last do
    local _, value = binding.pull()
    channel.offer(binding.channel, value)
  end
end

local function bind(topic, object, as_message)
  used = true
  local binding = { topic = topic, channel = object, items = queue(), as_message = as_message }
  function binding.pull()
    local items = binding.items
    local at = items.first
    if at > items.last then
      return false
    end
    local value, size = items[at], items[at + SIZE]
    if size then
      waiting, waiting_bytes = waiting - 1, waiting_bytes - size
    end
    if as_message then
      value = given(binding, value, items[at + COUNT], items[at + TOPIC], items[at + SENDER])
    end
    drop(items, at)
    return true, value
  end
  binding.receivers = channel.feed(object, binding.pull)
  return binding
end

-- Takes a message in as if it had come from a sender, unless nobody listens to its topic. Whether somebody does.
function mailbox.receive(topic, sender, ...)
  local is_event = topic:byte() == 64
  if not (bindings[topic] or not is_event and inbox) then
    return false
  end
  local count = select("#", ...)
  mailbox.message(topic, sender, not is_event and #topic + #sender or nil, count, count > 1 and { ... } or (...))
  return true
end

-- `size` is what the message counts, nothing for an event of the host; `value` is what it brings, or all of it in a list.
function mailbox.message(topic, sender, size, count, value)
  local binding = bindings[topic]
  if size then
    binding = binding or inbox
  else
    local hook = hooks[topic]
    if hook then
      return hook(table.unpack(count == 1 and { value } or value or {}, 1, count))
    end
  end
  arrived = arrived + 1
  local items = unclaimed
  if binding then
    items = binding.items
    if items.first > items.last and binding.receivers.first then
      return channel.offer(binding.channel, given(binding, value, count, topic, sender))
    end
  else
    used = true
  end
  if size then
    waiting, waiting_bytes = waiting + 1, waiting_bytes + size
  end
  put(items, value, count, topic, sender, size, arrived)
end

-- What nobody has read, in the order in which it came.
local function all_unread()
  local unread = {}
  local function gather(items)
    for at = items.first, items.last, WIDTH do
      unread[#unread + 1] = {
        value = items[at + VALUE],
        count = items[at + COUNT],
        topic = items[at + TOPIC],
        sender = items[at + SENDER],
        size = items[at + SIZE],
        order = items[at + ORDER],
      }
    end
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
    local values = message.count == 1 and { message.value } or message.value or {}
    take_over(message.topic, message.sender, table.unpack(values, 1, message.count))
  end
end

local left_unread

function mailbox.set_bury(note)
  left_unread = note
end

-- Tells the host of what nobody will read.
function mailbox.bury()
  for _, message in ipairs(all_unread()) do
    if message.size then
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
  for at = later.first, later.last, WIDTH do
    put_from(later, at, unclaimed)
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
