-- Module `crypto`: wrong types are errors to return, not to raise. Much data suspends only the coroutine that has it worked on.
local raw, core = ...

-- As the host has it: what is larger is worked on apart.
local QUICK = 256 * 1024

local function refused(name, what)
  return nil, core.error("Invalid", "crypto." .. name .. ": " .. what)
end

-- The first of some named values that is no string.
local function not_text(...)
  for position = 1, select("#", ...), 2 do
    local name, value = select(position, ...)
    if type(value) ~= "string" then
      return name .. " must be a string, not a " .. type(value)
    end
  end
end

-- A number that is whole, as an integer.
local function whole(value)
  return type(value) == "number" and math.tointeger(value) or nil
end

local crypto = { random = { uuid = raw.random_uuid }, hmac = {}, encrypt = {}, decrypt = {}, jwt = {} }

function crypto.random.bytes(count)
  local number = whole(count)
  if not number then
    return refused("random.bytes", "the length must be a whole number")
  end
  return raw.random_bytes(number)
end

function crypto.random.string(count, charset)
  local number = whole(count)
  if not number then
    return refused("random.string", "the length must be a whole number")
  elseif charset ~= nil and type(charset) ~= "string" then
    return refused("random.string", not_text("the character set", charset))
  end
  return raw.random_string(number, charset)
end

for _, digest in ipairs({ "sha256", "sha512" }) do
  crypto.hmac[digest] = function(key, data)
    local problem = not_text("the key", key, "the data", data)
    if problem then
      return refused("hmac." .. digest, problem)
    end
    local call = #key + #data <= QUICK and raw.hmac or raw.hmac_large
    return call(digest, key, data)
  end
end

for _, verb in ipairs({ "encrypt", "decrypt" }) do
  for _, cipher in ipairs({ "aes", "chacha20" }) do
    crypto[verb][cipher] = function(data, key, aad)
      aad = aad == nil and "" or aad
      local problem = not_text("the data", data, "the key", key, "the additional data", aad)
      if problem then
        return refused(verb .. "." .. cipher, problem)
      end
      local call = #data + #aad <= QUICK and raw[verb] or raw[verb .. "_large"]
      return call(cipher, data, key, aad)
    end
  end
end

function crypto.jwt.encode(claims, key, algorithm)
  algorithm = algorithm == nil and "HS256" or algorithm
  local problem = not_text("the key", key, "the algorithm", algorithm)
  if type(claims) ~= "table" then
    problem = "claims must be a table, not a " .. type(claims)
  end
  if problem then
    return refused("jwt.encode", problem)
  end
  return raw.jwt_encode(claims, key, algorithm)
end

function crypto.jwt.verify(token, key, algorithm, require_exp)
  algorithm = algorithm == nil and "HS256" or algorithm
  local problem = not_text("the token", token, "the key", key, "the algorithm", algorithm)
  if problem then
    return refused("jwt.verify", problem)
  end
  return raw.jwt_verify(token, key, algorithm, require_exp ~= false)
end

local DIGESTS = { sha256 = true, sha512 = true }

function crypto.pbkdf2(password, salt, iterations, length, digest)
  digest = digest == nil and "sha256" or digest
  local problem = not_text("the password", password, "the salt", salt)
  local rounds, size = whole(iterations), whole(length)
  if problem then
    return refused("pbkdf2", problem)
  elseif not rounds or not size then
    return refused("pbkdf2", "iterations and length must be whole numbers")
  elseif not DIGESTS[digest] then
    return refused("pbkdf2", "the digest is sha256 or sha512, not " .. tostring(digest))
  end
  return raw.pbkdf2(digest, password, salt, rounds, size)
end

function crypto.constant_time_compare(a, b)
  return type(a) == "string" and type(b) == "string" and raw.constant_time_compare(a, b)
end

return crypto
