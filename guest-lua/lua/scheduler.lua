-- The coroutine scheduler: tasks run one at a time until each waits.
--
--   ready   --run-->      running
--   running --park-->     waiting   for a ticket, or for whoever holds the task in a queue
--   running --yield-->    ready     a bare coroutine.yield lets others run
--   waiting --complete, wake--> ready
--   running --return, raise-->  gone; main's end, and any error, end the run
local native, errors = ...
local step, new_task, park = native.step, native.new_task, native.park

-- What a step comes to (c/coroutine.c).
local DONE <const>, WAITS <const>, YIELDED <const> = 0, 2, 3

local scheduler = { park = park, can_wait = native.can_wait }

-- Ready tasks with the two values each is resumed with: a queue from `first` to `last`.
local tasks, values, more_values, first, last
-- Tasks that exist, in order of creation, to name them in a deadlock.
local alive, created
-- ticket -> the task that waits for it, or a function to call
local pending
local current, main
-- Once the run has ended: whether it succeeded, and its result, or its error with the stack's frames.
local ended, succeeded, result, frames
-- Set when nothing may run any more, although nothing has ended.
local halted = false
-- Whether a message could still wake somebody, what of them nobody has read, and what becomes of that in the end: the mailbox's.
local listening, backlog, bury

local function reset()
  tasks, values, more_values, first, last = {}, {}, {}, 1, 0
  alive, created, pending = {}, 0, {}
  current, ended, result, frames, halted = nil, false, nil, nil, false
end
reset()
-- The main task outlives its run: the next one takes it over if it ended well.
main = new_task()

function scheduler.set_mailbox(mailbox)
  listening, backlog, bury = mailbox.listening, mailbox.backlog, mailbox.bury
end

function scheduler.current()
  return current
end

-- Makes a waiting task ready; its `park` returns the two values.
local function wake(task, value, more)
  last = last + 1
  tasks[last], values[last], more_values[last] = task, value, more
end
scheduler.wake = wake

local function born(task)
  created = created + 1
  alive[task] = created
  return task
end

local function fail(problem, at)
  ended, succeeded, result, frames = true, false, problem, at
end

local function run_ended(value, problem)
  if type(problem) == "string" then
    problem = errors.make("Internal", problem)
  end
  if problem ~= nil and errors.is(problem) then
    fail(problem, native.frames(main, 0))
  else
    ended, succeeded, result = true, true, value
  end
end

-- What a step of a task came to.
local function settle(task, what, value, more)
  if what == WAITS then
    if value ~= nil then
      pending[value] = task
    end
  elseif what == YIELDED then
    wake(task)
  elseif what == DONE then
    alive[task] = nil
    if task == main then
      run_ended(value, more)
    end
  else
    fail(value, native.frames(task, 0))
  end
end

local function deadlock()
  local waiting = scheduler.stacks()
  local text = "deadlock: all coroutines blocked with no pending operations (threads=%d): %s"
  fail(errors.make("Internal", text:format(#waiting, table.concat(waiting, ", ", 1, math.min(#waiting, 10)))))
end

-- Whether the run left nothing behind but its main task.
local function is_tidy()
  return created == 1 and succeeded and first > last and next(pending) == nil
end

-- Ends the present task, and the turn with it. Whoever drives the cell does not come back.
function scheduler.halt()
  halted = true
  park()
end

-- Runs until nothing can. Returns `nil` and the mailbox's backlog while the run goes on; `true, result`, or `false` and a failure's
-- fields, when it has ended.
function scheduler.run()
  while first <= last and not ended and not halted do
    local task, value, more = tasks[first], values[first], more_values[first]
    tasks[first], values[first], more_values[first] = nil, nil, nil
    first = first + 1
    current = task
    settle(task, step(task, value, more))
  end
  current = nil
  if first > last then
    -- Indices that only grow would leave the arrays for their hash parts.
    first, last = 1, 0
  end
  if not ended and not halted and next(pending) == nil and not listening() then
    deadlock()
  end
  if not ended then
    return nil, backlog()
  end
  if backlog() > 0 then
    bury()
  end
  local value, at = result, frames
  if is_tidy() then
    created, ended, result = 0, false, nil
  else
    reset()
  end
  if succeeded then
    return true, value
  end
  return false, errors.to_failure(value, at)
end

-- Starts the main task. What an earlier run left waiting is forgotten.
function scheduler.start(method, ...)
  if created > 0 then
    reset()
  end
  main = born(new_task(method, main))
  current = main
  settle(main, step(main, ...))
  return scheduler.run()
end

function scheduler.complete(ticket)
  local waiter = pending[ticket]
  pending[ticket] = nil
  if type(waiter) == "thread" then
    wake(waiter)
  elseif waiter then
    waiter()
  end
end

-- Calls `callback` when the ticket completes. The callback must not wait.
function scheduler.on_ticket(ticket, callback)
  pending[ticket] = callback
end

function scheduler.forget_ticket(ticket)
  pending[ticket] = nil
end

-- A new task runs first, up to where it waits; then its parent goes on.
function scheduler.spawn(body)
  if type(body) ~= "function" then
    error("bad argument #1 to 'spawn' (function expected, got " .. type(body) .. ")", 2)
  end
  if not current then
    error("coroutine.spawn cannot be used while an entry loads; call it inside a function", 2)
  end
  local task = born(new_task(body))
  wake(task)
  if native.could_wait() then
    wake(current)
    park()
  end
  return task
end

-- A task that nobody waits for, which runs once others let it. It must not raise.
function scheduler.background(body, ...)
  local args = table.pack(...)
  wake(born(new_task(function()
    body(table.unpack(args, 1, args.n))
  end)))
end

-- Where each task is, in the order in which they were made.
function scheduler.stacks()
  local all = {}
  for task in pairs(alive) do
    all[#all + 1] = task
  end
  table.sort(all, function(left, right)
    return alive[left] < alive[right]
  end)
  for i, task in ipairs(all) do
    all[i] = (task == main and "main" or "coroutine " .. alive[task]) .. " at " .. native.where(task, 0)
  end
  return all
end

function scheduler.running()
  local thread, is_root = coroutine.running()
  if is_root or thread == main then
    return nil, true
  end
  return thread, false
end

return scheduler
