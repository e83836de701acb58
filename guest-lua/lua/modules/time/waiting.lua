-- Waiting: sleep, after, timers and tickers.
local raw, core, time, arguments, duration, instant = ...
local argument, nanoseconds_of, Time = arguments.problem, duration.nanoseconds_of, instant.class
local clock, SECOND = core.clock, time.SECOND

-- Calls `callback` once after so many nanoseconds, unless the ticket is cancelled before.
local function elapse(nanoseconds, callback)
  core.mark()
  local ticket = raw.start_sleep(nanoseconds)
  core.on_ticket(ticket, callback)
  return ticket
end

-- Nanoseconds above zero, or nil and an error.
local function delay_of(value)
  local nanoseconds, err = nanoseconds_of(value)
  if nanoseconds and nanoseconds <= 0 then
    return nil, core.error("Invalid", "a time to wait must be above zero, not " .. raw.format_duration(nanoseconds))
  end
  return nanoseconds, err
end

function time.sleep(value)
  local nanoseconds, err = nanoseconds_of(value)
  if not nanoseconds then
    return nil, err
  end
  if nanoseconds > 0 then
    core.mark()
    raw.sleep(nanoseconds)
  end
end

-- A channel that gets one Time and is closed.
function time.after(value)
  local delay, err = delay_of(value)
  if not delay then
    return nil, err
  end
  local channel = core.channel_new(1)
  elapse(delay, function()
    core.channel_push(channel, time.now())
    core.channel_close(channel)
  end)
  return channel
end

-- Timer: {channel, ticket while it runs}. The channel stays open, since the timer may be reset.

local timer = {}
local Timer = core.class("time.Timer", timer)

local function start(state, delay)
  state.ticket = elapse(delay, function()
    state.ticket = nil
    core.channel_push(state.channel, time.now())
  end)
end

-- True when it was running.
local function stop(state)
  local ticket = state.ticket
  state.ticket = nil
  if ticket then
    core.cancel(ticket)
  end
  return ticket ~= nil
end

function time.timer(value)
  local delay, err = delay_of(value)
  if not delay then
    return nil, err
  end
  local state = { channel = core.channel_new(1) }
  start(state, delay)
  return Timer.new(state)
end

function timer.channel(self)
  return Timer.state(self, "channel").channel
end
timer.response = timer.channel

function timer.stop(self)
  return stop(Timer.state(self, "stop"))
end

function timer.reset(self, value)
  local state = Timer.state(self, "reset")
  local delay, err = delay_of(value)
  if not delay then
    error(argument(1, "reset", err:message()), 2)
  end
  local was_running = stop(state)
  start(state, delay)
  return was_running
end

-- Ticker: {channel, period, started, due, ticket while it runs}; `due` is when the next tick is meant to come, in
-- nanoseconds since `started`.

local ticker = {}
local Ticker = core.class("time.Ticker", ticker)

-- Ticks that nobody reads are dropped once there are so many.
local TICKS = 16

-- Late ticks do not push the following ones back: each waits for its own multiple of the period.
local function schedule(state, now)
  state.ticket = elapse(state.due - now, function()
    local tick = time.now()
    core.channel_push(state.channel, tick)
    local at = Time.state(tick)
    local elapsed = (at.seconds - state.started.seconds) * SECOND + at.nanoseconds - state.started.nanoseconds
    local late = elapsed - state.due
    if late >= state.period or late <= -state.period then
      -- Ticks were missed, or somebody set the clock: go on from here.
      state.due = elapsed - elapsed % state.period
    end
    state.due = state.due + state.period
    schedule(state, elapsed)
  end)
end

function time.ticker(value)
  local period, err = delay_of(value)
  if not period then
    return nil, err
  end
  local state = { channel = core.channel_new(TICKS), period = period, started = clock.now(), due = period }
  schedule(state, 0)
  return Ticker.new(state)
end

function ticker.channel(self)
  return Ticker.state(self, "channel").channel
end
ticker.response = ticker.channel

function ticker.stop(self)
  stop(Ticker.state(self, "stop"))
  return true
end
