-- Channels and select. A waiter is a node of a doubly linked list, so that select can leave all its queues at once.
--
-- State of a channel: capacity, closed; items from `first` to `last`; queues `receivers` and `senders`; `pull`, for a
-- channel that is fed from outside (mailbox.lua), gives `true, value` when something has arrived.
local native, class, errors, scheduler = ...
local unwrap = native.unwrap
local wake, park, can_wait, current = scheduler.wake, scheduler.park, scheduler.can_wait, scheduler.current

local CLOSED = "send on closed channel"
local methods = {}
local Channel = class("channel", methods)
local Case = class("channel.case", {})

local function enqueue(queue, node)
  node.queue, node.previous, node.next = queue, queue.last, nil
  if queue.last then
    queue.last.next = node
  else
    queue.first = node
  end
  queue.last = node
end

local function remove(node)
  local queue = node.queue
  if not queue then
    return
  end
  if node.previous then
    node.previous.next = node.next
  else
    queue.first = node.next
  end
  if node.next then
    node.next.previous = node.previous
  else
    queue.last = node.previous
  end
  node.queue = nil
end

-- Takes the longest waiting node off a queue. A select leaves its other queues too.
local function dequeue(queue)
  local node = queue.first
  if node then
    remove(node)
    if node.group then
      for _, other in ipairs(node.group) do
        remove(other)
      end
      node.group.fired = node
    end
  end
  return node
end

local function hand_over(receiver, value, ok)
  if receiver.group then
    receiver.value, receiver.ok = value, ok
    wake(receiver.task)
  else
    wake(receiver.task, value, ok)
  end
end

local function release_sender(sender)
  sender.ok = true
  wake(sender.task, true)
end

-- `true, value, ok` when a receive can be done now.
local function try_receive(channel)
  if channel.first <= channel.last then
    local value = channel.items[channel.first]
    channel.items[channel.first] = nil
    channel.first = channel.first + 1
    local sender = dequeue(channel.senders)
    if sender then
      channel.last = channel.last + 1
      channel.items[channel.last] = sender.value
      release_sender(sender)
    end
    return true, value, true
  end
  if channel.senders.first then
    local sender = dequeue(channel.senders)
    release_sender(sender)
    return true, sender.value, true
  end
  local pull = channel.pull
  if pull then
    local arrived, value = pull()
    if arrived then
      return true, value, true
    end
  end
  if channel.closed then
    return true, nil, false
  end
  return false
end

-- `true` when a send was done now. The channel is open.
local function try_send(channel, value)
  local receiver = dequeue(channel.receivers)
  if receiver then
    hand_over(receiver, value, true)
    return true
  end
  if channel.last - channel.first + 1 < channel.capacity then
    channel.last = channel.last + 1
    channel.items[channel.last] = value
    return true
  end
  return false
end

local function new_channel(capacity)
  return Channel.new({ capacity = capacity, closed = false, items = {}, first = 1, last = 0, receivers = {}, senders = {} })
end

function methods.send(self, value)
  local channel = Channel.state(self, "send")
  if channel.closed then
    error(CLOSED, 2)
  end
  if try_send(channel, value) then
    return true
  end
  can_wait("channel send")
  enqueue(channel.senders, { task = current(), value = value })
  return park()
end

local metatable = Channel.metatable

function methods.receive(self)
  local channel = unwrap(self, metatable) or Channel.state(self, "receive")
  local done, value, ok = try_receive(channel)
  if done then
    return value, ok
  end
  can_wait("channel receive")
  enqueue(channel.receivers, { task = current() })
  return park()
end

function methods.close(self)
  local channel = Channel.state(self, "close")
  if channel.closed then
    return
  end
  channel.closed = true
  local sender = dequeue(channel.senders)
  while sender do
    wake(sender.task, nil, errors.make("Invalid", CLOSED))
    sender = dequeue(channel.senders)
  end
  local receiver = dequeue(channel.receivers)
  while receiver do
    hand_over(receiver, nil, false)
    receiver = dequeue(channel.receivers)
  end
end

function methods.case_receive(self)
  return Case.new({ object = self, channel = Channel.state(self, "case_receive") })
end

function methods.case_send(self, value)
  return Case.new({ object = self, channel = Channel.state(self, "case_send"), send = true, value = value })
end

-- The cases of a select in order: the array part, then named ones by name.
local function cases_of(list)
  local cases, names = {}, {}
  for _, item in ipairs(list) do
    if Case.is(item) then
      cases[#cases + 1] = Case.state(item)
    end
  end
  for name, item in pairs(list) do
    if type(name) == "string" and Case.is(item) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    cases[#cases + 1] = Case.state(list[name])
  end
  return cases
end

local function result(case, value, ok)
  return { channel = case.object, value = value, ok = ok }
end

local channel = {}

-- A negative or missing capacity means 0: sender and receiver meet.
function channel.new(capacity)
  local size = capacity == nil and 0 or math.tointeger(capacity)
  if not size then
    error("bad argument #1 to 'new' (integer expected, got " .. type(capacity) .. ")", 2)
  end
  return new_channel(math.max(size, 0))
end

function channel.select(list, default)
  if type(list) ~= "table" then
    error("bad argument #1 to 'select' (table expected, got " .. type(list) .. ")", 2)
  end
  local cases = cases_of(list)
  for _, case in ipairs(cases) do
    if not case.send then
      local done, value, ok = try_receive(case.channel)
      if done then
        return result(case, value, ok)
      end
    elseif case.channel.closed then
      error(CLOSED, 2)
    elseif try_send(case.channel, case.value) then
      return result(case, case.value, true)
    end
  end
  if default or list.default then
    return { default = true, ok = true }
  end
  can_wait("channel.select")
  local group = {}
  for i, case in ipairs(cases) do
    group[i] = { task = current(), group = group, case = case, value = case.value }
    enqueue(case.send and case.channel.senders or case.channel.receivers, group[i])
  end
  park()
  local fired = group.fired
  if fired.case.send then
    if not fired.ok then
      error(CLOSED, 2)
    end
    return result(fired.case, fired.value, true)
  end
  return result(fired.case, fired.value, fired.ok)
end

-- For the rest of the prelude.
local internal = { library = channel, is = Channel.is, new = new_channel, close = methods.close }

-- Never waits: false when nobody receives and the buffer is full, or when the channel is closed.
function internal.push(object, value)
  local target = Channel.state(object)
  return not target.closed and try_send(target, value)
end

function internal.is_closed(object)
  return Channel.state(object).closed
end

-- Feeds a channel from `pull`; see the top of this file. Returns the queue of those who wait to receive: there are some if it has a
-- `first`.
function internal.feed(object, pull)
  local channel = Channel.state(object)
  channel.pull = pull
  return channel.receivers
end

-- Hands `value` to a waiting receiver; false when nobody waits.
function internal.offer(object, value)
  local receiver = dequeue(Channel.state(object).receivers)
  if receiver then
    hand_over(receiver, value, true)
  end
  return receiver ~= nil
end

return internal
