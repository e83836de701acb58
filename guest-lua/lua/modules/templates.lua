-- Module `templates`: sets of templates that are entries.
--
-- A set's state is its id, until it is released: the host looks the entry up at each rendering.
local raw, core = ...

local methods = {}
local Set = core.class("templates.Set", methods)

function methods.render(self, name, data)
  local state = Set.state(self, "render")
  if not state.id then
    return nil, core.error("Internal", "this template set was released")
  elseif type(name) ~= "string" then
    return nil, core.error("Invalid", "the name of a template must be a string, got " .. type(name))
  end
  return raw.render(state.id, name, data == nil and {} or data)
end

function methods.release(self)
  Set.state(self, "release").id = nil
  return true
end

local templates = {}

function templates.get(id)
  if type(id) ~= "string" then
    return nil, core.error("Invalid", "the id of a template set must be a string, got " .. type(id))
  end
  local _, err = raw.check(id)
  if err then
    return nil, err
  end
  return Set.new({ id = id })
end

return templates
