-- Requests for the paths in a file, one after the other and over again, as fast as they are answered; says at the end what came of them.
local paths, at = {}, 0

function init(args)
  for path in io.lines(args[1]) do
    paths[#paths + 1] = wrk.format("GET", path, { ["accept-encoding"] = "gzip" })
  end
end

function request()
  -- Not in their order: servers and processors are good at what comes next.
  at = (at + 7) % #paths
  return paths[at + 1]
end

function done(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("unpaced %d %d %d\n", summary.requests, summary.duration, lost))
end
