-- For wrk: each connection asks the paths of a file in turn and pauses between two requests, so that all of them together keep a rate
-- that the server does not set. Arguments: the file of paths, the longest pause in milliseconds (pauses are even from 0 to that).
local requests, last, longest = {}, 0, 0

function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
  longest = tonumber(args[2])
  math.randomseed(tonumber(args[3]))
  last = math.random(#requests)
end

function delay()
  return math.random(0, longest)
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("paced %d %d %d %.0f %.0f\n", summary.requests, summary.duration, lost, latency:percentile(50), latency:percentile(99)))
end
