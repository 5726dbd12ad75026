-- Leave leads in a closed loop, as a browser of the shop's does.
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
local prefix, n = os.getenv("BENCH_PREFIX"), 0
headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
function request()
  n = n + 1
  local body = string.format(
    '{"planName":"Premium Plan","amount":"29.99","userEmail":"user-%d@example.com","sessionId":"%s%d","feedback":"Interested in premium features"}',
    n, prefix, n)
  return wrk.format("POST", "/api/payment-intent", headers, body)
end
response = check(201, '"tracked":true')
