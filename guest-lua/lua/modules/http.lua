-- Module `http`: views of the exchange that the call answers. The host keeps request and response; the objects here hold no more
-- than what a view allows a body.
local raw, core = ...

-- What the host takes at once.
local PIECE = 64 * 1024

local http = {
  METHOD = { GET = "GET", POST = "POST", PUT = "PUT", DELETE = "DELETE", PATCH = "PATCH", HEAD = "HEAD", OPTIONS = "OPTIONS" },
  STATUS = {
    OK = 200,
    CREATED = 201,
    ACCEPTED = 202,
    NO_CONTENT = 204,
    PARTIAL_CONTENT = 206,
    MOVED_PERMANENTLY = 301,
    FOUND = 302,
    SEE_OTHER = 303,
    NOT_MODIFIED = 304,
    TEMPORARY_REDIRECT = 307,
    PERMANENT_REDIRECT = 308,
    BAD_REQUEST = 400,
    UNAUTHORIZED = 401,
    PAYMENT_REQUIRED = 402,
    FORBIDDEN = 403,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    NOT_ACCEPTABLE = 406,
    CONFLICT = 409,
    GONE = 410,
    UNPROCESSABLE = 422,
    TOO_MANY_REQUESTS = 429,
    INTERNAL_ERROR = 500,
    INTERNAL_SERVER_ERROR = 500,
    NOT_IMPLEMENTED = 501,
    BAD_GATEWAY = 502,
    SERVICE_UNAVAILABLE = 503,
    GATEWAY_TIMEOUT = 504,
    VERSION_NOT_SUPPORTED = 505,
  },
  CONTENT = {
    JSON = "application/json",
    FORM = "application/x-www-form-urlencoded",
    MULTIPART = "multipart/form-data",
    TEXT = "text/plain",
    STREAM = "application/octet-stream",
  },
  TRANSFER = { CHUNKED = "chunked", SSE = "sse" },
  ERROR = {
    PARSE_FAILED = "PARSE_FAILED",
    INVALID_STATE = "INVALID_STATE",
    WRITE_FAILED = "WRITE_FAILED",
    STREAM_ERROR = "STREAM_ERROR",
  },
}

local function check_text(value, position, name)
  if type(value) ~= "string" then
    error(string.format("bad argument #%d to '%s' (string expected, got %s)", position, name, type(value)), 3)
  end
end

local function check_number(value, default, least, what)
  if value == nil then
    return default
  end
  local number = math.type(value) == "float" and math.tointeger(value // 1) or math.tointeger(value)
  if not number or number < least then
    error(string.format("bad field '%s' of http.request (number of at least %d expected)", what, least), 3)
  end
  return number
end

-- Requests.

local request = {}
local Request = core.class("http.Request", request)

-- options: {timeout = milliseconds, max_body = bytes}
function http.request(options)
  if options ~= nil and type(options) ~= "table" then
    error("bad argument #1 to 'request' (table expected, got " .. type(options) .. ")", 2)
  end
  local there, err = raw.check()
  if not there then
    return nil, err
  end
  options = options or {}
  return Request.new({
    timeout = check_number(options.timeout, 300000, 1, "timeout"),
    most = check_number(options.max_body, 120 * 1024 * 1024, 0, "max_body"),
  })
end

for _, name in ipairs({ "method", "path", "host", "remote_addr", "query_params", "params" }) do
  local ask = raw[name]
  request[name] = function(self)
    Request.state(self, name)
    return ask()
  end
end

for _, name in ipairs({ "header", "query", "param", "accepts" }) do
  local ask = raw[name]
  request[name] = function(self, what)
    Request.state(self, name)
    check_text(what, 1, name)
    return ask(what)
  end
end

function request.content_type(self)
  Request.state(self, "content_type")
  return raw.header("content-type")
end

function request.is_content_type(self, prefix)
  Request.state(self, "is_content_type")
  check_text(prefix, 1, "is_content_type")
  local found, err = raw.header("content-type")
  if err then
    return nil, err
  end
  return found ~= nil and found:sub(1, #prefix):lower() == prefix:lower()
end

function request.content_length(self)
  Request.state(self, "content_length")
  local length, err = raw.content_length()
  if err then
    return nil, err
  end
  return length or -1
end

-- A body whose length nobody knows is one.
function request.has_body(self)
  Request.state(self, "has_body")
  local length, err = raw.content_length()
  if err then
    return nil, err
  end
  return length ~= 0
end

function request.body(self)
  return raw.body(Request.state(self, "body"))
end

function request.body_json(self)
  return raw.json(Request.state(self, "body_json"))
end

function request.stream(self)
  local handle, err = raw.body_stream(Request.state(self, "stream"))
  if not handle then
    return nil, err
  end
  return core.stream(handle)
end

local file = {}
local File = core.class("http.File", file)

-- One value of a name is a string, several are a list.
local function add_value(values, name, value)
  local before = values[name]
  if before == nil then
    values[name] = value
  elseif type(before) == "table" then
    before[#before + 1] = value
  else
    values[name] = { before, value }
  end
end

function request.parse_multipart(self, max_memory)
  local limits = Request.state(self, "parse_multipart")
  if max_memory ~= nil and (not math.tointeger(max_memory) or max_memory < 0) then
    error("bad argument #1 to 'parse_multipart' (number of bytes expected)", 2)
  end
  local form, err = raw.form(limits, math.tointeger(max_memory) or 32 * 1024 * 1024)
  if not form then
    return nil, err
  end
  local files, values = {}, {}
  for _, part in ipairs(form.values) do
    add_value(values, part.name, part.value)
  end
  for _, part in ipairs(form.files) do
    local list = files[part.field] or {}
    files[part.field] = list
    list[#list + 1] = File.new(part)
  end
  return { files = files, values = values }
end

function file.name(self)
  return File.state(self, "name").name
end

function file.size(self)
  return File.state(self, "size").size
end

function file.header(self, name)
  local part = File.state(self, "header")
  check_text(name, 1, "header")
  return raw.file_header(part.file, name)
end

function file.stream(self)
  local handle, err = raw.file_stream(File.state(self, "stream").file)
  if not handle then
    return nil, err
  end
  return core.stream(handle)
end

-- Responses. Methods return nothing, or an error.

local response = {}
local Response = core.class("http.Response", response)

function http.response()
  local there, err = raw.check()
  if not there then
    return nil, err
  end
  return Response.new({})
end

local function problem(_, err)
  return err
end

function response.set_status(self, code)
  Response.state(self, "set_status")
  local status = math.tointeger(code)
  if not status then
    error("bad argument #1 to 'set_status' (integer expected, got " .. type(code) .. ")", 2)
  end
  return problem(raw.set_status(status))
end

local function text_of(value)
  return type(value) == "number" and tostring(value) or value
end

function response.set_header(self, name, value)
  Response.state(self, "set_header")
  value = text_of(value)
  check_text(name, 1, "set_header")
  check_text(value, 2, "set_header")
  return problem(raw.set_header(name, value))
end

function response.set_content_type(self, content_type)
  Response.state(self, "set_content_type")
  check_text(content_type, 1, "set_content_type")
  return problem(raw.set_header("content-type", content_type))
end

function response.set_transfer(self, mode)
  Response.state(self, "set_transfer")
  if mode ~= "chunked" and mode ~= "sse" then
    return core.error("Invalid", 'a transfer is "chunked" or "sse", not ' .. tostring(mode))
  end
  return problem(raw.set_transfer(mode))
end

-- Tries again once there is room.
local function again(try, ...)
  while true do
    local written, err = try(...)
    if err or written ~= "full" then
      return written, err
    end
    local _, gone = raw.room()
    if gone then
      return nil, gone
    end
  end
end

local function write(text, is_json)
  if #text <= PIECE then
    return problem(again(raw.write, text, is_json))
  end
  for first = 1, #text, PIECE do
    local _, err = again(raw.write, text:sub(first, first + PIECE - 1), is_json)
    if err then
      return err
    end
  end
end

function response.write(self, data)
  Response.state(self, "write")
  data = text_of(data)
  check_text(data, 1, "write")
  return write(data, false)
end

function response.write_json(self, value)
  Response.state(self, "write_json")
  local written, err = again(raw.write_json, value)
  if written ~= "large" then
    return err
  end
  local text
  text, err = raw.encode(value)
  if not text then
    return err
  end
  return write(text, true)
end

function response.flush(self)
  Response.state(self, "flush")
  return problem(raw.flush())
end

-- event: {name = one line, data = any value}
function response.write_event(self, event)
  Response.state(self, "write_event")
  if type(event) ~= "table" then
    error("bad argument #1 to 'write_event' (table expected, got " .. type(event) .. ")", 2)
  end
  local name, data = event.name, event.data
  if type(name) ~= "string" or name == "" or name:find("[\r\n%z]") or data == nil then
    return core.error("Invalid", "an event has a `name` of one line and `data`")
  end
  local written, err = again(raw.write_event, name, data)
  if written ~= "large" then
    return err
  end
  local text
  text, err = raw.encode(data)
  err = err or problem(raw.set_transfer("sse")) or write("event: " .. name .. "\ndata: " .. text .. "\n\n", false)
  return err or problem(raw.flush())
end

function response.stream(self)
  Response.state(self, "stream")
  local handle, err = raw.response_stream()
  if not handle then
    return nil, err
  end
  return core.stream(handle)
end

return http
