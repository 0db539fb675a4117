-- Posts the bodies of a folder in turn, and prints what wrk measured as one line of JSON.
-- wrk … -s post.lua URL -- FOLDER NUMBER MEDIA-TYPE; the bodies are FOLDER/0, FOLDER/1 and so on.

local requests = {}
local at = 0

function init(arguments)
  local folder, number, kind = arguments[1], tonumber(arguments[2]), arguments[3]
  for i = 0, number - 1 do
    local file = assert(io.open(folder .. "/" .. i, "rb"))
    requests[i] = wrk.format("POST", nil, { ["Content-Type"] = kind, ["Host"] = wrk.host .. ":" .. wrk.port }, file:read("*a"))
    file:close()
  end
  requests.number = number
end

function request()
  at = (at + 1) % requests.number
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"p50":%f,"p99":%f,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
