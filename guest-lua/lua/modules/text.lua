-- Module `text`: regular expressions, differences, cutting into chunks.
--
-- The objects hold no more than what they were made from: the host keeps what it compiled.
local raw, core = ...

local sub = string.sub

local function check_string(value, position, name)
  if type(value) ~= "string" then
    error(string.format("bad argument #%d to '%s' (string expected, got %s)", position, name, type(value)), 3)
  end
end

-- What a quick function gives, or where it gives nothing, what the long one does.
local function either(name, ...)
  local result, err = raw[name](...)
  if result == nil and not err then
    return raw["long_" .. name](...)
  end
  return result, err
end

-- Regular expressions: state is pattern, and names of the groups with the whole match first.

local regexp_methods = {}
local Regexp = core.class("text.Regexp", regexp_methods, {
  __tostring = function(self)
    return regexp_methods.string(self)
  end,
})
local ALL = 4294967295

-- The positions found in `text`, and how many of them belong to one match.
local function search(self, text, groups, most, name)
  local state = Regexp.state(self, name)
  if type(text) ~= "string" then
    error(string.format("bad argument #1 to '%s' (string expected, got %s)", name, type(text)), 3)
  end
  local found, err = either("search", state.pattern, text, groups, most)
  return found, groups and 2 * #state.names or 2, err
end

-- The texts of one match and its groups, whose positions begin at `first`; empty for those that took no part.
local function texts(text, found, first, width)
  local list = {}
  for i = first, first + width - 1, 2 do
    list[#list + 1] = found[i] == 0 and "" or sub(text, found[i], found[i + 1])
  end
  return list
end

function regexp_methods.match_string(self, text)
  local found, _, err = search(self, text, false, 1, "match_string")
  if err then
    return nil, err
  end
  return #found > 0
end

function regexp_methods.find_string(self, text)
  local found, _, err = search(self, text, false, 1, "find_string")
  if not found or #found == 0 then
    return nil, err
  end
  return sub(text, found[1], found[2])
end

function regexp_methods.find_all_string(self, text)
  local found, _, err = search(self, text, false, ALL, "find_all_string")
  if not found then
    return nil, err
  end
  local list = {}
  for i = 1, #found, 2 do
    list[#list + 1] = sub(text, found[i], found[i + 1])
  end
  return list
end

function regexp_methods.find_string_submatch(self, text)
  local found, width, err = search(self, text, true, 1, "find_string_submatch")
  if not found or #found == 0 then
    return nil, err
  end
  return texts(text, found, 1, width)
end

function regexp_methods.find_all_string_submatch(self, text)
  local found, width, err = search(self, text, true, ALL, "find_all_string_submatch")
  if not found then
    return nil, err
  end
  local list = {}
  for first = 1, #found, width do
    list[#list + 1] = texts(text, found, first, width)
  end
  return list
end

function regexp_methods.find_string_index(self, text)
  local found, _, err = search(self, text, false, 1, "find_string_index")
  if not found or #found == 0 then
    return nil, err
  end
  return found
end

function regexp_methods.find_all_string_index(self, text)
  local found, _, err = search(self, text, false, ALL, "find_all_string_index")
  if not found or #found == 0 then
    return nil, err
  end
  local list = {}
  for i = 1, #found, 2 do
    list[#list + 1] = { found[i], found[i + 1] }
  end
  return list
end

function regexp_methods.replace_all_string(self, text, replacement)
  local state = Regexp.state(self, "replace_all_string")
  check_string(text, 1, "replace_all_string")
  check_string(replacement, 2, "replace_all_string")
  return either("replace", state.pattern, text, replacement)
end

-- The parts between matches; at most `most` of them, the last with all that remains, or as many as there are below 0.
function regexp_methods.split(self, text, most)
  if most ~= nil and math.type(most) ~= "integer" then
    error("bad argument #2 to 'split' (integer expected, got " .. type(most) .. ")", 2)
  end
  most = most or -1
  local found, _, err = search(self, text, false, most > 0 and most or ALL, "split")
  if not found then
    return nil, err
  end
  local parts, from, last = {}, 1, 0
  if most == 0 then
    return parts
  end
  for i = 1, #found, 2 do
    if #parts == most - 1 then
      break
    end
    last = found[i] - 1
    -- An empty match before the first byte separates nothing.
    if found[i + 1] > 0 then
      parts[#parts + 1] = sub(text, from, last)
    end
    from = found[i + 1] + 1
  end
  if last ~= #text or #text == 0 then
    parts[#parts + 1] = sub(text, from)
  end
  return parts
end

function regexp_methods.num_subexp(self)
  return #Regexp.state(self, "num_subexp").names - 1
end

function regexp_methods.subexp_names(self)
  return table.move(Regexp.state(self, "subexp_names").names, 1, #Regexp.state(self).names, 1, {})
end

function regexp_methods.string(self)
  return Regexp.state(self, "string").pattern
end

local regexp = {}

function regexp.compile(pattern)
  if type(pattern) ~= "string" then
    return nil, core.error("Invalid", "text.regexp.compile: the pattern must be a string, got " .. type(pattern))
  end
  local fine, names, err = pcall(either, "compile", pattern)
  if not fine then
    return nil, core.error("Invalid", "text.regexp.compile: " .. tostring(names))
  elseif not names then
    return nil, err
  end
  return Regexp.new({ pattern = pattern, names = names })
end

-- Differences: state is the options.

local differ_methods = {}
local Differ = core.class("text.Differ", differ_methods)

function differ_methods.compare(self, old, new)
  local options = Differ.state(self, "compare")
  check_string(old, 1, "compare")
  check_string(new, 2, "compare")
  return either("compare", options, old, new)
end

-- Goes over pieces such as `compare` gives.
local function each(pieces, name)
  if type(pieces) ~= "table" then
    error(string.format("bad argument #1 to '%s' (table expected, got %s)", name, type(pieces)), 3)
  end
  local i = 0
  return function()
    i = i + 1
    local piece = pieces[i]
    if piece == nil then
      return
    end
    local is_table = type(piece) == "table"
    local operation, text = is_table and piece.operation, is_table and piece.text
    if type(text) ~= "string" or not (operation == "equal" or operation == "insert" or operation == "delete") then
      error(string.format("bad argument #1 to '%s' (item %d is no piece of a comparison)", name, i), 3)
    end
    return operation, text
  end
end

-- Characters inserted, deleted and equal.
function differ_methods.summarize(self, pieces)
  Differ.state(self, "summarize")
  local counts = { insert = 0, delete = 0, equal = 0 }
  for operation, text in each(pieces, "summarize") do
    local _, characters = text:gsub("[^\128-\191]", "")
    counts[operation] = counts[operation] + characters
  end
  return { insertions = counts.insert, deletions = counts.delete, equals = counts.equal }
end

local COLOURS = { insert = "\27[32m", delete = "\27[31m" }

function differ_methods.pretty_text(self, pieces)
  Differ.state(self, "pretty_text")
  local parts = {}
  for operation, text in each(pieces, "pretty_text") do
    local colour = COLOURS[operation]
    parts[#parts + 1] = colour and colour .. text .. "\27[0m" or text
  end
  return table.concat(parts)
end

local FORMATS = {
  insert = '<ins style="background:#e6ffe6;">%s</ins>',
  delete = '<del style="background:#ffe6e6;">%s</del>',
  equal = "<span>%s</span>",
}
local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\n"] = "&para;<br>" }

function differ_methods.pretty_html(self, pieces)
  Differ.state(self, "pretty_html")
  local parts = {}
  for operation, text in each(pieces, "pretty_html") do
    parts[#parts + 1] = FORMATS[operation]:format((text:gsub("[&<>\n]", ESCAPES)))
  end
  return table.concat(parts)
end

function differ_methods.patch_make(self, old, new)
  local options = Differ.state(self, "patch_make")
  check_string(old, 1, "patch_make")
  check_string(new, 2, "patch_make")
  local patches, err = raw.make_patches(options, old, new)
  if not patches then
    return nil, err
  end
  for i, text in ipairs(patches) do
    patches[i] = { text = text }
  end
  return patches
end

-- The text, and whether all patches found their place.
function differ_methods.patch_apply(self, patches, text)
  local options = Differ.state(self, "patch_apply")
  if type(patches) ~= "table" then
    error("bad argument #1 to 'patch_apply' (table expected, got " .. type(patches) .. ")", 2)
  end
  check_string(text, 2, "patch_apply")
  local list = {}
  for i, patch in ipairs(patches) do
    list[i] = type(patch) == "table" and patch.text
    if type(list[i]) ~= "string" then
      return nil, core.error("Invalid", string.format("patches[%d] is no patch: it has no field text", i))
    end
  end
  return raw.apply_patches(options, list, text)
end

local diff = {}

function diff.new(options)
  local _, err = raw.check_differ(options)
  if err then
    return nil, err
  end
  return Differ.new(options or {})
end

-- Splitters: state is way and options.

local splitter_methods = {}
local Splitter = core.class("text.Splitter", splitter_methods)

function splitter_methods.split_text(self, text)
  local state = Splitter.state(self, "split_text")
  check_string(text, 1, "split_text")
  return either("split", state.way, state.options, text)
end

-- The chunks of {{content=, metadata=?}, …}, each with its own copy of the metadata.
function splitter_methods.split_batch(self, documents)
  local state = Splitter.state(self, "split_batch")
  if type(documents) ~= "table" then
    error("bad argument #1 to 'split_batch' (table expected, got " .. type(documents) .. ")", 2)
  end
  local chunks = {}
  for i, document in ipairs(documents) do
    local content = type(document) == "table" and document.content
    if type(content) ~= "string" then
      return nil, core.error("Invalid", string.format("documents[%d] has no text in its field content", i))
    end
    local parts, err = either("split", state.way, state.options, content)
    if not parts then
      return nil, err
    end
    for _, part in ipairs(parts) do
      local metadata = {}
      for key, value in pairs(type(document.metadata) == "table" and document.metadata or {}) do
        metadata[key] = value
      end
      chunks[#chunks + 1] = { content = part, metadata = metadata }
    end
  end
  return chunks
end

local splitter = {}

for _, way in ipairs({ "recursive", "markdown" }) do
  splitter[way] = function(options)
    local _, err = raw.check_splitter(way, options)
    if err then
      return nil, err
    end
    return Splitter.new({ way = way, options = options })
  end
end

return { regexp = regexp, diff = diff, splitter = splitter }
