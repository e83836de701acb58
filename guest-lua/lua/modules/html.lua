-- Module `html`: policies, put together here and applied by the host.
--
-- A policy's state is what it allows, as the host reads it.
local raw, core = ...

local policy_methods, builder_methods = {}, {}
local Policy = core.class("html.Policy", policy_methods)
local AttrBuilder = core.class("html.AttrBuilder", builder_methods)

-- Texts of a call, each checked.
local function names(name, ...)
  local list = table.pack(...)
  for i = 1, list.n do
    if type(list[i]) ~= "string" then
      error(string.format("bad argument #%d to '%s' (string expected, got %s)", i, name, type(list[i])), 3)
    end
  end
  list.n = nil
  return list
end

local function append(list, more)
  return table.move(more, 1, #more, #list + 1, list)
end

-- Raises for what no policy can allow.
local function check(state, name)
  local _, err = raw.check(state)
  if err then
    error(string.format("bad argument to '%s' (%s)", name, err:message()), 3)
  end
end

function policy_methods.allow_elements(self, ...)
  local state = Policy.state(self, "allow_elements")
  local elements = names("allow_elements", ...)
  check({ elements = elements }, "allow_elements")
  append(state.elements, elements)
  return self
end

function policy_methods.allow_attrs(self, ...)
  Policy.state(self, "allow_attrs")
  local attributes = { names = names("allow_attrs", ...) }
  check({ attributes = { attributes } }, "allow_attrs")
  return AttrBuilder.new({ policy = self, attributes = attributes })
end

function policy_methods.allow_url_schemes(self, ...)
  local state = Policy.state(self, "allow_url_schemes")
  local schemes = names("allow_url_schemes", ...)
  check({ schemes = schemes }, "allow_url_schemes")
  append(state.schemes, schemes)
  return self
end

-- What is on or off.
for name, field in pairs({
  allow_relative_urls = "relative",
  require_nofollow_on_links = "nofollow",
  require_noreferrer_on_links = "noreferrer",
  add_target_blank_to_fully_qualified_links = "target_blank",
}) do
  policy_methods[name] = function(self, on)
    Policy.state(self, name)[field] = on ~= false
    return self
  end
end

-- URLs that cannot be parsed never pass.
function policy_methods.require_parseable_urls(self)
  Policy.state(self, "require_parseable_urls")
  return self
end

function policy_methods.allow_data_uri_images(self)
  Policy.state(self, "allow_data_uri_images").data_images = true
  return self
end

-- The usual schemes and relative URLs; links get rel="nofollow".
function policy_methods.allow_standard_urls(self)
  local state = Policy.state(self, "allow_standard_urls")
  append(state.schemes, { "mailto", "http", "https" })
  state.relative, state.nofollow = true, true
  return self
end

local function allow(state, attributes, elements, matching)
  state.attributes[#state.attributes + 1] = { names = attributes, elements = elements, matching = matching }
end

local NUMBER = "^[0-9]+$"
local LENGTH = "^[0-9]+%?$"
local ALIGNED = "(?i)^(left|right|top|middle|bottom|center|justify|baseline|char|texttop|absmiddle|absbottom)$"
local MOMENT = [[^[0-9]{4}(-[0-9]{2}(-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?$]]

function policy_methods.allow_standard_attributes(self)
  local state = Policy.state(self, "allow_standard_attributes")
  allow(state, { "dir" }, nil, "(?i)^(rtl|ltr)$")
  allow(state, { "id" }, nil, "^[a-zA-Z0-9:_.-]+$")
  allow(state, { "lang" }, nil, "^[a-zA-Z]{2,20}(-[a-zA-Z0-9]{2,8})*$")
  allow(state, { "title" })
  return self
end

function policy_methods.allow_images(self)
  local state = Policy.state(self, "allow_images")
  if #state.schemes == 0 then
    policy_methods.allow_standard_urls(self)
  end
  allow(state, { "align" }, { "img" }, ALIGNED)
  allow(state, { "alt", "src" }, { "img" })
  allow(state, { "height", "width" }, { "img" }, LENGTH)
  return self
end

function policy_methods.allow_lists(self)
  local state = Policy.state(self, "allow_lists")
  append(state.elements, { "ol", "ul", "li", "dl", "dt", "dd" })
  allow(state, { "type" }, { "ol", "ul", "li" }, "(?i)^(circle|disc|square|a|i|1)$")
  allow(state, { "value" }, { "li" }, NUMBER)
  allow(state, { "start" }, { "ol" }, NUMBER)
  return self
end

function policy_methods.allow_tables(self)
  local state = Policy.state(self, "allow_tables")
  local cells = { "td", "th" }
  local parts = { "thead", "tbody", "tfoot", "tr", "td", "th", "col", "colgroup" }
  append(state.elements, { "table", "caption" })
  append(state.elements, parts)
  allow(state, { "height", "width" }, { "table", "col", "colgroup", "td", "th" }, LENGTH)
  allow(state, { "summary" }, { "table" })
  allow(state, { "align", "valign" }, parts, ALIGNED)
  allow(state, { "span" }, { "col", "colgroup" }, NUMBER)
  allow(state, { "colspan", "rowspan" }, cells, NUMBER)
  allow(state, { "abbr", "headers" }, cells)
  allow(state, { "scope" }, cells, "(?i)^(row|col|rowgroup|colgroup)$")
  allow(state, { "nowrap" }, cells, "(?i)^(|nowrap)$")
  return self
end

function policy_methods.sanitize(self, text)
  local state = Policy.state(self, "sanitize")
  if type(text) ~= "string" then
    error("bad argument #1 to 'sanitize' (string expected, got " .. type(text) .. ")", 2)
  end
  local clean, err = raw.sanitize(state, text)
  if clean == nil and not err then
    return raw.long_sanitize(state, text)
  end
  return clean, err
end

-- Attributes that wait to be told where they are allowed.

-- The value must hold a match of the pattern.
function builder_methods.matching(self, pattern)
  local state = AttrBuilder.state(self, "matching")
  if type(pattern) ~= "string" then
    return nil, core.error("Invalid", "matching: the pattern must be a string, got " .. type(pattern))
  end
  local _, err = raw.check_pattern(pattern)
  if err then
    return nil, err
  end
  state.attributes.matching = pattern
  return self
end

local function add(self, name, elements)
  local state = AttrBuilder.state(self, name)
  local policy = Policy.state(state.policy)
  allow(policy, state.attributes.names, elements, state.attributes.matching)
  return state.policy
end

-- The elements are allowed thereby.
function builder_methods.on_elements(self, ...)
  local elements = names("on_elements", ...)
  check({ elements = elements }, "on_elements")
  return add(self, "on_elements", elements)
end

function builder_methods.globally(self)
  return add(self, "globally")
end

local sanitize = {}

-- Allows nothing.
function sanitize.new_policy()
  return Policy.new({ elements = {}, attributes = {}, schemes = {} })
end

-- Leaves the text alone.
sanitize.strict_policy = sanitize.new_policy

local FORMATTING = {
  "article", "aside", "figure", "section", "summary", "h1", "h2", "h3", "h4", "h5", "h6", "hgroup", "br", "div", "hr", "p",
  "span", "wbr", "abbr", "acronym", "cite", "code", "dfn", "em", "figcaption", "mark", "s", "samp", "strong", "sub", "sup",
  "var", "b", "i", "pre", "small", "strike", "tt", "u", "rp", "rt", "ruby", "kbd",
}

-- What users may write: formatting, links, images, lists, tables.
function sanitize.ugc_policy()
  local policy = sanitize.new_policy()
  local state = Policy.state(policy)
  policy:allow_standard_attributes():allow_standard_urls()
  append(state.elements, FORMATTING)
  allow(state, { "href" }, { "a" })
  allow(state, { "cite" }, { "blockquote", "q", "del", "ins" })
  allow(state, { "datetime" }, { "del", "ins", "time" }, MOMENT)
  allow(state, { "dir" }, { "bdi", "bdo" }, "(?i)^(rtl|ltr)$")
  allow(state, { "open" }, { "details" }, "(?i)^(|open)$")
  return policy:allow_lists():allow_tables():allow_images()
end

return { sanitize = sanitize }
