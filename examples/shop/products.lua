local schema = require("schema")

local products = {}

-- What is for sale, as JSON.
function products.list()
  local db, err = schema.open()
  if not db then
    return nil, err
  end
  return db:query("SELECT id, name, cents, stock FROM products ORDER BY name")
end

return products
