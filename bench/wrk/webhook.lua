-- Post signed events of Stripe, each once and each for a session of its own; a file holds them all.
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
local file = io.open(os.getenv("BENCH_EVENTS"), "rb")
local content = { ["Content-Type"] = "application/json" }
function request()
  local signature = file:read("*l")
  if not signature then
    -- More was answered than was prepared: the figures are of no use, and say so.
    ended = true
    return wrk.format("GET", "/health/ready")
  end
  content["Stripe-Signature"] = signature
  return wrk.format("POST", "/api/webhooks/stripe", content, file:read(tonumber(file:read("*l"))))
end
response = check(200, '"outcome":"processed"')
