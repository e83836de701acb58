-- Module `registry`: snapshots, versions and changes are objects over version numbers that the host understands.
local raw, core = ...

local registry = { parse_id = raw.parse_id, build_delta = raw.build_delta }
local Snapshot, Changes, Version, History

-- A filter must be a table or absent; everything else about it is the host's to judge.
local function find(version, filter)
  return raw.find(version, filter == nil and {} or filter)
end

-- The object of a version number, or nil and what is wrong with it.
local function version_of(id)
  local described, problem = raw.describe_version(id)
  if not described then
    return nil, problem
  end
  return Version.new(described)
end

local function all_versions()
  local versions = {}
  for position, id in ipairs(raw.versions()) do
    versions[position] = version_of(id)
  end
  return versions
end

local function version_number(value, name)
  if Version.is(value) then
    return Version.state(value).id
  end
  local id = math.tointeger(value)
  if id == nil or id <= 0 then
    return nil, core.error("Invalid", "registry." .. name .. ": invalid version ID " .. tostring(value))
  end
  return id
end

local function snapshot_at(value, name)
  local id, problem = version_number(value, name)
  local described = id
  if id then
    described, problem = raw.describe_version(id)
  end
  if not described then
    return nil, problem
  end
  return Snapshot.new({ version = id })
end

local function check_id(id, name)
  if type(id) ~= "string" then
    return nil, core.error("Invalid", name .. ": id must be a string, got " .. type(id))
  end
  return id
end

-- Functions of the module.

function registry.get(id)
  local fine, problem = check_id(id, "registry.get")
  if not fine then
    return nil, problem
  end
  return raw.get(nil, id)
end

function registry.find(filter)
  return find(nil, filter)
end

function registry.snapshot()
  return Snapshot.new({ version = raw.current_version() })
end

function registry.snapshot_at(id)
  return snapshot_at(id, "snapshot_at")
end

function registry.current_version()
  return version_of(raw.current_version())
end

registry.versions = all_versions

function registry.history()
  return History.new({})
end

function registry.apply_version(version)
  local id, problem = version_number(version, "apply_version")
  local applied = id
  if id then
    applied, problem = raw.apply_version(id)
  end
  if not applied then
    return false, problem
  end
  return true
end

-- Snapshots: the registry as it was in one version.

local snapshot = {}
Snapshot = core.class("registry.snapshot", snapshot)

function snapshot.entries(self)
  return raw.find(Snapshot.state(self, "entries").version, {})
end

function snapshot.get(self, id)
  local version = Snapshot.state(self, "get").version
  local fine, problem = check_id(id, "get")
  if not fine then
    return nil, problem
  end
  return raw.get(version, id)
end

function snapshot.find(self, filter)
  return find(Snapshot.state(self, "find").version, filter)
end

function snapshot.namespace(self, namespace)
  return raw.find(Snapshot.state(self, "namespace").version, { [".ns"] = namespace })
end

function snapshot.version(self)
  return version_of(Snapshot.state(self, "version").version)
end

function snapshot.changes(self)
  return Changes.new({ base = Snapshot.state(self, "changes").version, operations = {} })
end

-- Changes: operations collected until `apply` makes them one version.

local changes = {}
Changes = core.class("registry.changes", changes)

for _, name in ipairs({ "create", "update", "delete" }) do
  changes[name] = function(self, entry)
    local operations = Changes.state(self, name).operations
    if name == "delete" then
      entry = { id = entry }
    elseif type(entry) ~= "table" then
      error("bad argument #1 to '" .. name .. "' (entry expected, got " .. type(entry) .. ")", 2)
    end
    operations[#operations + 1] = { kind = "entry." .. name, entry = entry }
    return self
  end
end

function changes.ops(self)
  local operations = {}
  for position, operation in ipairs(Changes.state(self, "ops").operations) do
    operations[position] = { kind = operation.kind, entry = operation.entry }
  end
  return operations
end

function changes.apply(self)
  local state = Changes.state(self, "apply")
  local id, problem = raw.apply(state.base, state.operations)
  if not id then
    return nil, problem
  end
  return version_of(id)
end

-- Versions.

local version = {}
Version = core.class("registry.version", version, {
  __tostring = function(self)
    return version.string(self)
  end,
  __eq = function(left, right)
    return Version.is(left) and Version.is(right) and Version.state(left).id == Version.state(right).id
  end,
})

function version.id(self)
  return Version.state(self, "id").id
end

function version.string(self)
  return "v" .. Version.state(self, "string").id
end

function version.previous(self)
  local previous = Version.state(self, "previous").previous
  return previous and version_of(previous)
end

-- Read afresh: a version that was the newest may have got a successor.
function version.next(self)
  local described = raw.describe_version(Version.state(self, "next").id)
  local following = described and described.next
  return following and version_of(following)
end

-- History.

local history = {}
History = core.class("registry.history", history)

function history.versions(self)
  History.state(self, "versions")
  return all_versions()
end

function history.get_version(self, id)
  History.state(self, "get_version")
  local number, problem = version_number(id, "get_version")
  if not number then
    return nil, problem
  end
  return version_of(number)
end

function history.snapshot_at(self, id)
  History.state(self, "snapshot_at")
  return snapshot_at(id, "snapshot_at")
end

return registry
