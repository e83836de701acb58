local http = require("http")
local uuid = require("uuid")
local schema = require("schema")

local orders = {}

-- Answers with a status and a table as JSON.
local function answer(status, body)
  local response = assert(http.response())
  response:set_status(status)
  response:write_json(body)
end

-- The order that a request describes: `{name, items = {{product, count}, …}}`; or nil and what is wrong with it.
local function read_order(request)
  local order, err = request:body_json()
  if not order then
    return nil, err:message()
  elseif type(order) ~= "table" or type(order.name) ~= "string" or order.name == "" then
    return nil, "name is missing"
  elseif type(order.items) ~= "table" or #order.items == 0 then
    return nil, "an order needs items"
  end
  for position, item in ipairs(order.items) do
    if type(item) ~= "table" or type(item.product) ~= "string" or math.type(item.count) ~= "integer" or item.count < 1 then
      return nil, ("item %d needs a product and a count above zero"):format(position)
    end
  end
  return order
end

-- Takes the items from stock and writes the order down: all of it, or, when anything is wrong, nothing.
local function store(db, order)
  local tx, err = db:begin()
  if not tx then
    return nil, err
  end
  local number = uuid.v7()
  local cents = 0 ---@type number
  for _, item in ipairs(order.items) do
    local changed, failed = tx:execute(
      "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?", { item.count, item.product, item.count })
    if failed then
      return nil, failed
    elseif changed.rows_affected == 0 then
      tx:rollback()
      return nil, errors.new({ kind = errors.CONFLICT, message = "not enough in stock: " .. item.product })
    end
    local rows, lost = tx:query("SELECT cents FROM products WHERE id = ?", { item.product })
    if not rows then
      return nil, lost
    end
    cents = cents + rows[1].cents * item.count
  end
  local _, failed = tx:execute("INSERT INTO orders (number, name, cents) VALUES (?, ?, ?)", { number, order.name, cents })
  for _, item in ipairs(order.items) do
    if failed then
      break
    end
    _, failed = tx:execute("INSERT INTO order_items VALUES (?, ?, ?)", { number, item.product, item.count })
  end
  if failed then
    return nil, failed
  end
  local done, lost = tx:commit()
  if not done then
    return nil, lost
  end
  return { number = number, cents = cents }
end

function orders.place()
  local order, problem = read_order(http.request())
  if not order then
    return answer(http.STATUS.BAD_REQUEST, { error = problem })
  end
  local db, err = schema.open()
  if not db then
    return nil, err
  end
  local placed, failed = store(db, order)
  if placed then
    return answer(http.STATUS.CREATED, placed)
  elseif failed:kind() == errors.CONFLICT then
    return answer(http.STATUS.CONFLICT, { error = failed:message() })
  end
  return nil, failed
end

function orders.show()
  local db, err = schema.open()
  if not db then
    return nil, err
  end
  local number = assert(http.request()):param("number")
  local rows, failed = db:query("SELECT number, name, cents FROM orders WHERE number = ?", { number })
  if not rows then
    return nil, failed
  end
  local order = rows[1]
  if not order then
    return answer(http.STATUS.NOT_FOUND, { error = "no such order" })
  end
  order.items = db:query("SELECT product, count FROM order_items WHERE number = ? ORDER BY product", { number })
  return order
end

return orders
