//! Module `time` and the global `os`. Layouts, zones and calendars have their own tests beside crate `perilune-time`.

use perilune_tests::lua_tests;

lua_tests! {
    now_is_a_time_in_the_local_zone("time") r#"
        local time = require("time")
        local now = time.now()
        assert(math.abs(now:unix() - os.time()) <= 1)
        assert(now:location() == time.localtz and now:location():string() == "Local")
        assert(type(now) == "userdata" and tostring(now):find("^%d%d%d%d%-%d%d%-%d%dT"))
    "#

    a_date_shows_its_calendar("time") r#"
        local time = require("time")
        local t = time.date(2024, time.FEBRUARY, 29, 12, 30, 45, 123456789, time.utc)
        assert(tostring(t) == "2024-02-29T12:30:45.123456789Z")
        assert(t:format_rfc3339() == "2024-02-29T12:30:45Z")
        assert(t:unix() == 1709209845 and t:unix_nano() == 1709209845123456789)
        local year, month, day = t:date()
        assert(year == 2024 and month == 2 and day == 29)
        local hour, minute, second = t:clock()
        assert(hour == 12 and minute == 30 and second == 45)
        assert(t:year() == 2024 and t:month() == 2 and t:day() == 29 and t:hour() == 12 and t:minute() == 30)
        assert(t:second() == 45 and t:nanosecond() == 123456789 and t:weekday() == time.THURSDAY and t:year_day() == 60)
        assert(time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero() and not t:is_zero())
    "#

    out_of_range_dates_carry_over("time") r#"
        local time = require("time")
        assert(time.date(2024, 14, 31, 25, 0, 0, -1, time.utc):format(time.DATE_TIME) == "2025-03-04 00:59:59")
        assert(time.unix(5, -1):unix() == 4)
    "#

    times_beyond_the_year_9999_are_refused("time") r#"
        local time = require("time")
        for _, make in ipairs({
            function() return time.unix(math.maxinteger, math.maxinteger) end,
            function() return time.date(math.maxinteger, 1, 1, 0, 0, 0, 0) end,
            function() return time.unix(253402300799, 0):add("1s") end,
            function() return time.unix(0, 0):add_date(0, math.mininteger, 0) end,
        }) do
            local ok, problem = pcall(make)
            assert(not ok and problem:find("outside the years -9999 to 9999", 1, true), problem)
        end
    "#

    texts_are_parsed_by_layout("time") r#"
        local time = require("time")
        assert(time.parse(time.RFC3339, "2024-02-29T12:30:45+02:00"):unix() == 1709202645)
        assert(time.parse(time.DATE_ONLY, "2024-02-29"):location() == time.utc)
        local berlin = time.load_location("Europe/Berlin")
        local t = time.parse(time.DATE_TIME, "2024-07-01 12:00:00", berlin)
        assert(t:location() == berlin and t:format(time.RFC1123) == "Mon, 01 Jul 2024 12:00:00 CEST")
        local none, err = time.parse(time.DATE_ONLY, "29.2.2024")
        assert(none == nil and err:kind() == errors.INVALID and err:message():find("does not fit layout"))
    "#

    zones_are_loaded_and_made("time") r#"
        local time = require("time")
        local t = time.unix(0, 0)
        assert(t:in_location(time.load_location("Asia/Tokyo")):hour() == 9)
        assert(t:in_location(time.fixed_zone("CAMP", 5400)):format("15:04 MST") == "01:30 CAMP")
        assert(t:in_local():utc():location() == time.utc)
        assert(select(2, time.load_location("Mars/Olympus")):kind() == errors.NOT_FOUND)
        assert(select(2, time.load_location("")):kind() == errors.INVALID)
    "#

    times_compare_as_instants("time") r#"
        local time = require("time")
        local a, b = time.unix(10, 0), time.unix(10, 1)
        assert(a < b and a <= b and b > a and a ~= b and a == time.unix(10, 0):utc())
        assert(a:before(b) and b:after(a) and a:equal(a:utc()) and not a:equal(b))
        assert(b:sub(a):nanoseconds() == 1 and tostring(a:sub(b:add("1h"))) == "-1h0m0.000000001s")
        assert(not pcall(function() return a < 5 end))
    "#

    times_are_rounded_to_durations("time") r#"
        local time = require("time")
        local t = time.date(2024, 1, 1, 12, 40, 0, 0, time.utc)
        local hour = time.parse_duration("1h")
        assert(t:round(hour):hour() == 13 and t:truncate(hour):hour() == 12)
        assert(not pcall(t.round, t, time.HOUR))
    "#

    durations_are_numbers_texts_or_objects("time") r#"
        local time = require("time")
        for _, same in ipairs({ 5400 * time.SECOND, 1.5 * time.HOUR, "1h30m", time.parse_duration("90m") }) do
            local d = time.parse_duration(same)
            assert(tostring(d) == "1h30m0s" and d:nanoseconds() == 5400000000000)
            assert(d:microseconds() == 5400000000 and d:milliseconds() == 5400000)
            assert(d:seconds() == 5400 and d:minutes() == 90 and d:hours() == 1.5)
        end
        local a, b = time.parse_duration("1s"), time.parse_duration("1m")
        assert(a < b and a ~= b and tostring(a + b) == "1m1s" and tostring(a - b) == "-59s" and tostring(-a) == "-1s")
        for _, wrong in ipairs({ "", "10", "soon", {}, true, 0/0, 1e300 }) do
            local none, err = time.parse_duration(wrong)
            assert(none == nil and err:kind() == errors.INVALID)
        end
    "#

    sleep_lets_others_run_and_takes_its_time("time") r#"
        local time = require("time")
        local woken, order = channel.new(), {}
        local before = time.now()
        coroutine.spawn(function()
            time.sleep("5ms")
            order[#order + 1] = "child"
            woken:send(true)
        end)
        order[#order + 1] = "parent"
        woken:receive()
        assert(table.concat(order, " ") == "parent child" and time.now():sub(before):milliseconds() >= 4)
        assert(select('#', time.sleep("1ns")) == 0)
        assert(select('#', time.sleep(0)) == 0 and select('#', time.sleep(-5)) == 0)
        local none, err = time.sleep("soon")
        assert(none == nil and err:kind() == errors.INVALID)
    "#

    after_gives_one_time_and_closes("time") r#"
        local time = require("time")
        local channel = time.after("1ms")
        local t, ok = channel:receive()
        assert(ok and t:unix() > 0)
        t, ok = channel:receive()
        assert(t == nil and ok == false)
        local none, err = time.after(0)
        assert(none == nil and err:kind() == errors.INVALID)
    "#

    select_waits_for_whichever_comes_first("time") r#"
        local time = require("time")
        local slow, quick = time.after("1h"), time.after("1ms")
        local result = channel.select({ slow:case_receive(), quick:case_receive() })
        assert(result.channel == quick and result.ok)
    "#

    a_timer_is_stopped_and_reset("time") r#"
        local time = require("time")
        local timer = time.timer("1h")
        assert(timer:channel() == timer:response())
        assert(timer:stop() == true and timer:stop() == false)
        assert(timer:reset("1h") == false and timer:reset("1ms") == true)
        local t, ok = timer:channel():receive()
        assert(ok and t:unix() > 0 and timer:stop() == false)
        assert(timer:reset("1ms") == false and select(2, timer:channel():receive()))
        assert(not pcall(timer.reset, timer, 0))
        assert(select(2, time.timer("-1s")):kind() == errors.INVALID)
    "#

    a_ticker_ticks_until_stopped("time") r#"
        local time = require("time")
        local ticker = time.ticker("2ms")
        local last = time.now()
        for _ = 1, 3 do
            local t, ok = ticker:channel():receive()
            assert(ok and t > last)
            last = t
        end
        assert(ticker:stop() == true and ticker:stop() == true)
        assert(select(2, time.ticker(0)):kind() == errors.INVALID)
    "#

    ticks_that_nobody_reads_are_dropped("time") r#"
        local time = require("time")
        local ticker, read = time.ticker("1ms"), time.ticker("1ms")
        for _ = 1, 40 do
            read:channel():receive()
        end
        ticker:stop()
        local ticks = 0
        while not channel.select({ ticker:channel():case_receive(), default = true }).default do
            ticks = ticks + 1
        end
        assert(ticks == 16, ticks)
    "#

    the_module_is_read_only("time") r#"
        local time = require("time")
        assert(not pcall(function() time.now = print end))
        assert(getmetatable(time.now()) == "time.Time")
    "#

    os_needs_no_module("") r#"
        assert(os.platform == "perilune")
        assert(math.type(os.time()) == "integer" and os.time() > 1700000000)
        assert(os.clock() >= 0 and os.difftime(5, 3) == 2.0)
        for _, absent in ipairs({ "execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale" }) do
            assert(os[absent] == nil)
        end
    "#

    os_time_counts_from_midnight_and_leads_back("") r#"
        local midnight = os.time({ year = 2024, month = 7, day = 1 })
        assert(os.date("%H:%M:%S", midnight) == "00:00:00")
        assert(os.time(os.date("*t", midnight)) == midnight)
        local carried = { year = 2024, month = 14, day = -3 }
        os.time(carried)
        assert(carried.year == 2025 and carried.month == 1 and carried.day == 28 and carried.yday == 28)
        assert(not pcall(os.time, { year = 2024, month = 1 }))
        assert(not pcall(os.time, { year = 1 << 60, month = 1, day = 1 }))
    "#

    os_date_knows_the_c_locale("") r#"
        assert(os.date("!%c", 0) == "Thu Jan  1 00:00:00 1970")
        assert(os.date("!%Y-%m-%dT%H:%M:%SZ %j %U %W %V %G %a %A %b %B %p %I %y %e %u %w %z %Z %%", 1709209845)
            == "2024-02-29T12:30:45Z 060 08 09 09 2024 Thu Thursday Feb February PM 12 24 29 4 4 +0000 UTC %")
        local t = os.date("!*t", 1709209845)
        assert(t.year == 2024 and t.month == 2 and t.day == 29 and t.hour == 12 and t.min == 30 and t.sec == 45)
        assert(t.wday == 5 and t.yday == 60 and t.isdst == false)
        local ok, problem = pcall(os.date, "%Y %Q")
        assert(not ok and problem:find("invalid conversion specifier '%Q'", 1, true))
    "#
}
