-- What the recorded histories are runs of. Every way in which a workflow reaches outside, once.
return { main = function(name)
  local prices = process.listen('price')
  workflow.query('name', function() return name end)
  workflow.attrs({ memo = { cook = name } })
  local drawn = { uuid.v4(), math.random(1000), time.now():unix() }
  local version = workflow.version('recipe', 1, 2)
  local first, second = funcs.async('app:add', 1, 2), funcs.async('app:add', 3, 4)
  local sum = first:response():receive():data() + second:response():receive():data()
  local _, refused = funcs.call('app:refuse')
  local attempts = funcs.new():with_options({ ['activity.retry_policy'] = { initial_interval = 1, maximum_attempts = 5 } }):call('app:flaky')
  local price = prices:receive()
  local picked = channel.select({ time.after('5ms'):case_receive(), process.inbox():case_receive() })
  local child = process.exec('app:child', '', 'soup', version)
  coroutine.spawn(function() time.sleep('1ms') end)
  time.sleep('10ms')
  return { #drawn, version, sum, refused:kind(), attempts, price, picked.ok, child }
end }
