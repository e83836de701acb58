-- Tokens to a tree. Nodes are `{kind, …, at}`:
--
--   constant value · name name · slot slot · pointer name ("" for the item, "acc", "index") · env
--   list items · map keys, values · unary op, operand · binary op, left, right · if condition, yes, no
--   member object, key, optional · slice object, from, to · whole inner (ends a chain of ?.) · let slot, value, body
--   call name, arguments, predicate
local fail, PREDICATES = ...

-- How tight operators bind, as in the language's definition.
local BINARY = {
  ["|"] = 0, ["||"] = 10, ["or"] = 10, ["&&"] = 15, ["and"] = 15,
  ["=="] = 20, ["!="] = 20, ["<"] = 20, [">"] = 20, ["<="] = 20, [">="] = 20,
  ["in"] = 20, ["matches"] = 20, ["contains"] = 20, ["startsWith"] = 20, ["endsWith"] = 20,
  [".."] = 25, ["+"] = 30, ["-"] = 30, ["*"] = 60, ["/"] = 60, ["%"] = 60, ["**"] = 100, ["^"] = 100, ["??"] = 500,
}
local RIGHT = { ["**"] = true, ["^"] = true }
local SAME = { ["or"] = "||", ["and"] = "&&", ["^"] = "**", ["not"] = "!" }
local UNARY = { ["!"] = 50, ["not"] = 50, ["-"] = 90, ["+"] = 90 }
-- `not` stands before these too: `a not in b`.
local NEGATABLE = { ["in"] = true, ["matches"] = true, ["contains"] = true, ["startsWith"] = true, ["endsWith"] = true }
local WORDS = { ["true"] = true, ["false"] = false }

-- Parsing recurses, and so does running what was parsed.
local MAX_DEPTH = 200

return function(text, tokens, known)
  local position, depth, inside, slots = 1, 0, 0, 0
  local scope = {}
  local expression, sequence

  local function peek(value)
    local token = tokens[position]
    return (token.kind == "op" or token.kind == "name") and token.value == value
  end

  local function next_token()
    local token = tokens[position]
    if token.kind ~= "end" then
      position = position + 1
    end
    return token
  end

  local function unexpected(token, wanted)
    local found = token.kind == "end" and "the end" or "`" .. tostring(token.value) .. "`"
    fail(text, token.at, "unexpected " .. found .. (wanted and ", expected " .. wanted or ""))
  end

  local function accept(value)
    if peek(value) then
      return next_token()
    end
  end

  local function expect(value)
    return accept(value) or unexpected(tokens[position], "`" .. value .. "`")
  end

  local function expect_name()
    local token = next_token()
    return token.kind == "name" and token or unexpected(token, "a name")
  end

  -- A function's body: `{ … }`, or an expression alone.
  local function predicate()
    inside = inside + 1
    local body
    if accept("{") then
      body = sequence()
      expect("}")
    else
      body = expression(0)
    end
    inside = inside - 1
    return body
  end

  -- What stands between the brackets of a call. `first` is what a pipe hands over.
  local function call(token, first)
    local node = { kind = "call", name = token.value, at = token.at, arguments = { first } }
    local takes = PREDICATES[token.value]
    expect("(")
    local more = not peek(")")
    while more do
      if takes and #node.arguments == 1 and not node.predicate then
        node.predicate = predicate()
      else
        node.arguments[#node.arguments + 1] = expression(0)
      end
      more = accept(",") and not peek(")")
    end
    expect(")")
    return node
  end

  local function list(at)
    local items = {}
    while not accept("]") do
      items[#items + 1] = expression(0)
      if not peek("]") then
        expect(",")
      end
    end
    return { kind = "list", items = items, at = at }
  end

  local function map(at)
    local node = { kind = "map", keys = {}, values = {}, at = at }
    while not accept("}") do
      local token = next_token()
      local key
      if token.kind == "name" or token.kind == "string" then
        key = { kind = "constant", value = token.value }
      elseif token.kind == "number" then
        key = { kind = "constant", value = tostring(token.value) }
      elseif token.value == "(" then
        key = expression(0)
        expect(")")
      else
        unexpected(token, "a key")
      end
      expect(":")
      node.keys[#node.keys + 1] = key
      node.values[#node.values + 1] = expression(0)
      if not peek("}") then
        expect(",")
      end
    end
    return node
  end

  -- `#`, `#acc`, `#index`
  local function pointer(token)
    if inside == 0 then
      fail(text, token.at, "`#` stands only inside of predicates")
    end
    local following = tokens[position]
    local name = ""
    if following.kind == "name" and following.at == token.at + 1 then
      name = next_token().value
      if name ~= "acc" and name ~= "index" then
        fail(text, token.at, "there is no `#" .. name .. "`; there are `#`, `#acc` and `#index`")
      end
    end
    return { kind = "pointer", name = name, at = token.at }
  end

  local function primary()
    local token = next_token()
    local value = token.value
    if token.kind == "number" or token.kind == "string" then
      return { kind = "constant", value = value, at = token.at }
    elseif token.kind == "name" then
      if value == "nil" then
        return { kind = "constant", at = token.at }
      elseif WORDS[value] ~= nil then
        return { kind = "constant", value = WORDS[value], at = token.at }
      elseif value == "$env" then
        return { kind = "env", at = token.at }
      elseif scope[value] then
        return { kind = "slot", slot = scope[value], at = token.at }
      elseif peek("(") then
        return call(token)
      elseif known and known[value] == nil then
        fail(text, token.at, "there is no variable `" .. value .. "`")
      end
      return { kind = "name", name = value, at = token.at }
    elseif value == "[" then
      return list(token.at)
    elseif value == "{" then
      return map(token.at)
    elseif value == "#" then
      return pointer(token)
    elseif value == "." and inside > 0 then
      position = position - 1
      return { kind = "pointer", name = "", at = token.at }
    elseif value == "(" then
      local inner = sequence()
      expect(")")
      return { kind = "whole", inner = inner, at = token.at }
    end
    unexpected(token)
  end

  local function bracket(object, at, optional)
    local from
    if not peek(":") then
      from = expression(0)
    end
    if not accept(":") then
      expect("]")
      return { kind = "member", object = object, key = from, optional = optional, at = at }
    end
    local to
    if not peek("]") then
      to = expression(0)
    end
    expect("]")
    return { kind = "slice", object = object, from = from, to = to, at = at }
  end

  local function postfix(node)
    while true do
      local token = tokens[position]
      if token.kind ~= "op" then
        return node
      elseif token.value == "." or token.value == "?." then
        next_token()
        local optional = token.value == "?."
        if optional and accept("[") then
          node = bracket(node, token.at, true)
        else
          local name = expect_name()
          if peek("(") then
            fail(text, name.at, "there is no method `" .. name.value .. "`")
          end
          node = {
            kind = "member", object = node, key = { kind = "constant", value = name.value }, optional = optional, at = token.at,
          }
        end
      elseif token.value == "[" then
        next_token()
        node = bracket(node, token.at, false)
      else
        return node
      end
    end
  end

  local function operand()
    local token = tokens[position]
    local tightness = token.kind ~= "string" and token.kind ~= "number" and UNARY[token.value]
    if not tightness then
      return postfix(primary())
    end
    next_token()
    local inner = expression(tightness)
    return postfix({ kind = "unary", op = SAME[token.value] or token.value, operand = inner, at = token.at })
  end

  -- `let name = value; …`
  local function let(token)
    local name = expect_name().value
    expect("=")
    local value = expression(0)
    expect(";")
    slots = slots + 1
    local slot, hidden = slots, scope[name]
    scope[name] = slot
    local body = sequence()
    scope[name] = hidden
    return { kind = "let", slot = slot, value = value, body = body, at = token.at }
  end

  -- `if … { … } else { … }`
  local function conditional(token)
    local function block()
      expect("{")
      local body = sequence()
      expect("}")
      return body
    end
    local node = { kind = "if", condition = expression(0), at = token.at }
    node.yes = block()
    expect("else")
    local again = accept("if")
    node.no = again and conditional(again) or block()
    return node
  end

  local function operation(left, least)
    while true do
      local token = tokens[position]
      local negated = token.kind == "name" and token.value == "not" and NEGATABLE[tokens[position + 1].value]
      local named = negated and tokens[position + 1] or token
      local tightness = (named.kind == "op" or named.kind == "name") and BINARY[named.value]
      if not tightness or tightness < least then
        return left
      end
      position = position + (negated and 2 or 1)
      if named.value == "|" then
        left = postfix(call(expect_name(), left))
      else
        local right = expression(RIGHT[named.value] and tightness or tightness + 1)
        left = { kind = "binary", op = SAME[named.value] or named.value, left = left, right = right, at = named.at }
        if negated then
          left = { kind = "unary", op = "!", operand = left, at = token.at }
        end
      end
    end
  end

  function expression(least)
    depth = depth + 1
    if depth > MAX_DEPTH then
      fail(text, tokens[position].at, "it nests deeper than " .. MAX_DEPTH .. " levels")
    end
    local node
    local token = tokens[position]
    if least == 0 and token.kind == "name" and (token.value == "let" or token.value == "if") then
      next_token()
      node = (token.value == "let" and let or conditional)(token)
    else
      node = operation(operand(), least)
      local question = least == 0 and accept("?")
      if question then
        local yes = peek(":") and node or expression(0)
        expect(":")
        node = { kind = "if", condition = node, yes = yes, no = expression(0), at = question.at }
      end
    end
    depth = depth - 1
    return node
  end

  -- Expressions with semicolons between them: the last one counts.
  function sequence()
    local node = expression(0)
    while accept(";") do
      if peek("}") or peek(")") or tokens[position].kind == "end" then
        break
      end
      node = expression(0)
    end
    return node
  end

  local tree = sequence()
  if tokens[position].kind ~= "end" then
    unexpected(tokens[position])
  end
  return tree
end
