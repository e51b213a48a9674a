-- Sends cookies picked at random from the file COOKIES, one per line, and reports as one line of JSON.
-- With PAUSE_MS each connection waits before each request, for a random time with this average.

local requests = {}

function init()
  for cookie in io.lines(os.getenv('COOKIES')) do
    requests[#requests + 1] = wrk.format('GET', nil, { Cookie = cookie })
  end
  math.randomseed(os.time())
end

function request()
  return requests[math.random(#requests)]
end

local pause = tonumber(os.getenv('PAUSE_MS'))
if pause then
  function delay()
    return math.random(0, 2 * pause)
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
