-- The tables, and something to sell. `open` gives the database with both in place.
local sql = require("sql")

local TABLES = {
  [[CREATE TABLE IF NOT EXISTS products (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0))]],
  [[CREATE TABLE IF NOT EXISTS orders (
      number TEXT PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL)]],
  [[CREATE TABLE IF NOT EXISTS order_items (
      number TEXT NOT NULL REFERENCES orders, product TEXT NOT NULL REFERENCES products, count INTEGER NOT NULL)]],
}

local PRODUCTS = {
  { "moon-map", "Map of the Moon", 1450, 40 },
  { "sextant", "Brass sextant", 12900, 3 },
  { "lamp", "Lunar lamp", 3990, 12 },
}

-- Makes tables and products, all or nothing: a transaction that is not committed is rolled back when the call ends.
local function fill(db)
  local tx, err = db:begin()
  if not tx then
    return nil, err
  end
  for _, statement in ipairs(TABLES) do
    local _, failed = tx:execute(statement)
    if failed then
      return nil, failed
    end
  end
  for _, product in ipairs(PRODUCTS) do
    local _, failed = tx:execute("INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?)", product)
    if failed then
      return nil, failed
    end
  end
  return tx:commit()
end

local schema = {}

function schema.open()
  local db, err = sql.get("shop:db")
  if not db then
    return nil, err
  end
  local found, failed = db:query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'order_items'")
  if found and #found == 0 then
    found, failed = fill(db)
  end
  if not found then
    return nil, failed
  end
  return db
end

return schema
