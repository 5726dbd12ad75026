-- Read payment sessions by id, at random among those that are there.
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
local prefix, count = os.getenv("BENCH_PREFIX"), tonumber(os.getenv("BENCH_COUNT"))
math.randomseed(tonumber(os.getenv("BENCH_SEED")))
function request()
  return wrk.format("GET", "/api/payment-sessions/" .. prefix .. math.random(0, count - 1), headers)
end
response = check(200, '"sessionId":"' .. prefix)
