-- Module `env`: the host's functions as they are.
local raw = ...

return { get = raw.get, set = raw.set, get_all = raw.get_all }
