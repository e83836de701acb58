return { main = function(name) return "hello " .. name end }
