-- Error objects: data about what went wrong, on both sides of the sandbox wall.
--
-- State of an error: message, kind, retryable (true, false or nil), details (a table or nil), text (what tostring gives,
-- when wrapping added context), frames (the stack where it was made), stack (one that the host sent).
local native, class = ...

local errors = {
  UNKNOWN = "",
  NOT_FOUND = "NotFound",
  ALREADY_EXISTS = "AlreadyExists",
  INVALID = "Invalid",
  PERMISSION_DENIED = "PermissionDenied",
  UNAVAILABLE = "Unavailable",
  INTERNAL = "Internal",
  CANCELED = "Canceled",
  CONFLICT = "Conflict",
  TIMEOUT = "Timeout",
  RATE_LIMITED = "RateLimited",
}

local methods = {}
local Error

local function text_of(value)
  if Error.is(value) then
    local state = Error.state(value)
    return state.text or state.message
  end
  return tostring(value)
end

Error = class("error", methods, {
  __tostring = text_of,
  __concat = function(left, right)
    return text_of(left) .. text_of(right)
  end,
})
native.set_error_class(Error.metatable)

local function render(text, frames)
  local lines = { text }
  for _, frame in ipairs(frames or {}) do
    local name = frame.name == "?" and "a function" or frame.type .. " " .. frame.name
    lines[#lines + 1] = string.format("\t%s:%d: in %s", frame.source, frame.line, name)
  end
  return table.concat(lines, "\n")
end

function methods.message(self)
  return Error.state(self, "message").message
end

function methods.kind(self)
  return Error.state(self, "kind").kind or ""
end

function methods.retryable(self)
  return Error.state(self, "retryable").retryable
end

function methods.details(self)
  local details = Error.state(self, "details").details
  if details == nil or next(details) == nil then
    return nil
  end
  local copy = {}
  for key, value in pairs(details) do
    copy[key] = value
  end
  return copy
end

function methods.stack(self)
  local state = Error.state(self, "stack")
  return state.stack or render(state.text or state.message, state.frames)
end

local function field(options, name, expected)
  local value = options[name]
  if value ~= nil and type(value) ~= expected then
    local message = "bad field '%s' of errors.new (%s expected, got %s)"
    error(message:format(name, expected, type(value)), 3)
  end
  return value
end

local function text_keyed(details)
  local copy = details and {}
  for key, value in pairs(details or {}) do
    if type(key) == "string" then
      copy[key] = value
    end
  end
  return copy
end

-- errors.new(message), errors.new(kind, message) or errors.new{message=, kind=, retryable=, details=}
function errors.new(options, message)
  local state
  if type(options) == "string" then
    state = { message = message or options, kind = message and options }
    if type(state.message) ~= "string" then
      error("bad argument #2 to 'new' (string expected, got " .. type(message) .. ")", 2)
    end
  elseif type(options) == "table" then
    state = {
      message = field(options, "message", "string"),
      kind = field(options, "kind", "string"),
      retryable = field(options, "retryable", "boolean"),
      details = text_keyed(field(options, "details", "table")),
    }
    if state.message == nil then
      error("bad field 'message' of errors.new (string expected, got nil)", 2)
    end
  else
    error("bad argument #1 to 'new' (string or table expected, got " .. type(options) .. ")", 2)
  end
  state.frames = native.frames(1)
  return Error.new(state)
end

-- Keeps the parent's kind, retryable, details and message; tostring gains "context: " in front.
function errors.wrap(err, context)
  if type(err) ~= "string" and not Error.is(err) then
    error("bad argument #1 to 'wrap' (error or string expected, got " .. type(err) .. ")", 2)
  end
  if type(context) ~= "string" and not Error.is(context) then
    error("bad argument #2 to 'wrap' (string or error expected, got " .. type(context) .. ")", 2)
  end
  local parent = Error.is(err) and Error.state(err) or { message = err }
  return Error.new({
    message = parent.message,
    kind = parent.kind,
    retryable = parent.retryable,
    details = parent.details,
    text = text_of(context) .. ": " .. text_of(err),
    frames = parent.frames or native.frames(1),
  })
end

function errors.is(value, kind)
  return Error.is(value) and (Error.state(value).kind or "") == kind
end

function errors.call_stack(value)
  local frames = Error.is(value) and Error.state(value).frames
  if not frames or #frames == 0 then
    return nil
  end
  local copy = {}
  for level, frame in ipairs(frames) do
    copy[level] = { level = level, source = frame.source, line = frame.line, name = frame.name, type = frame.type }
  end
  return { thread = "main", frames = copy }
end

-- For the rest of the prelude.
local internal = { library = errors, is = Error.is }

-- An error as modules return it: not retryable unless said otherwise.
function internal.make(kind, message, details)
  return Error.new({ message = message, kind = kind, retryable = false, details = details })
end

-- Anything that was raised or returned, as the five fields of a failure.
function internal.to_failure(value, frames)
  if Error.is(value) then
    local state = Error.state(value)
    local text = state.text or state.message
    local stack = state.stack or render(text, state.frames and #state.frames > 0 and state.frames or frames)
    return state.kind or "", text, state.retryable, state.details, stack
  end
  local text
  if type(value) == "string" then
    text = value
  else
    local fine, rendered = pcall(tostring, value)
    text = "raised a " .. type(value) .. " instead of an error: " .. (fine and rendered or "?")
  end
  return "Internal", text, nil, nil, render(text, frames)
end

return internal
