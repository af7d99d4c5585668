-- The second half of the library that `pod_rules.lua` begins: choice, memory, the function.

-- Searching (`decisioning/pod_search.py`) --------------------------------------------------


-- Returns options by their `key`, greatest first, equals as they came.
local function by_key(list)
  local ordered = {}
  for n = 1, #list do
    local o = list[n]
    local at, key = n, o.key
    while at > 1 and key > ordered[at - 1].key do
      ordered[at] = ordered[at - 1]
      at = at - 1
    end
    ordered[at] = o
  end
  return ordered
end

-- By value per time; each knows the greatest value and length from its place on.
local function by_density(list)
  for n = 1, #list do
    local o = list[n]
    o.key = o.value / o.least
  end
  local ordered = by_key(list)
  local most, longest = 0, 0
  for n = #ordered, 1, -1 do
    local o = ordered[n]
    if o.value > most then most = o.value end
    if o.most > longest then longest = o.most end
    o.most_value, o.longest = most, longest
  end
  return ordered
end

local function bound(list, start)
  if start > #list then return 0, 0 end
  local left, slots, in_time = limit_ms - filled, max_ads - #added, 0
  local room = left
  for n = start, #list do
    local o = list[n]
    if o.least > room then
      in_time = in_time + math.floor(room * o.value / o.least)
      break
    end
    in_time, room = in_time + o.value, room - o.least
  end
  return math.min(in_time, slots * list[start].most_value), math.min(left, slots * list[start].longest)
end

local function rate_where_time_runs_out(list)
  local room = limit_ms - filled
  for _, o in ipairs(list) do
    if o.least > room then return o.value / o.least end
    room = room - o.least
  end
  return 0
end

-- Returns the greatest rewards beyond a rate, as many as there are slots, greatest first.
local function greatest_rewards(list, rate, slots)
  local rewards, n = {}, 0
  for each = 1, #list do
    local o = list[each]
    local reward = o.value - rate * o.least
    if reward > 0 and (n < slots or reward > rewards[n]) then
      if n < slots then n = n + 1 end
      local at = n
      while at > 1 and reward > rewards[at - 1] do
        rewards[at] = rewards[at - 1]
        at = at - 1
      end
      rewards[at] = reward
    end
  end
  return rewards
end

-- The bound of the whole, tightened by charging ads for the time they take.
local function ceiling(list)
  local value, time = bound(list, 1)
  local left, slots, runs_out = limit_ms - filled, max_ads - #added, rate_where_time_runs_out(list)
  for half = 0, 2 do
    local rate = runs_out * half / 2
    local total, rewards = rate * left, greatest_rewards(list, rate, slots)
    for n = 1, #rewards do total = total + rewards[n] end
    value = math.min(value, math.floor(total + 0.001))
  end
  return value, time
end

-- Counts by how many options each film and each creative may be used.
local function count_users(list)
  users = {}
  for _, o in ipairs(list) do
    local own = {}
    for _, c in ipairs(o.creatives) do
      own[o.t.creatives[c].field], own[o.t.creatives[c].media] = true, true
    end
    for key in pairs(own) do users[key] = (users[key] or 0) + 1 end
  end
end

-- Returns the option's creatives, those together that make no difference to others.
local function ways(o, list)
  if o.ways then return o.ways end
  if #o.creatives == 1 then
    o.ways = {o.creatives}
    return o.ways
  end
  local groups, seen = {}, {}
  if not users then count_users(list) end
  for _, c in ipairs(o.creatives) do
    local creative = o.t.creatives[c]
    local film = users[creative.media] > 1 and creative.media or ''
    local capped = users[creative.field] > 1 and creative.field or ''
    local key = creative.ms .. ' ' .. film .. ' ' .. capped
    if not seen[key] then
      seen[key] = {}
      groups[#groups + 1] = seen[key]
    end
    table.insert(seen[key], c)
  end
  o.ways = groups
  return groups
end

local function is_better(value, time, than_value, than_time)
  return value > than_value or value == than_value and time - LEAST_GAIN >= than_time
end

local function keep_better()
  local value, time = worth(base)
  if is_better(value, time, best_value, best_time) then
    best_value, best_time, found = value, time, {}
    for n = base + 1, #added do found[#found + 1] = added[n] end
  end
  return value, time
end

-- Tries the choice by reward beyond a rate: a good one at once lets much be left out.
local function try_greedily(list, rate)
  for _, o in ipairs(list) do o.key = o.value - rate * o.least end
  for _, o in ipairs(by_key(list)) do
    if nodes <= 0 or is_full() then break end
    if o.least <= limit_ms - filled then
      nodes = nodes - 1
      add(o.i, o.t, o.creatives)
    end
  end
  keep_better()
  while #added > base do remove_last() end
end

local function branch(list, start)
  local value, time = keep_better()
  for at = start, #list do
    if is_full() or not is_better(top_value, top_time, best_value, best_time) then return end
    local v, t = bound(list, at)
    if not is_better(value + v, time + t, best_value, best_time) then return end
    for _, group in ipairs(ways(list[at], list)) do
      if nodes <= 0 then return end
      nodes = nodes - 1
      if not add(list[at].i, list[at].t, group) then
        branch(list, at + 1)
        remove_last()
      end
    end
  end
end

local function search(list)
  local runs_out = rate_where_time_runs_out(list)
  try_greedily(list, runs_out / 2)
  try_greedily(list, 0)
  branch(list, 1)
end

-- Choosing (`decisioning/fill_pod.py`) -----------------------------------------------------

local function offer(i)
  local full = is_full()
  if full then return full end
  local o, reason = option(i)
  if not o then return reason end
  return add(i, o.t, o.creatives) or CHOSEN
end

local function take_out()
  local out = {}
  while #added > base do table.insert(out, 1, remove_last()) end
  return out
end

local function put_back(list)
  for _, placed in ipairs(list) do add(placed.i, placed.t, {placed.c}) end
end

-- Puts in what a search found: in rank order if the rules let it, else as it was found.
local function put_in(list)
  local ranked = {unpack(list)}
  table.sort(ranked, function(one, other) return one.i < other.i end)
  put_back(ranked)
  if #added - base < #list then
    take_out()
    put_back(list)
  end
end

local function settle(first, last, greedy)
  local chosen, outranked = {}, {}
  for _, placed in ipairs(added) do chosen[placed.i] = true end
  for _, placed in ipairs(greedy) do outranked[placed.i] = true end
  for i = first, last do
    if chosen[i] then
      verdicts[i] = CHOSEN
    else
      local verdict = offer(i)
      verdicts[i] = outranked[i] and verdict ~= CHOSEN and OUTRANKED or verdict
    end
  end
end

local function candidates_of(first, last, all)
  local list = {}
  for i = first, last do
    local known = all and options[i] or nil
    if not all then
      known = option(i)
    elseif known == nil and #term(i).creatives > 0 then
      known = make_option(i, term(i).every)
    end
    if type(known) == 'table' then list[#list + 1] = known end
  end
  return by_density(list)
end

-- Tells, once all is read, that everything may run with every creative.
local function all_may_run(first, last)
  for i = first, last do
    local o = option(i)
    if not o or #o.creatives < #o.t.creatives or o.creatives[1] ~= 1 then return false end
  end
  return true
end

-- Tells cheaply, of a tier that stands by density already, that nothing can be better.
local function is_best(first, last, value, time)
  local left, slots, in_time, most, longest = limit_ms, max_ads - base, 0, 0, 0
  for n = 1, base do left = left - added[n].creative.ms end
  local room, before, ended = left, nil, false
  for i = first, last do
    local t = terms[i] or term(i)
    if type(options[i]) ~= 'number' and t.creatives[1] then
      local value_of, least = t.value, t.least
      if before and value_of * before.least > before.value * least then return false end
      before = t
      if value_of > most then most = value_of end
      if t.most > longest then longest = t.most end
      if ended then
        -- Beyond what fits only the greatest value and length count.
      elseif least > room then
        in_time, ended = in_time + math.floor(room * value_of / least), true
      else
        in_time, room = in_time + value_of, room - least
      end
    end
  end
  local bound_value = math.min(in_time, slots * most)
  return not is_better(bound_value, math.min(left, slots * longest), value, time)
end

-- Puts a better choice in the place of the greedy one; returns the proved bound.
local function improve(first, last, value, time)
  if #added == base and is_full() then return 0 end
  if is_best(first, last, value, time) then return value end
  local chosen = take_out()
  local list = candidates_of(first, last, true)
  local v, t = ceiling(list)
  if #list == #chosen or not is_better(v, t, value, time) then
    put_back(chosen)
    return value
  end
  if last > loaded then load(last) end
  if not all_may_run(first, last) then
    list = candidates_of(first, last, false)
    v, t = ceiling(list)
  end
  top_value, top_time = v, t
  best_value, best_time, found, users = value, time, nil, nil
  local before = misplaced
  search(list)
  local proved = nodes > 0 and misplaced == before and best_value or top_value
  if found then
    put_in(found)
    settle(first, last, chosen)
  else
    put_back(chosen)
  end
  return proved
end

local function fill_tier(first, last)
  base = #added
  for i = first, last do verdicts[i] = offer(i) end
  local value, time = worth(base)
  local proved = value
  if limit_ms then proved = improve(first, last, value, time) end
  return worth(base), proved
end

local function retry_separated()
  local again = true
  while again do
    again = false
    for i = 1, count do
      if (verdicts[i] == BY_CATEGORY or verdicts[i] == BY_DOMAIN) and offer(i) == CHOSEN then
        verdicts[i], again = CHOSEN, true
      end
    end
  end
end

-- Returns by how many basis points the best pod could be worth more.
local function fill()
  local total, proved, first = 0, 0, 1
  while first <= count do
    local last = first
    while last < count and term(last + 1).tier == term(first).tier do last = last + 1 end
    local value, limit = fill_tier(first, last)
    total, proved, first = total + value, proved + limit, last + 1
  end
  retry_separated()
  return proved > total and math.ceil((proved - total) * 10000 / proved) or 0
end

-- Counting (`decisioning/count_pod.py`, `decisioning/viewer_history.py`) --------------------

local function count_views(counted)
  for _, placed in ipairs(order) do
    for _, counter in ipairs(placed.t.counters) do
      local at = hash_at[counter[2]]
      if at then
        local field = counter[1] == 1 and placed.creative.field or counter[5]
        local views = counted[at][field]
        if not views then
          views = {ads = 0, keep = 0, life = 0}
          counted[at][field] = views
        end
        if views.last ~= placed.i then views.ads, views.last = views.ads + 1, placed.i end
        views.keep, views.life = math.max(views.keep, counter[3]), math.max(views.life, counter[4])
      end
    end
  end
end

local function with_views(value, views)
  value = alive(value)
  if not value then
    return struct.pack('>I4', views.life) .. string.rep(struct.pack('>I4', now), math.min(views.ads, views.keep))
  end
  local added_times = string.rep(struct.pack('>I4', now), views.ads)
  local old = #value / 4 - 1
  local at = #value
  while at > 4 and number(value, at - 3) > now do at = at - 4 end
  local times = string.sub(value, 5, at) .. added_times .. string.sub(value, at + 1)
  local drop = old + views.ads - math.max(views.keep, old)
  if drop > 0 then times = string.sub(times, 4 * drop + 1) end
  return struct.pack('>I4', math.max(views.life, number(value, 1))) .. times
end

local function with_rivals(value, shown)
  value = alive(value)
  local whole = value or struct.pack('>I4I4', 0, 0)
  for _, rival in ipairs(shown) do
    if not has(whole, rival) then whole = string.sub(whole, 1, -5) .. rival .. string.sub(whole, -4) end
  end
  local body = string.sub(whole, 5, -5)
  return struct.pack('>I4', SESSION_LIFE) .. string.sub(body, -8 * RIVALS) .. struct.pack('>I4', now)
end

local function count_rivals(written)
  local at, shown, apart = hash_at[1], {}, {}
  if not at then return end
  for _, placed in ipairs(order) do
    local t = placed.t
    if t.category ~= '' then
      shown[#shown + 1] = t.category
      if t.category_extent == 3 then apart[#apart + 1] = t.category end
    end
    if t.domain ~= '' then
      shown[#shown + 1] = t.domain
      if t.domain_extent == 3 then apart[#apart + 1] = t.domain end
    end
  end
  if #shown > 0 then written[at].za = with_rivals(values[at].za, shown) end
  if #apart > 0 then written[at].zr = with_rivals(values[at].zr, apart) end
end

local function sweep(at)
  local all, over = redis.call('HGETALL', keys[at]), {}
  for n = 1, #all, 2 do
    if all[n] ~= 'm' and not alive(all[n + 1]) then over[#over + 1] = all[n] end
  end
  for n = 1, #over, 1000 do
    redis.call('HDEL', keys[at], unpack(over, n, math.min(n + 999, #over)))
  end
end

local function write(at, written)
  local life, pairs_of = 0, {}
  for field, value in pairs(written) do
    pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = field, value
    life = math.max(life, number(value, 1))
  end
  if life == 0 then return end
  local meta, expires_at, sweep_at, expires_in = values[at].m, 0, 0, nil
  if meta then expires_at, sweep_at = number(meta, 1), number(meta, 5) end
  if now + life + GRACE > expires_at then
    expires_in = life + math.floor(life / 8) + 2 * GRACE
    expires_at = now + expires_in
  end
  if sweep_at <= now then
    if meta then sweep(at) end
    sweep_at = now + SWEEP
  end
  local changed = struct.pack('>I4I4', expires_at, sweep_at)
  if changed ~= meta then pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = 'm', changed end
  redis.call('HSET', keys[at], unpack(pairs_of))
  if expires_in then redis.call('EXPIRE', keys[at], expires_in) end
end

local function spend()
  local list = {}
  for _, placed in ipairs(order) do
    local t = placed.t
    if t.spends > 0 then
      local left, bucket = remaining(t.token)
      list[#list + 1] = t.token
      list[#list + 1] = string.format('%.0f:%.0f', bucket, left - t.spends)
    end
  end
  if #list > 0 then redis.call('HSET', keys[1], unpack(list)) end
end

local function remember()
  local counted, written, wanted = {}, {}, {}
  for at in pairs(values) do counted[at], written[at] = {}, {} end
  count_views(counted)
  for at, fields in pairs(counted) do
    for field in pairs(fields) do wish(wanted, at, field) end
    wish(wanted, at, 'm')
  end
  fetch(wanted)
  for at, fields in pairs(counted) do
    for field, views in pairs(fields) do written[at][field] = with_views(values[at][field], views) end
  end
  for _, placed in ipairs(order) do
    local field = placed.t.sequence
    if field ~= '' and sequence_at then
      local value = alive(values[sequence_at][field])
      local seen = (value and number(value, 5) or 0) + 1
      written[sequence_at][field] = struct.pack('>I4I4I4', SEQUENCE_LIFE, seen, now)
    end
  end
  count_rivals(written)
  for at, fields in pairs(written) do write(at, fields) end
  spend()
end

-- The function ----------------------------------------------------------------------------

local function outcome(gap)
  local parts = {struct.pack('>BBBI2', 0, #order, count, gap)}
  for _, placed in ipairs(order) do
    local _, bucket = remaining(placed.t.token)
    parts[#parts + 1] = struct.pack('>BBI4', placed.i - 1, placed.c - 1, placed.t.spends > 0 and bucket or 0)
  end
  for i = 1, count do parts[#parts + 1] = string.char(verdicts[i]) end
  parts[#parts + 1] = grants.v or ''
  return table.concat(parts)
end

-- A repeat after a lost connection must not reserve again: it gets the outcome of the first.
local function outcome_of(record)
  for _, entry in ipairs(redis.call('XREVRANGE', keys[2], '+', '-', 'COUNT', RECENT)) do
    if entry[2][2] == record then return entry[2][4] end
  end
end

redis.register_function('@NAME@', function(k, args)
  local limit, most, at_s, node_limit, kept = struct.unpack('>I4I4I4I4I4', args[1])
  keys, packed, count, loaded, call = k, {}, #args - 5, 0, call + 1
  if args[5] == '1' then
    local before = outcome_of(args[3])
    if before then return before end
  end
  for i = 1, count do packed[i] = args[i + 5] end
  now, limit_ms, max_ads, nodes = at_s, limit ~= ENDLESS and limit or nil, most, node_limit
  hash_at, values, grants, terms, options, verdicts = {}, {}, {}, {}, {}, {}
  added, order, filled, found, misplaced = {}, {}, 0, nil, 0
  for n = 1, #args[4] do
    hash_at[tonumber(string.sub(args[4], n, n))] = n + 2
    values[n + 2] = {}
  end
  sequence_at = hash_at[2] or hash_at[3] or hash_at[1]
  hash_at[2], hash_at[3] = hash_at[2] or hash_at[1], hash_at[3] or hash_at[1]
  load(CHUNK)
  if args[2] ~= '' and grants.v and grants.v ~= args[2] then
    return struct.pack('>BBBI2', 1, 0, 0, 0) .. grants.v
  end
  local reply = outcome(fill())
  if #order > 0 then remember() end
  redis.call('XADD', keys[2], 'MAXLEN', '~', kept, '*', 'd', args[3], 'r', reply)
  return reply
end)
