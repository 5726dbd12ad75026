-- Post webhooks of Stripe that nobody signed, so many a second whatever the answers take.
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
dofile(os.getenv("BENCH_WRK") .. "/pace.lua")
local signed = "t=" .. os.time() .. ",v1=" .. string.rep("0", 64)
local body = '{"id":"evt_forged","object":"event","type":"checkout.session.completed","data":{"object":{"id":"cs_test_forged"}}}'
local headers_of_it = { ["Content-Type"] = "application/json", ["Stripe-Signature"] = signed }
local forged
function request()
  -- Not sooner: wrk knows the host only then.
  forged = forged or wrk.format("POST", "/api/webhooks/stripe", headers_of_it, body)
  return forged
end
function response(status, _, answer)
  local refused = status == 400 and answer:find("invalid_signature", 1, true)
  if not refused and status ~= 429 then wrong = wrong + 1 end
end
