-- Module `websocket`: clients. A client's messages are fetched ahead of its reader, as many as its channel's capacity; then the
-- server waits.
--
-- State of a client: handle; capacity; channel; items from `first` to `last` with `bytes` in all; fetching, while the host waits
-- for the next message; ended, when none comes any more; err, why.
local raw, core = ...

local websocket = {
  TEXT = 1,
  BINARY = 2,
  TYPE_TEXT = "text",
  TYPE_BINARY = "binary",
  TYPE_PING = "ping",
  TYPE_PONG = "pong",
  TYPE_CLOSE = "close",
  COMPRESSION = { DISABLED = 0, CONTEXT_TAKEOVER = 1, NO_CONTEXT = 2 },
  CLOSE_CODES = {
    NORMAL = 1000,
    GOING_AWAY = 1001,
    PROTOCOL_ERROR = 1002,
    UNSUPPORTED_DATA = 1003,
    RESERVED = 1004,
    NO_STATUS = 1005,
    ABNORMAL_CLOSURE = 1006,
    INVALID_PAYLOAD = 1007,
    POLICY_VIOLATION = 1008,
    MESSAGE_TOO_BIG = 1009,
    MANDATORY_EXTENSION = 1010,
    INTERNAL_ERROR = 1011,
    SERVICE_RESTART = 1012,
    TRY_AGAIN_LATER = 1013,
    BAD_GATEWAY = 1014,
    TLS_HANDSHAKE = 1015,
  },
}

local CAPACITY, MOST_CAPACITY = 32, 10000

-- Large messages are not fetched ahead by the dozen: they would fill the cell's memory.
local AHEAD = 1024 * 1024

local methods = {}
local Client = core.class("websocket.Client", methods)

local fetch

-- Messages go to whoever waits for one, else into the queue.
local function arrived(client, message)
  message.type, message.kind = message.kind, nil
  if client.first > client.last and core.channel_offer(client.channel, message) then
    return
  end
  client.last = client.last + 1
  client.items[client.last] = message
  client.bytes = client.bytes + #message.data
end

local function finish(client, err)
  client.ended, client.err = true, err
  -- What is queued is still received.
  core.channel_close(client.channel)
end

function fetch(client)
  local queued = client.last - client.first + 1
  if client.fetching or client.ended or queued >= client.capacity or client.bytes >= AHEAD then
    return
  end
  local ticket = raw.start_receive(client.handle)
  client.fetching = ticket
  core.on_ticket(ticket, function()
    client.fetching = nil
    local message, err = raw.take_receive(ticket)
    if not message then
      return finish(client, err)
    end
    arrived(client, message)
    fetch(client)
  end)
end

local function pull(client)
  if client.first > client.last then
    return false
  end
  local message = client.items[client.first]
  client.items[client.first] = nil
  client.first = client.first + 1
  client.bytes = client.bytes - #message.data
  fetch(client)
  return true, message
end

local function check(value, expected, position, name)
  if type(value) ~= expected then
    error(string.format("bad argument #%d to '%s' (%s expected, got %s)", position, name, expected, type(value)), 3)
  end
end

function websocket.connect(url, options)
  check(url, "string", 1, "connect")
  options = options or {}
  check(options, "table", 2, "connect")
  local capacity = options.channel_capacity or CAPACITY
  if math.type(capacity) ~= "integer" or capacity < 1 or capacity > MOST_CAPACITY then
    return nil, core.error("Invalid", "option `channel_capacity` must be an integer from 1 to " .. MOST_CAPACITY)
  end
  local handle, err = raw.connect(url, options)
  if not handle then
    return nil, err
  end
  local client = {
    handle = handle, capacity = capacity, channel = core.channel_new(0), items = {}, first = 1, last = 0, bytes = 0,
    ended = false,
  }
  core.channel_feed(client.channel, function()
    return pull(client)
  end)
  -- Begun at once, since pings are answered while messages are waited for.
  fetch(client)
  return Client.new(client)
end

local function done(ok, err)
  if not ok then
    return nil, err
  end
  return true
end

function methods.send(self, data, kind)
  local client = Client.state(self, "send")
  check(data, "string", 1, "send")
  if kind == nil or kind == websocket.TEXT then
    return done(raw.send(client.handle, "text", data))
  elseif kind == websocket.BINARY then
    return done(raw.send(client.handle, "binary", data))
  end
  return nil, core.error("Invalid", "a message is websocket.TEXT or websocket.BINARY, not " .. tostring(kind))
end

function methods.ping(self)
  return done(raw.send(Client.state(self, "ping").handle, "ping", ""))
end

-- The channel of {type, data}; closed when the connection is.
function methods.channel(self)
  return Client.state(self, "channel").channel
end
methods.receive = methods.channel

-- Why the connection ended, or nil while it lasts and when it was closed in good order.
function methods.error(self)
  return Client.state(self, "error").err
end

function methods.close(self, code, reason)
  local client = Client.state(self, "close")
  code = code == nil and websocket.CLOSE_CODES.NORMAL or code
  reason = reason == nil and "" or reason
  check(reason, "string", 2, "close")
  if math.type(code) ~= "integer" or code < 1000 or code > 4999 then
    return nil, core.error("Invalid", "a close code is an integer from 1000 to 4999, not " .. tostring(code))
  end
  local ok, err = raw.close(client.handle, code, reason)
  if ok and not client.ended then
    if client.fetching then
      core.cancel(client.fetching)
    end
    finish(client)
  end
  return done(ok, err)
end

return websocket
