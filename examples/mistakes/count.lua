local function main(list)
  return #list
end

return { main = main
