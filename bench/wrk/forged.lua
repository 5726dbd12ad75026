-- Post webhooks of Stripe that nobody signed, so many a second whatever the answers take.
local ffi = require("ffi")
ffi.cdef [[
typedef struct { long tv_sec; long tv_nsec; } moment;
int clock_gettime(int clock, moment *into);
]]
dofile(os.getenv("BENCH_WRK") .. "/common.lua")
local now_is = ffi.new("moment")
local function now_ms()
  ffi.C.clock_gettime(1, now_is)
  return tonumber(now_is.tv_sec) * 1000 + tonumber(now_is.tv_nsec) / 1e6
end
local between_ms = 1000 / tonumber(os.getenv("BENCH_A_SECOND"))
local due_at = now_ms()
function delay()
  due_at = due_at + between_ms
  return math.max(0, math.floor(due_at - now_ms()))
end
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
