//! Programs made at random end alike whether they hibernate after each turn or never.

use perilune_tests::sleeper::{Sleep, Sleeper};
use perilune_value::Value;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What a step does with a number. What it leaves is in `state`, or comes up in a later step.
#[rustfmt::skip]
const STEPS: &[&str] = &[
    "pause()",
    "for i = 1, n do state['k' .. (i * 7 % 100)] = i end",
    "for i = 1, n do state[i] = (state[i] or 0) + i end",
    "for k in pairs(state) do if type(k) == 'number' and k % 3 == 0 then state[k] = nil end end",
    "state.text = ('t'):rep(n) .. '\\0' .. n",
    "for i = 1, n * 20 do local garbage = {i, tostring(i)} end",
    "state.sum = (state.sum or 0) + generator()",
    "coroutine.spawn(function() local got = results:receive() state.got = (state.got or 0) + got end)",
    "for i = 1, n % 20 do coroutine.spawn(function() pause() state.woken = (state.woken or 0) + i end) end pause()",
    "channel.select({results:case_send(n)}, true)",
    "channel.select({results:case_receive(), buffered:case_send(n)}, true)",
    "local r = channel.select({buffered:case_receive()}, true) state.last = r.value",
    "post('kept', n)",
    "post('kept', n) state.kept = (state.kept or 0) + process.listen('kept'):receive()",
    "state.drawn = math.random(n + 1)",
    "math.randomseed(n)",
    "setmetatable(state, {__index = function(_, k) if k == 'missing' then return n end end}) state.found = state.missing",
    "local ok, e = pcall(error, {n}) state.caught = e[1]",
    "state.problem = errors.new({message = ('m'):rep(n % 50), kind = 'Conflict'}):message()",
    "closing[#closing + 1] = coroutine.create(function() local c <close> = setmetatable({}, {__close = function() state.closed = (state.closed or 0) + n end}) coroutine.yield() end) coroutine.resume(closing[#closing])",
    "local co = table.remove(closing) if co then coroutine.close(co) end",
    "junk = {} for i = 1, n * 10 do junk[i] = {tostring(i)} end",
    "junk = nil",
    "big = ('b'):rep(n * 3000)",
    "local t = {} for i = 1, n do t[i] = (i * 7919) % 1000 end table.sort(t) state.middle = t[n // 2]",
    "state.json = json.encode({n = n, list = {n, n + 1}})",
    "local function f(d) if d == 0 then pause() return 0 end return 1 + f(d - 1) end state.depth = f(n)",
    "local o, p = {}, {} for i = 1, 20 do o[{}] = i end for _, v in pairs(o) do p[#p + 1] = v end pause() local q = {} for _, v in pairs(o) do q[#q + 1] = v end state.same = table.concat(p) == table.concat(q)",
];

fn source() -> (String, String) {
    let mut top = String::from(
        "local json, state, closing = require('json'), {}, {}
         local results, buffered = channel.new(), channel.new(3)
         local generator = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
         local steps = {\n",
    );
    for step in STEPS {
        top += &format!("function(n) {step} end,\n");
    }
    top += "}\n";
    let body = "
        for _, step in ipairs({...}) do steps[step[1]](step[2]) end
        local keys = {}
        for k in pairs(state) do keys[#keys + 1] = tostring(k) .. '=' .. tostring(state[k]) end
        table.sort(keys)
        return {keys, #(big or ''), #(junk or {}), #closing}";
    (top, body.to_owned())
}

#[test]
fn programs_end_alike_however_often_they_sleep() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (top, body) = source();
    let sleeper = runtime.block_on(Sleeper::new(&top, &body));
    // Each other step is a pause, so that something happens around sleep.
    let step = (0..STEPS.len() as i64, 0..200_i64);
    let steps = prop::collection::vec(step, 1..24);
    let mut runner = TestRunner::new(Config { cases: 150, ..Config::default() });
    let checked = runner.run(&steps, |steps| {
        let args: Vec<Value> = steps
            .iter()
            .flat_map(|(step, n)| [(*step, *n), (0, 0)])
            .map(|(step, n)| Value::Array(vec![(step + 1).into(), n.into()]))
            .collect();
        runtime.block_on(async {
            let (awake, _) = sleeper.run(&args, Sleep::Never).await;
            let (asleep, slept) = sleeper.run(&args, Sleep::Always).await;
            prop_assert!(awake.is_ok(), "{:?}", awake);
            prop_assert_eq!(asleep, awake);
            prop_assert!(slept > 0);
            Ok(())
        })
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}
