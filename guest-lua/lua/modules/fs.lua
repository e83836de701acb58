-- Module `fs`: directories remember their current path; files are streams with manners of their own.
local raw, core = ...

local fs = {
  type = { FILE = "file", DIR = "dir" },
  seek = { SET = "set", CUR = "cur", END = "end" },
}

local directory, file = {}, {}
local FS = core.class("FS", directory)
local File = core.class("File", file)
core.serves_as_stream(File, function(state)
  return state.stream
end)

local WRITING = { w = true, wx = true, a = true }

local function done(ok, err)
  if err then
    return false, err
  end
  return true
end

-- The handle and the current path of a directory, once `path` is known to be a string.
local function at(self, path, name)
  local state = FS.state(self, name)
  if type(path) ~= "string" then
    error("bad argument #1 to '" .. name .. "' (string expected, got " .. type(path) .. ")", 3)
  end
  return state.handle, state.current
end

function fs.get(id)
  local handle, err = raw.get(id)
  if not handle then
    return nil, err
  end
  return FS.new({ handle = handle, current = "/" })
end

function directory.pwd(self)
  return FS.state(self, "pwd").current
end

function directory.chdir(self, path)
  local handle, current = at(self, path, "chdir")
  local entered, err = raw.enter(handle, current, path)
  if not entered then
    return false, err
  end
  FS.state(self).current = entered
  return true
end

function directory.open(self, path, mode)
  local handle, current = at(self, path, "open")
  mode = mode == nil and "r" or mode
  if mode ~= "r" and not WRITING[mode] then
    return nil, core.error("Invalid", "a file is opened with mode r, w, wx or a, not " .. tostring(mode))
  end
  local stream, err = raw.open(handle, current, path, mode)
  if not stream then
    return nil, err
  end
  return File.new({ handle = stream, stream = core.stream(stream) })
end

function directory.stat(self, path)
  local handle, current = at(self, path, "stat")
  return raw.stat(handle, current, path)
end

function directory.exists(self, path)
  local handle, current = at(self, path, "exists")
  local stat, err = raw.stat(handle, current, path)
  if not stat and err:kind() ~= "NotFound" then
    return false, err
  end
  return stat ~= nil
end

function directory.isdir(self, path)
  local handle, current = at(self, path, "isdir")
  local stat, err = raw.stat(handle, current, path)
  if not stat then
    return false, err
  end
  return stat.is_dir
end

function directory.mkdir(self, path)
  local handle, current = at(self, path, "mkdir")
  return done(raw.mkdir(handle, current, path))
end

function directory.remove(self, path)
  local handle, current = at(self, path, "remove")
  return done(raw.remove(handle, current, path))
end

-- An iterator over the names as they are now.
function directory.readdir(self, path)
  local handle, current = at(self, path, "readdir")
  local items, err = raw.list(handle, current, path)
  if not items then
    return nil, err
  end
  local position = 0
  return function()
    position = position + 1
    return items[position]
  end
end

function directory.readfile(self, path)
  local handle, current = at(self, path, "readfile")
  return raw.read_file(handle, current, path)
end

function directory.writefile(self, path, data, mode)
  local handle, current = at(self, path, "writefile")
  mode = mode == nil and "w" or mode
  if not WRITING[mode] then
    return false, core.error("Invalid", "a file is written with mode w, wx or a, not " .. tostring(mode))
  end
  if type(data) == "string" then
    return done(raw.write_file(handle, current, path, mode, data))
  end
  local source = core.stream_handle(data)
  if not source then
    error("bad argument #2 to 'writefile' (string, stream or file expected, got " .. type(data) .. ")", 2)
  end
  return done(raw.copy_file(handle, current, path, mode, source))
end

directory.read_file = directory.readfile
directory.write_file = directory.writefile

-- As many bytes as a stream brings at once.
local PIECE = 1024 * 1024

-- Fewer bytes than asked for mean that the file ends there.
function file.read(self, most)
  local stream = File.state(self, "read").stream
  most = most == nil and 4096 or most
  if math.type(most) ~= "integer" or most <= 0 then
    return nil, core.error("Invalid", "read takes a number of bytes above zero")
  end
  local pieces, got = {}, 0
  repeat
    local piece, err = stream:read(math.min(most - got, PIECE))
    if err then
      return nil, err
    end
    pieces[#pieces + 1] = piece
    got = got + (piece and #piece or 0)
  until not piece or #piece < PIECE or got == most
  if got == 0 then
    return nil, core.error("NotFound", "EOF")
  end
  return table.concat(pieces)
end

function file.write(self, data)
  local stream = File.state(self, "write").stream
  if data == "" then
    return false, core.error("Invalid", "there is nothing to write: the string is empty")
  end
  local _, err = stream:write(data)
  return done(nil, err)
end

function file.seek(self, whence, offset)
  return File.state(self, "seek").stream:seek(whence, offset)
end

function file.stat(self)
  return raw.stat_file(File.state(self, "stat").handle)
end

function file.sync(self)
  return done(raw.sync_file(File.state(self, "sync").handle))
end

function file.close(self)
  return File.state(self, "close").stream:close()
end

function file.scanner(self, mode)
  return File.state(self, "scanner").stream:scanner(mode)
end

return fs
