-- Send so many requests a second, whatever the answers take: to be loaded by a script that does.
local ffi = require("ffi")
ffi.cdef [[
typedef struct { long tv_sec; long tv_nsec; } moment;
int clock_gettime(int clock, moment *into);
]]
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
