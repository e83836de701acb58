local RATES = { DE = 19, FR = 20, CH = 8 }

local function rate(country)
  local percent = RATES[country]
  if not percent then
    return nil, errors.new({ kind = errors.NOT_FOUND, message = "no tax rate for " .. country })
  end
  return percent
end

local function add(cents, country)
  local percent, err = rate(country)
  if err then
    return nil, err
  end
  return cents + cents * percent // 100
end

return { rate = rate, add = add }
