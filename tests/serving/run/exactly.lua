-- Posts a right body and, every tenth time, a wrong one; each thread stops after so many answers.
-- wrk -tN -cN … -s exactly.lua URL -- ANSWERS: one connection for each thread, so that none is left half answered.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  most = tonumber(arguments[1])
  right, wrong, other, asked = 0, 0, 0, 0
end

local headers = { ["Content-Type"] = "application/json" }

function request()
  asked = asked + 1
  local value = asked % 10 == 0 and '"x"' or tostring(asked)
  local body = '{"dataframe_split":{"columns":["a","b"],"data":[[' .. value .. ',2],[3,4]]}}'
  return wrk.format("POST", nil, headers, body)
end

function response(status)
  if status == 200 then right = right + 1 elseif status == 400 then wrong = wrong + 1 else other = other + 1 end
  if right + wrong + other == most then wrk.thread:stop() end
end

function done(summary)
  local sums = { right = 0, wrong = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name in pairs(sums) do sums[name] = sums[name] + thread:get(name) end
  end
  io.write(string.format('\n{"right":%d,"wrong":%d,"other":%d}\n', sums.right, sums.wrong, sums.other))
end
