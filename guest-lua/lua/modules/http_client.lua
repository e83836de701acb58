-- Module `http_client`: the host sends; here bytes are put beside the options, and what comes back becomes a table.
local raw, core = ...

local http_client = {}

-- Requests of a batch that are under way at a time.
local AT_ONCE = 16
-- Requests of one batch.
local MOST = 1000

local function check(value, expected, position, name)
  if type(value) ~= expected then
    error(string.format("bad argument #%d to '%s' (%s expected, got %s)", position, name, expected, type(value)), 3)
  end
end

local function copy(values)
  local copied = {}
  for key, value in pairs(values) do
    copied[key] = value
  end
  return copied
end

-- Bytes cross beside the options: `body` and the `content` of files become their positions in a list.
local function split(options)
  if options == nil then
    return {}, {}
  end
  local contents = {}
  local function beside(value)
    contents[#contents + 1] = value
    return #contents
  end
  options = copy(options)
  options.content = nil
  if type(options.body) == "string" then
    options.body, options.content = nil, beside(options.body)
  end
  if type(options.files) == "table" then
    local files = {}
    for i, file in ipairs(options.files) do
      if type(file) == "table" then
        file = copy(file)
        file.content = type(file.content) == "string" and beside(file.content) or nil
        if file.reader ~= nil then
          file.reader = core.stream_handle(file.reader) or false
        end
      end
      files[i] = file
    end
    options.files = files
  end
  return options, contents
end

local function response(answer, err)
  if not answer then
    return nil, err
  end
  if answer.opened then
    answer.stream, answer.opened = core.stream(answer.opened), nil
  end
  return answer
end

local function send(name, position, method, url, options)
  check(method, "string", 1, name)
  check(url, "string", position, name)
  if options ~= nil then
    check(options, "table", position + 1, name)
  end
  return response(raw.request(method, url, split(options)))
end

for _, name in ipairs({ "get", "head", "delete", "post", "put", "patch" }) do
  local method = name:upper()
  http_client[name] = function(url, options)
    return send(name, 1, method, url, options)
  end
end

function http_client.request(method, url, options)
  return send("request", 2, method, url, options)
end

-- What is wrong with a request of a batch, or nil.
local function problem(request)
  if type(request) ~= "table" then
    return "a request is a table {method, url, options}, not a " .. type(request)
  end
  local method, url, options = request[1], request[2], request[3]
  if type(method) ~= "string" or type(url) ~= "string" then
    return "a request begins with a method and a URL, both strings"
  elseif options ~= nil and type(options) ~= "table" then
    return "the options of a request are a table, not a " .. type(options)
  elseif options and options.stream then
    return "`stream` is not for requests of a batch"
  end
end

-- All responses and all errors by the position of their request; no errors when there are none.
function http_client.request_batch(requests)
  check(requests, "table", 1, "request_batch")
  if #requests > MOST then
    return nil, core.error("Invalid", "a batch has at most " .. MOST .. " requests, not " .. #requests)
  end
  for i, request in ipairs(requests) do
    local text = problem(request)
    if text then
      return nil, core.error("Invalid", "requests[" .. i .. "]: " .. text)
    end
  end
  local responses, errors, failed = {}, {}, false
  local ended = core.channel_new(#requests)
  local next_one = 1
  local function start()
    local i = next_one
    next_one = i + 1
    local request = requests[i]
    local ticket, err = raw.start_request(request[1], request[2], split(request[3]))
    if not ticket then
      errors[i], failed = err, true
      core.channel_push(ended, i)
      return
    end
    core.on_ticket(ticket, function()
      responses[i], errors[i] = response(raw.take_request(ticket))
      failed = failed or errors[i] ~= nil
      core.channel_push(ended, i)
    end)
  end
  for _ = 1, math.min(AT_ONCE, #requests) do
    start()
  end
  for _ = 1, #requests do
    ended:receive()
    if next_one <= #requests then
      start()
    end
  end
  return responses, failed and errors or nil
end

-- As in a query: a space becomes a plus.
function http_client.encode_uri(text)
  check(text, "string", 1, "encode_uri")
  return (text:gsub("[^%w%-_.~]", function(character)
    return character == " " and "+" or string.format("%%%02X", character:byte())
  end))
end

function http_client.decode_uri(text)
  check(text, "string", 1, "decode_uri")
  local spaced = text:gsub("%+", " ")
  local at = spaced:gsub("%%%x%x", "   "):find("%", 1, true)
  if at then
    return nil, core.error("Invalid", "no two hexadecimal digits follow the % at position " .. at)
  end
  return (spaced:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

return http_client
