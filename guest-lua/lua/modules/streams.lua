-- Streams: objects that other modules hand out. `core.stream(handle)` makes one; a scanner reads it piece by piece.
local raw, core = ...

local methods = {}
local Stream = core.class("Stream", methods)

local WHENCE = { set = "set", cur = "current", ["end"] = "end" }

-- What a scanner looks for: how much of the buffer is a token, and where the rest begins; nothing when more is needed.
local SPLITS = {}

function SPLITS.lines(buffer, at_end)
  local stop = buffer:find("\n", 1, true)
  if stop then
    local token = buffer:sub(1, stop - 1)
    return (token:gsub("\r$", "")), stop + 1
  elseif at_end and buffer ~= "" then
    return (buffer:gsub("\r$", "")), #buffer + 1
  end
end

function SPLITS.words(buffer, at_end)
  local first = buffer:find("%S")
  if not first then
    return
  end
  local stop = buffer:find("%s", first)
  if stop then
    return buffer:sub(first, stop - 1), stop + 1
  elseif at_end then
    return buffer:sub(first), #buffer + 1
  end
end

function SPLITS.bytes(buffer)
  if buffer ~= "" then
    return buffer:sub(1, 1), 2
  end
end

-- A byte that begins no character of UTF-8 is a token of its own.
function SPLITS.runes(buffer, at_end)
  local lead = buffer:byte()
  if not lead then
    return
  end
  local size = lead < 0x80 and 1 or lead >= 0xF0 and 4 or lead >= 0xE0 and 3 or lead >= 0xC0 and 2 or 1
  if #buffer >= size or at_end then
    size = math.min(size, #buffer)
    return buffer:sub(1, size), size + 1
  end
end

local scanner_methods = {}
local Scanner = core.class("Scanner", scanner_methods)

-- A token as long as this without an end in sight is an error, not a reason to read on for ever.
local LONGEST = 1024 * 1024

-- Reads on until there is a token. Tokens are found in `state.buffer` from `state.from`, which is cut when it was used up.
function scanner_methods.scan(self)
  local state = Scanner.state(self, "scan")
  state.text = nil
  while true do
    local token, rest = state.split(state.buffer, state.at_end)
    if token then
      state.text, state.buffer = token, state.buffer:sub(rest)
      return true
    elseif state.at_end or state.err then
      return false, state.err
    elseif #state.buffer > LONGEST then
      state.err = core.error("Invalid", "a token is longer than 1 MiB")
      return false, state.err
    end
    local piece, err = state.read()
    if piece then
      state.buffer = state.buffer .. piece
    elseif err then
      state.err = err
    else
      state.at_end = true
    end
  end
end

function scanner_methods.text(self)
  return Scanner.state(self, "text").text or ""
end

function scanner_methods.err(self)
  local err = Scanner.state(self, "err").err
  return err and err:message()
end

-- A scanner over `read() -> piece`, or nil at the end, or nil and an error.
function core.scanner(read, mode)
  local split = SPLITS[mode or "lines"]
  if not split then
    return nil, core.error("Invalid", "a scanner reads lines, words, bytes or runes, not " .. tostring(mode))
  end
  return Scanner.new({ read = read, split = split, buffer = "", at_end = false })
end

local function done(ok, err)
  if err then
    return false, err
  end
  return true
end

-- Bytes are read at most so many at once when nobody says how many.
function methods.read(self, most)
  local handle = Stream.state(self, "read")
  if most ~= nil and (math.type(most) ~= "integer" or most < 0) then
    return nil, core.error("Invalid", "read takes a number of bytes, zero or more")
  end
  if most and most > 0 then
    return raw.read(handle, most)
  end
  -- All that remains.
  local pieces = {}
  while true do
    local piece, err = raw.read(handle, 0)
    if err then
      return nil, err
    elseif not piece then
      break
    end
    pieces[#pieces + 1] = piece
  end
  if #pieces == 0 then
    return nil
  end
  return table.concat(pieces)
end

function methods.write(self, data)
  local handle = Stream.state(self, "write")
  if type(data) ~= "string" then
    return 0, core.error("Invalid", "write takes a string, got " .. type(data))
  end
  local _, err = raw.write(handle, data)
  if err then
    return 0, err
  end
  return #data
end

function methods.seek(self, whence, offset)
  local handle = Stream.state(self, "seek")
  local from = WHENCE[whence or "set"]
  if not from then
    return -1, core.error("Invalid", "seek counts from set, cur or end, not " .. tostring(whence))
  elseif offset ~= nil and math.type(offset) ~= "integer" then
    return -1, core.error("Invalid", "seek takes an integer as offset")
  end
  local position, err = raw.seek(handle, from, offset or 0)
  if err then
    return -1, err
  end
  return position
end

function methods.flush(self)
  return done(raw.flush(Stream.state(self, "flush")))
end

function methods.close(self)
  return done(raw.close(Stream.state(self, "close")))
end

function methods.stat(self)
  local stat, err = raw.stat(Stream.state(self, "stat"))
  if not stat then
    return nil, err
  end
  stat.size = stat.size or -1
  return stat
end

function methods.scanner(self, mode)
  local handle = Stream.state(self, "scanner")
  return core.scanner(function()
    return raw.read(handle, 64 * 1024)
  end, mode)
end

-- The object for a handle.
core.stream = Stream.new

-- Classes of other modules whose objects serve as streams: the stream inside of an object's state.
local kin = {}

function core.serves_as_stream(class, stream_of)
  kin[class] = stream_of
end

-- The handle of an object, or nil for anything else.
function core.stream_handle(value)
  if Stream.is(value) then
    return Stream.state(value)
  end
  for class, stream_of in pairs(kin) do
    if class.is(value) then
      return Stream.state(stream_of(class.state(value)))
    end
  end
end

return {}
