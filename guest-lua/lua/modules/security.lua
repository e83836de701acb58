-- Module `security`: actors, scopes and policies. What the host sealed is kept in the objects' state, where scripts cannot reach it;
-- the host would know if it were made up.
local raw, core = ...

local security = {}

local actor_methods, scope_methods, policy_methods, token_methods = {}, {}, {}, {}
local Actor = core.class("Actor", actor_methods, {
  __tostring = function(self)
    return "actor{" .. self:id() .. "}"
  end,
})
local Scope = core.class("Scope", scope_methods)
local Policy = core.class("Policy", policy_methods)
local TokenStore = core.class("TokenStore", token_methods)

-- What other modules hand on; nil for anything else.
function core.actor_seal(value)
  return Actor.is(value) and Actor.state(value).seal or nil
end
function core.scope_seal(value)
  return Scope.is(value) and Scope.state(value).seal or nil
end

local function argument(position, name, expected, value)
  local text = "bad argument #%d to '%s' (%s expected, got %s)"
  error(text:format(position, name, expected, core.describe(value)), 3)
end

local function check_string(value, position, name)
  if type(value) ~= "string" then
    argument(position, name, "string", value)
  end
end

-- The host's record as an object, or what it failed with.
local function object(class, state, err)
  if not state then
    return nil, err
  end
  return class.new(state)
end

-- For what is raised: a builder that went on without it would do something else than was asked for.
local function required(class, state, err)
  if not state then
    error(err, 0)
  end
  return class.new(state)
end

-- A policy's id from whatever names it.
local function policy_id(value, position, name)
  if type(value) == "string" then
    return value
  elseif Policy.is(value) then
    return Policy.state(value).id
  elseif type(value) == "table" and type(value.ns) == "string" and type(value.name) == "string" then
    return value.ns .. ":" .. value.name
  end
  argument(position, name, "policy", value)
end

-- Functions of the module.

function security.actor()
  return object(Actor, raw.actor())
end

function security.scope()
  return object(Scope, raw.scope())
end

function security.can(action, resource, meta)
  check_string(action, 1, "can")
  check_string(resource, 2, "can")
  local allowed, err = raw.can(action, resource, meta)
  return allowed or false, err
end

function security.policy(id)
  check_string(id, 1, "policy")
  local found, err = raw.find_policy(id)
  return object(Policy, found and { id = id }, err)
end

function security.named_scope(group)
  check_string(group, 1, "named_scope")
  return object(Scope, raw.named_scope(group))
end

function security.new_scope(policies)
  if policies ~= nil and type(policies) ~= "table" then
    argument(1, "new_scope", "table", policies)
  end
  local ids = {}
  for position, policy in ipairs(policies or {}) do
    ids[position] = policy_id(policy, 1, "new_scope")
  end
  return required(Scope, raw.new_scope(ids))
end

function security.new_actor(id, meta)
  check_string(id, 1, "new_actor")
  return required(Actor, raw.new_actor(id, meta))
end

function security.token_store(id)
  check_string(id, 1, "token_store")
  return object(TokenStore, raw.token_store(id))
end

-- Actors.

function actor_methods.id(self)
  return Actor.state(self, "id").id
end

-- A copy: the actor itself never changes.
local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local copied = {}
  for key, item in pairs(value) do
    copied[key] = copy(item)
  end
  return copied
end

function actor_methods.meta(self)
  return copy(Actor.state(self, "meta").meta)
end

-- Scopes: never changed, `with` and `without` give others.

function scope_methods.with(self, policy)
  local seal = Scope.state(self, "with").seal
  return required(Scope, raw.scope_with(seal, policy_id(policy, 2, "with")))
end

function scope_methods.without(self, policy)
  local seal = Scope.state(self, "without").seal
  return required(Scope, raw.scope_without(seal, policy_id(policy, 2, "without")))
end

function scope_methods.contains(self, policy)
  local id = policy_id(policy, 2, "contains")
  for _, other in ipairs(Scope.state(self, "contains").policies) do
    if other == id then
      return true
    end
  end
  return false
end

function scope_methods.policies(self)
  local policies = {}
  for position, id in ipairs(Scope.state(self, "policies").policies) do
    policies[position] = Policy.new({ id = id })
  end
  return policies
end

local function check_question(actor, action, resource)
  if not Actor.is(actor) then
    argument(2, "evaluate", "Actor", actor)
  end
  check_string(action, 3, "evaluate")
  check_string(resource, 4, "evaluate")
  return Actor.state(actor).seal
end

function scope_methods.evaluate(self, actor, action, resource, meta)
  local scope = Scope.state(self, "evaluate").seal
  return raw.evaluate_scope(scope, check_question(actor, action, resource), action, resource, meta)
end

-- Policies.

function policy_methods.id(self)
  return Policy.state(self, "id").id
end

function policy_methods.evaluate(self, actor, action, resource, meta)
  local id = Policy.state(self, "evaluate").id
  return raw.evaluate_policy(id, check_question(actor, action, resource), action, resource, meta)
end

-- Token stores.

-- The actor and the scope of a token, or nil, nil and an error.
function token_methods.validate(self, token)
  local store = TokenStore.state(self, "validate")
  check_string(token, 2, "validate")
  local granted, err = raw.validate_token(store, token)
  if not granted then
    return nil, nil, err
  end
  return Actor.new(granted.actor), Scope.new(granted.scope)
end

function token_methods.create(self, actor, scope, options)
  local store = TokenStore.state(self, "create")
  if not Actor.is(actor) then
    argument(2, "create", "Actor", actor)
  elseif not Scope.is(scope) then
    argument(3, "create", "Scope", scope)
  end
  return raw.create_token(store, Actor.state(actor).seal, Scope.state(scope).seal, options)
end

function token_methods.revoke(self, token)
  local store = TokenStore.state(self, "revoke")
  check_string(token, 2, "revoke")
  return raw.revoke_token(store, token)
end

function token_methods.close(self)
  raw.close_token_store(TokenStore.state(self, "close"))
  return true
end

return security
