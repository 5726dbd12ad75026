-- Open payment sessions: each request has an id of its own.
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
local prefix, n = os.getenv("BENCH_PREFIX"), 0
function request()
  n = n + 1
  local body = string.format(
    '{"sessionId":"%s%d","userId":"user-%d","eventId":"event_456","amount":2999,"currency":"USD","provider":"stripe"}',
    prefix, n, n)
  return wrk.format("POST", "/api/payment-sessions", headers, body)
end
response = check(201, '"sessionId":"' .. prefix)
