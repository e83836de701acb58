-- Module `system`. A host stands alone: what is asked of a cluster is answered by its only member.
local raw, core = ...

local system = { pools = raw.pools, modules = raw.modules }

-- An argument that is an integer within a range.
local function integer(value, position, name, least)
  local number = math.tointeger(value)
  if not number or number < least then
    local text = "bad argument #%d to '%s' (integer of at least %d expected, got %s)"
    error(text:format(position, name, least, tostring(value)), 3)
  end
  return number
end

function system.exit(code)
  return raw.exit(code == nil and 0 or integer(code, 1, "exit", 0))
end

-- One field of what a function returns, or its error.
local function field(name, value, err)
  if not value then
    return nil, err
  end
  return value[name]
end

system.memory = {}

function system.memory.stats()
  local figures, err = raw.memory()
  if not figures then
    return nil, err
  end
  return {
    alloc = figures.resident,
    sys = figures.peak,
    heap_alloc = figures.cell,
    heap_objects = figures.cells,
  }
end

function system.memory.allocated()
  return field("resident", raw.memory())
end

function system.memory.heap_objects()
  return field("cells", raw.memory())
end

-- -1 stands for none.
local function limit(bytes, err)
  if err then
    return nil, err
  end
  return bytes or -1
end

function system.memory.get_limit()
  return limit(raw.memory_limit())
end

function system.memory.set_limit(bytes)
  bytes = integer(bytes, 1, "set_limit", -1)
  return limit(raw.set_memory_limit(bytes >= 0 and bytes or nil))
end

-- The garbage collector of this cell. Lua counts in percent of what is in use when a collection begins; here it is percent by
-- which memory may grow until the next one.
system.gc = {}

function system.gc.collect()
  local allowed, err = raw.may_collect("collect")
  if not allowed then
    return nil, err
  end
  collectgarbage("collect")
  return true
end

-- Lua keeps the pause in a byte, in steps of four.
local MOST_PERCENT = 900

local function percent(wanted)
  local before = collectgarbage("setpause", wanted or 200)
  if not wanted then
    collectgarbage("setpause", before)
  end
  return before - 100
end

function system.gc.get_percent()
  local allowed, err = raw.may_collect("read")
  if not allowed then
    return nil, err
  end
  return percent()
end

function system.gc.set_percent(wanted)
  wanted = integer(wanted, 1, "set_percent", 0)
  local allowed, err = raw.may_collect("change")
  if not allowed then
    return nil, err
  end
  return percent(100 + math.min(wanted, MOST_PERCENT))
end

system.runtime = { goroutines = raw.running, max_procs = raw.threads, cpu_count = raw.cores }
system.process = { pid = raw.process_id, hostname = raw.hostname, cwd = raw.folder }

-- A function that gives `value` to whoever may read about the node, the cluster or its agreement.
local function constant(ask, value)
  return function()
    local known, err = ask()
    if known == nil then
      return nil, err
    end
    return value
  end
end

system.node = { id = raw.node, addr = constant(raw.node, ""), role = constant(raw.node, "leader") }

system.cluster = { leader = raw.cluster, size = constant(raw.cluster, 1) }

function system.cluster.members()
  local id, err = raw.cluster()
  if not id then
    return nil, err
  end
  return { { id = id, is_local = true } }
end

system.raft = {
  is_leader = constant(raw.raft, true),
  is_member = constant(raw.raft, true),
  role = constant(raw.raft, "leader"),
  term = constant(raw.raft, 1),
  commit_index = raw.raft,
}

function system.raft.stats()
  local index, err = raw.raft_stats()
  if not index then
    return nil, err
  end
  return { state = "leader", term = 1, commit_index = index, applied_index = index, num_peers = 0 }
end

system.lock = { release = raw.release_lock }

function system.lock.acquire(name)
  local taken, err = raw.acquire_lock(name)
  return taken or false, err
end

system.supervisor = { state = raw.service, states = raw.services }
system.hosts = { list = raw.hosts, processes = raw.processes }

return system
