-- What the three loads have in common: the key, counting wrong answers, and a line of JSON at the end.
key = os.getenv("BENCH_KEY")
headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
wrong, shown = 0, 0

function check(expected, marker)
  return function(status, _, body)
    if status == expected and body:find(marker, 1, true) then return end
    wrong = wrong + 1
    if shown < 2 then
      shown = shown + 1
      io.stderr:write(status, " ", body:sub(1, 300), "\n")
    end
  end
end

local threads = {}
function setup(thread) table.insert(threads, thread) end

function done(summary, latency, _)
  local all_wrong, ended = 0, false
  for _, thread in ipairs(threads) do
    all_wrong = all_wrong + thread:get("wrong")
    ended = ended or thread:get("ended")
  end
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"wrong":%d,"ended":%s,"socket_errors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, all_wrong, tostring(ended),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
ended = false
