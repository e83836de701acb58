-- Module `metrics`: wrong types are errors to return, not to raise.
local raw, core = ...

local metrics = {}

-- Labels that are texts; others are left out.
local function texts(labels)
  local kept
  for name, value in pairs(labels or {}) do
    if type(name) == "string" and type(value) == "string" then
      kept = kept or {}
      kept[name] = value
    end
  end
  return kept
end

local function record(called, call, name, value, labels)
  local problem
  if type(name) ~= "string" then
    problem = "the name must be a string, not a " .. type(name)
  elseif type(value) ~= "number" then
    problem = "the value must be a number, not a " .. type(value)
  elseif labels ~= nil and type(labels) ~= "table" then
    problem = "labels must be a table, not a " .. type(labels)
  end
  if problem then
    return nil, core.error("Invalid", "metrics." .. called .. ": " .. problem)
  end
  return call(name, value, texts(labels))
end

for name, call in pairs({
  counter_add = raw.counter_add,
  gauge_set = raw.gauge_set,
  histogram = raw.histogram,
}) do
  metrics[name] = function(metric, value, labels)
    return record(name, call, metric, value, labels)
  end
end

function metrics.counter_inc(metric, labels)
  return record("counter_inc", raw.counter_add, metric, 1, labels)
end

function metrics.gauge_inc(metric, labels)
  return record("gauge_inc", raw.gauge_add, metric, 1, labels)
end

function metrics.gauge_dec(metric, labels)
  return record("gauge_dec", raw.gauge_add, metric, -1, labels)
end

return metrics
