-- What builders share: objects that start others in a certain way, whose state is a table of options, and each of whose methods
-- gives another one with options of its own.
local core = ...

local builder = {}

-- Both tables as one; `over` wins.
function builder.copy(values, over)
  local merged = {}
  for key, value in pairs(values or {}) do
    merged[key] = value
  end
  for key, value in pairs(over or {}) do
    merged[key] = value
  end
  return merged
end
local copy = builder.copy

-- Raises at whoever called the method that calls this.
function builder.check_table(value, name)
  if type(value) ~= "table" then
    error(string.format("bad argument #1 to '%s' (table expected, got %s)", name, core.describe(value)), 3)
  end
end

-- Adds the methods that all builders have. `raw` says what is permitted; `refuse(problem)` is what a missing permission comes to.
function builder.extend(methods, Class, raw, refuse)
  function methods.with_context(self, values)
    local options = Class.state(self, "with_context")
    builder.check_table(values, "with_context")
    local allowed, problem = raw.may_choose_context()
    if not allowed then
      return refuse(problem)
    end
    return Class.new(copy(options, { context = copy(options.context, values) }))
  end

  -- Sets on whose behalf, or under which policies, something runs. `seal_of` gives the seal of what is set.
  local function choose(self, name, expected, seal_of, value)
    local options = Class.state(self, "with_" .. name)
    local seal = seal_of(value)
    if not seal then
      local text = "bad argument #1 to 'with_%s' (%s expected, got %s)"
      error(text:format(name, expected, core.describe(value)), 3)
    end
    local allowed, problem = raw.may_choose_security()
    if not allowed then
      return refuse(problem)
    end
    return Class.new(copy(options, { [name] = seal }))
  end

  -- The seals are known once module `security` is loaded. Results are named: a call in the place of a result would hide the
  -- method from `error`.
  function methods.with_actor(self, actor)
    local changed, problem = choose(self, "actor", "Actor", core.actor_seal, actor)
    return changed, problem
  end

  function methods.with_scope(self, scope)
    local changed, problem = choose(self, "scope", "Scope", core.scope_seal, scope)
    return changed, problem
  end
end

return builder
