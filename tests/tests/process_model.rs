//! Random programs of processes, each event compared with what a simple model says.

use perilune::Value;
use perilune_tests::App;

const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time], limits: {timeout: 5m, cpu: 20s}}
  - {name: node, kind: process.lua, source: 'file://node.lua', method: main}
";

/// Does what it is told, and keeps what it sees until it is asked. An upgrade hands on what it has seen.
const NODE: &str = r#"
local works = {}
local function done(value, err) return { value = value, kind = err and err:kind() } end
function works.spawn(state, way) return done(process[way]("app:node", "app:host")) end
for _, name in ipairs({ "link", "unlink", "monitor", "unmonitor" }) do
  works[name] = function(state, pid) return done(process[name](pid)) end
end
function works.trap(state, trap) process.set_options({ trap_links = trap }) return done(process.get_options().trap_links) end
function works.send(state, pid, number) return done(process.send(pid, "note", number)) end
function works.tell(state)
  local seen = state
  return { value = seen }, { seen = {}, notes = {} }
end
return function(state)
  state = state or { seen = {}, notes = {} }
  local inbox, events = process.inbox(), process.events()
  while true do
    local picked = channel.select({ inbox:case_receive(), events:case_receive() })
    if picked.channel == events then
      state.seen[#state.seen + 1] = picked.value.kind .. " " .. picked.value.from
    elseif picked.value:topic() == "note" then
      local note = picked.value:payload():data()
      state.notes[#state.notes + 1] = note
    else
      local order = picked.value:payload():data()
      if order.work == "stop" then return "stopped" end
      if order.work == "fail" then error("failed as told") end
      if order.work == "upgrade" then
        process.send(picked.value:from(), "reply", { id = order.id })
        process.upgrade(nil, state)
      end
      local reply, after = works[order.work](state, order.first, order.second)
      reply.id, state = order.id, after or state
      process.send(picked.value:from(), "reply", reply)
    end
  end
end
"#;

/// The model, and what draws random steps.
const MAIN: &str = r#"
local time = require("time")
local replies, events
local last = 0

local function order(pid, work, first, second)
  last = last + 1
  assert(process.send(pid, "order", { id = last, work = work, first = first, second = second }))
  return last
end

local function receive(what, ch)
  local picked = channel.select({ ch:case_receive(), time.after("20s"):case_receive() })
  assert(picked.channel == ch, "waited in vain for " .. what)
  return picked.value
end

local function ask(pid, work, first, second)
  local id = order(pid, work, first, second)
  local reply = receive("the answer of " .. pid .. " to " .. work, replies)
  assert(reply.id == id, "an answer to something else")
  return reply
end

-- The model: nodes by pid, relations as sets, and events that are still to be seen.
local nodes, order_of, ended = {}, {}, {}

local function add(pid)
  nodes[pid] = { links = {}, watchers = {}, traps = false, expected = {}, notes = {}, sent = {} }
  order_of[#order_of + 1] = pid
  assert(process.monitor(pid))
end

local function expect(pid, event)
  if nodes[pid] then
    local expected = nodes[pid].expected
    expected[event] = (expected[event] or 0) + 1
  end
end

local function finish(pid, well)
  local node = nodes[pid]
  if not node then return end
  nodes[pid], ended[pid] = nil, well
  for i, other in ipairs(order_of) do
    if other == pid then table.remove(order_of, i) break end
  end
  for _, other in pairs(nodes) do other.watchers[pid] = nil end
  for watcher in pairs(node.watchers) do expect(watcher, "pid.exit " .. pid) end
  for linked in pairs(node.links) do
    local other = nodes[linked]
    if other then
      other.links[pid] = nil
      if not well then
        if other.traps then expect(linked, "pid.link.down " .. pid) else finish(linked, false) end
      end
    end
  end
end

-- Waits until what the model says has been seen, and nothing else.
local function settle()
  while next(ended) do
    local event = receive("the end of " .. next(ended), events)
    local well = ended[event.from]
    assert(well ~= nil, event.from .. " ended unexpectedly: " .. tostring(event.result.error))
    assert(well == (event.result.error == nil), event.from .. " ended as it should not: " .. tostring(event.result.error))
    ended[event.from] = nil
  end
  for pid, node in pairs(nodes) do
    repeat
      local seen = ask(pid, "tell").value
      for _, event in ipairs(seen.seen) do
        local left = (node.expected[event] or 0) - 1
        assert(left >= 0, pid .. " saw what it should not: " .. event)
        node.expected[event] = left > 0 and left or nil
      end
      for _, note in ipairs(seen.notes) do
        local from, number = note:match("^(.-) (%d+)$")
        local before = node.notes[from] or 0
        assert(tonumber(number) == before + 1, pid .. " got " .. note .. " after number " .. before)
        node.notes[from] = before + 1
      end
      local notes = true
      for from, count in pairs(node.sent) do notes = notes and node.notes[from] == count end
    until next(node.expected) == nil and notes
  end
end

return function(seed, steps)
  replies, events = process.listen("reply"), process.events()
  math.randomseed(seed)
  local random = math.random
  local function pick() return order_of[random(#order_of)] end
  local function check(reply, expected)
    assert(reply.kind == expected, "expected " .. tostring(expected) .. ", got " .. tostring(reply.kind))
    return reply.value
  end
  local works = {}
  local function spawn_linked(way, link, monitor)
    return function(pid)
      if #order_of >= 12 then return end
      local child = check(ask(pid, "spawn", way))
      add(child)
      if link then nodes[pid].links[child], nodes[child].links[pid] = true, true end
      if monitor then nodes[child].watchers[pid] = true end
    end
  end
  works[1] = spawn_linked("spawn")
  works[2] = spawn_linked("spawn_linked", true)
  works[3] = spawn_linked("spawn_monitored", false, true)
  works[4] = spawn_linked("spawn_linked_monitored", true, true)
  works[5] = function(pid)
    local other = pick()
    local expected = pid == other and "Invalid" or nodes[pid].links[other] and "AlreadyExists" or nil
    check(ask(pid, "link", other), expected)
    if pid ~= other then nodes[pid].links[other], nodes[other].links[pid] = true, true end
  end
  works[6] = function(pid)
    local other = pick()
    check(ask(pid, "unlink", other), not nodes[pid].links[other] and "NotFound" or nil)
    nodes[pid].links[other], nodes[other].links[pid] = nil, nil
  end
  works[7] = function(pid)
    local other = pick()
    local expected = pid == other and "Invalid" or nodes[other].watchers[pid] and "AlreadyExists" or nil
    check(ask(pid, "monitor", other), expected)
    if pid ~= other then nodes[other].watchers[pid] = true end
  end
  works[8] = function(pid)
    local other = pick()
    check(ask(pid, "unmonitor", other), not nodes[other].watchers[pid] and "NotFound" or nil)
    nodes[other].watchers[pid] = nil
  end
  works[9] = function(pid)
    local trap = random() < 0.5
    assert(check(ask(pid, "trap", trap)) == trap)
    nodes[pid].traps = trap
  end
  works[10] = function(pid)
    assert(process.cancel(pid, "why not"))
    expect(pid, "pid.cancel " .. process.pid())
  end
  works[11] = function(pid) check(ask(pid, "upgrade")) end
  works[12] = function(pid)
    for _ = 1, random(5) do
      local other = pick()
      local count = (nodes[other].sent[pid] or 0) + 1
      nodes[other].sent[pid] = count
      check(ask(pid, "send", other, pid .. " " .. count))
    end
  end
  works[13] = function(pid) order(pid, "stop") finish(pid, true) end
  works[14] = function(pid) order(pid, "fail") finish(pid, false) end
  works[15] = function(pid) assert(process.terminate(pid)) finish(pid, false) end
  for step = 1, steps do
    if #order_of < 2 then
      for _ = 1, 4 do add(assert(process.spawn("app:node", "app:host"))) end
    end
    local which = random(#works)
    local fine, problem = pcall(function() works[which](pick()) settle() end)
    if not fine then error("step " .. step .. ", work " .. which .. ": " .. tostring(problem), 0) end
  end
  return steps
end
"#;

async fn run(seed: i64, steps: i64) {
    let app = App::new(&[("app.yaml", ENTRIES), ("main.lua", MAIN), ("node.lua", NODE)]);
    let result = app.call("app:main", &[Value::Integer(seed), Value::Integer(steps)]).await;
    assert_eq!(result, Ok(Value::Integer(steps)), "seed {seed}");
}

/// Programs that are run each time.
const SEEDS: [i64; 4] = [1, 2, 3, 4];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_the_models() {
    for seed in SEEDS {
        run(seed, 500).await;
    }
}

/// A failure prints its seed, to be added to [`SEEDS`].
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_the_models_for_a_new_seed() {
    run(i64::from(rand::random::<u32>()), 1000).await;
}
