-- The second half of the library that `pod_rules.lua` begins: choice, memory, the function.

-- The best choice yet of a tier, which begins with `base` ads there. The greedy one comes first;
-- `found` is one that is better, `found.n` 0 where there is none.
local base, base_filled, base_earned, best_value, best_time
local greedy, found = {n = 0, i = {}, c = {}}, {n = 0, i = {}, c = {}}

local function is_better(value, time, than_value, than_time)
  return value > than_value or value == than_value and time - LEAST_GAIN >= than_time
end

local function keep(choice)
  choice.n = there - base
  for n = 1, choice.n do
    choice.i[n], choice.c[n] = added[base + n].i, added[base + n].c
  end
end

local function keep_better()
  local value, time = earned - base_earned, filled - base_filled
  if is_better(value, time, best_value, best_time) then
    best_value, best_time = value, time
    keep(found)
  end
end

local function take_out()
  while there > base do remove_last() end
end

-- The greatest values (`decisioning/pod_by_value.py`) ---------------------------------------

local top, prizes = {}, {}

-- Lists the greatest prizes of those that may run, as many as `most`; of a longer list those that
-- come after one. Returns how many there are.
local function list_prizes(first, last, most, after, after_prize)
  local n = 0
  for i = first, last do
    local t = terms[i]
    local prize = t.prize
    if (n < most or prize > prizes[n])
        and (not after or prize < after_prize or prize == after_prize and i > after)
        and t.tried[1] and not (judged[i] == call and refusals[i]) then
      if n < most then n = n + 1 end
      local at = n
      while at > 1 and prize > prizes[at - 1] do
        top[at], prizes[at] = top[at - 1], prizes[at - 1]
        at = at - 1
      end
      top[at], prizes[at] = i, prize
    end
  end
  return n
end

-- Tells of the greatest prizes, one for each slot, whether they would be better than the best yet,
-- and whether time could be enough for them.
local function look_at_prizes(n)
  local value, most, least = 0, 0, 0
  for at = 1, min(n, max_ads - base) do
    local t = terms[top[at]]
    value, most, least = value + t.value, most + t.most, least + t.least
  end
  local left = limit_ms - filled
  return is_better(value, min(most, left), best_value, best_time), least <= left
end

-- Returns the creatives of an option, the longest first, equals as they came.
local function longest_first(o)
  if o.by_length then return o.by_length end
  local list, creatives = {}, o.t.creatives
  for n, c in ipairs(o.tried) do
    local at = n
    while at > 1 and creatives[c].ms > creatives[list[at - 1]].ms do
      list[at] = list[at - 1]
      at = at - 1
    end
    list[at] = c
  end
  o.by_length = list
  return list
end

-- Tells whether one that was refused costs nothing: one that is there, and is worth as much, is
-- the rival of it, and of others only that are all rivals of each other.
local function gives_way(t, rivals)
  for n = 1, there do
    if rivalry(t, added[n].t) >= 2 then
      if n <= base then return true end
      local others = rivals[n] or {}
      local is_one_of_them = true
      for _, other in ipairs(others) do
        if rivalry(t, other) < 2 then is_one_of_them = false end
      end
      if is_one_of_them then
        rivals[n], others[#others + 1] = others, t
        return true
      end
    end
  end
  return false
end

-- Tries the greatest prizes, as if time were no matter; returns whether nothing can be better.
local function try_by_value(first, last, n)
  local proved, is_longest, at, rivals = true, true, 1, {}
  while there < max_ads do
    if at > n and n > 0 then
      n, at = list_prizes(first, last, max_ads + AHEAD, top[n], prizes[n]), 1
    end
    if n == 0 then break end
    if filled == limit_ms or nodes <= 0 then
      proved = false
      break
    end
    if read[top[at]] ~= call then load(at, n, top) end
    local o = option(top[at])
    if o and o.least > limit_ms - filled then
      proved = false
    elseif o then
      nodes = nodes - 1
      if not add(top[at], o.t, longest_first(o)) then
        is_longest = is_longest and added[there].creative.ms == o.t.most
      elseif not gives_way(o.t, rivals) then
        proved = false
      end
    end
    at = at + 1
  end
  proved = proved and (is_longest or filled == limit_ms)
  keep_better()
  take_out()
  return proved
end

-- Searching (`decisioning/pod_search.py`) --------------------------------------------------

-- The options of a search by density, greatest first: candidates, how they run, and from each
-- place on the greatest value and length; and up to each the values and least times of all.
local size, list, ways_to_run, keys_of = 0, {}, {}, {}
local most_from, longest_from, value_to, time_to = {}, {}, {[0] = 0}, {[0] = 0}
local top_value, top_time, users, groups_of
local left_out = {}

-- Lists who may run, for all that is known yet; those left out are not.
local function list_by_density(first, last)
  size = 0
  for i = first, last do
    local o = terms[i]
    if judged[i] == call then o = options[i] end
    if o and o.tried[1] and left_out[i] ~= call then
      size = size + 1
      local at, density = size, o.density
      while at > 1 and density > keys_of[at - 1] do
        list[at], ways_to_run[at], keys_of[at] = list[at - 1], ways_to_run[at - 1], keys_of[at - 1]
        at = at - 1
      end
      list[at], ways_to_run[at], keys_of[at] = i, o, density
    end
  end
  local most, longest = 0, 0
  for n = size, 1, -1 do
    local o = ways_to_run[n]
    if o.value > most then most = o.value end
    if o.most > longest then longest = o.most end
    most_from[n], longest_from[n] = most, longest
  end
  for n = 1, size do
    local o = ways_to_run[n]
    value_to[n], time_to[n] = value_to[n - 1] + o.value, time_to[n - 1] + o.least
  end
end

-- Returns where time runs out if all from `start` on are taken, one after the other.
local function out_of_time(start)
  local room, n = limit_ms - filled + time_to[start - 1], start
  while n <= size and time_to[n] <= room do n = n + 1 end
  return n, room
end

local function bound(start)
  if start > size then return 0, 0 end
  local left, slots = limit_ms - filled, max_ads - there
  local n, room = out_of_time(start)
  local in_time = value_to[n - 1] - value_to[start - 1]
  if n <= size then
    in_time = in_time + floor((room - time_to[n - 1]) * ways_to_run[n].value / ways_to_run[n].least)
  end
  return min(in_time, slots * most_from[start]), min(left, slots * longest_from[start])
end

local function rate_where_time_runs_out()
  local n = out_of_time(1)
  return n <= size and ways_to_run[n].density or 0
end

local rewards = {}
-- Of three rates from 0 to that at which time runs out: the rate, the worth at it, its last reward.
local rates, worths, last_rewards = {}, {}, {}

-- Counts time at a rate and the greatest rewards beyond it, as many as there are slots; returns
-- what no choice can be worth more than.
local function worth_at(rate, half)
  local slots, n, total = max_ads - there, 0, rate * (limit_ms - filled)
  for each = 1, size do
    local o = ways_to_run[each]
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
  for each = 1, n do total = total + rewards[each] end
  rates[half], worths[half], last_rewards[half] = rate, total, n == slots and rewards[n] or 0
  return floor(total + 0.001)
end

-- Tells whether a choice can be better than the best yet, and sets what none is worth more than:
-- the bound of the whole, tightened by charging ads for the time they take.
local function can_be_better()
  top_value, top_time = bound(1)
  local runs_out = rate_where_time_runs_out()
  for half = 0, 2 do
    if not is_better(top_value, top_time, best_value, best_time) then return false end
    top_value = min(top_value, worth_at(runs_out * half / 2, half))
  end
  return is_better(top_value, top_time, best_value, best_time)
end

-- Leaves out who is in no choice that is worth as much as the best yet: for such a one the last
-- reward has to go.
local function leave_out()
  local half, full = worths[1] - last_rewards[1], worths[2] - last_rewards[2]
  for n = 1, size do
    local o = ways_to_run[n]
    local at_half = o.value - rates[1] * o.least
    local at_full = o.value - rates[2] * o.least
    if at_half < last_rewards[1] and half + at_half + 0.001 < best_value
        or at_full < last_rewards[2] and full + at_full + 0.001 < best_value then
      left_out[list[n]] = call
    end
  end
end

-- Counts by how many options each film and each creative may be used.
local function count_users()
  users = {}
  for n = 1, size do
    local own, o = {}, ways_to_run[n]
    for _, c in ipairs(o.tried) do
      own[o.t.creatives[c].field], own[o.t.creatives[c].media] = true, true
    end
    for key in pairs(own) do users[key] = (users[key] or 0) + 1 end
  end
end

-- Returns the option's creatives, those together that make no difference to others.
local function ways(o)
  if o.ways then return o.ways end
  if groups_of[o] then return groups_of[o] end
  local groups, seen = {}, {}
  if not users then count_users() end
  for _, c in ipairs(o.tried) do
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
  groups_of[o] = groups
  return groups
end

local by_reward = {}

-- Tries the choice by reward beyond a rate: a good one at once lets much be left out.
local function try_greedily(rate)
  for n = 1, size do
    local at, o = n, ways_to_run[n]
    local reward = o.value - rate * o.least
    while at > 1 and reward > keys_of[at - 1] do
      by_reward[at], keys_of[at] = by_reward[at - 1], keys_of[at - 1]
      at = at - 1
    end
    by_reward[at], keys_of[at] = list[n], reward
  end
  for n = 1, size do
    if nodes <= 0 or is_full() then break end
    local i = by_reward[n]
    if terms[i].least <= limit_ms - filled then
      if read[i] ~= call then load(n, min(size, n + max_ads + AHEAD), by_reward) end
      local o = option(i)
      if o and o.least <= limit_ms - filled then
        nodes = nodes - 1
        add(i, o.t, o.tried)
      end
    end
  end
  keep_better()
  take_out()
end

local function branch(start)
  keep_better()
  local value, time = earned - base_earned, filled - base_filled
  for at = start, size do
    if is_full() or not is_better(top_value, top_time, best_value, best_time) then return end
    local v, t = bound(at)
    if not is_better(value + v, time + t, best_value, best_time) then return end
    local o = ways_to_run[at]
    for _, group in ipairs(ways(o)) do
      if nodes <= 0 then return end
      nodes = nodes - 1
      if not add(list[at], o.t, group) then
        branch(at + 1)
        remove_last()
      end
    end
  end
end

-- Tells whether all that are listed may run, and with all of their creatives.
local function all_may_run()
  local all = true
  load(1, size, list)
  for n = 1, size do
    if option(list[n]) ~= ways_to_run[n] then all = false end
  end
  return all
end

-- Looks for a better choice until all are tried, or the work is done; returns the proved bound.
local function search(first, last, is_tried_by_value)
  try_greedily(rates[1])
  if not is_tried_by_value then try_greedily(0) end
  leave_out()
  list_by_density(first, last)
  if not all_may_run() then list_by_density(first, last) end
  if not can_be_better() then return best_value end
  local before = misplaced
  users, groups_of = nil, {}
  branch(1)
  return nodes > 0 and misplaced == before and best_value or top_value
end

-- Choosing (`decisioning/fill_pod.py`) -----------------------------------------------------

local function offer(i)
  local full = is_full()
  if full then return full end
  local o, reason = option(i)
  if not o then return reason end
  return add(i, o.t, o.tried) or CHOSEN
end

-- Offers a tier in rank order; what is left once the pod is full is not even looked at.
local function offer_all(first, last)
  for i = first, last do
    local full = is_full()
    if full then
      for rest = i, last do verdicts[rest] = full end
      return
    end
    verdicts[i] = offer(i)
  end
end

local only = {}

local function put_back(choice)
  for n = 1, choice.n do
    local c = choice.c[n]
    only[1] = c
    add(choice.i[n], terms[choice.i[n]], only)
  end
end

local ranked = {n = 0, i = {}, c = {}}

-- Puts in what a search found: in rank order if the rules let it, else as it was found.
local function put_in()
  ranked.n = found.n
  for n = 1, found.n do
    local at, i, c = n, found.i[n], found.c[n]
    while at > 1 and ranked.i[at - 1] > i do
      ranked.i[at], ranked.c[at] = ranked.i[at - 1], ranked.c[at - 1]
      at = at - 1
    end
    ranked.i[at], ranked.c[at] = i, c
  end
  put_back(ranked)
  if there - base < found.n then
    take_out()
    put_back(found)
  end
end

local is_chosen, was_chosen = {}, {}

-- Says of each of the tier what came of it after the search.
local function settle(first, last)
  for n = base + 1, there do is_chosen[added[n].i] = call end
  for n = 1, greedy.n do was_chosen[greedy.i[n]] = call end
  for i = first, last do
    if is_chosen[i] == call then
      verdicts[i] = CHOSEN
    else
      local verdict = offer(i)
      verdicts[i] = was_chosen[i] == call and verdict ~= CHOSEN and OUTRANKED or verdict
    end
  end
end

-- Returns what no choice of the tier can be worth more than, and leaves a better one than the
-- greedy in `found` if there is any. The pod is as before the tier meanwhile.
local function find_better(first, last)
  local is_tried = false
  if greedy.n == max_ads - base then
    local n = list_prizes(first, last, max_ads + AHEAD)
    local is_better_yet, may_fit = look_at_prizes(n)
    if not is_better_yet then return best_value end
    is_tried = may_fit
    if may_fit and try_by_value(first, last, n) then return best_value end
  end
  list_by_density(first, last)
  if size == greedy.n or not can_be_better() then return best_value end
  return search(first, last, is_tried)
end

-- Puts a better choice in the place of the greedy one; returns the proved bound.
local function improve(first, last)
  best_value, best_time, found.n = earned - base_earned, filled - base_filled, 0
  keep(greedy)
  take_out()
  local proved = find_better(first, last)
  if found.n == 0 then
    put_back(greedy)
  else
    put_in()
    settle(first, last)
  end
  return proved
end

local function fill_tier(first, last)
  base, base_filled, base_earned = there, filled, earned
  offer_all(first, last)
  local proved = improve(first, last)
  return earned - base_earned, proved
end

local function retry_separated()
  local again = not is_full()
  while again do
    again = false
    for i = 1, count do
      if (verdicts[i] == BY_CATEGORY or verdicts[i] == BY_DOMAIN) and offer(i) == CHOSEN then
        verdicts[i], again = CHOSEN, true
      end
    end
  end
end

-- Fills tier by tier; returns by how many basis points the best pod could be worth more.
local function fill_in_time()
  local total, proved, first = 0, 0, 1
  for i = 1, count do term(i) end
  while first <= count and not is_full() do
    local last, tier = first, terms[first].tier
    while last < count and terms[last + 1].tier == tier do last = last + 1 end
    local value, limit = fill_tier(first, last)
    total, proved, first = total + value, proved + limit, last + 1
  end
  if first <= count then offer_all(first, count) end
  return proved > total and math.ceil((proved - total) * 10000 / proved) or 0
end

-- A break without a length is filled in rank order.
local function fill()
  local gap = 0
  if limit_ms then gap = fill_in_time() else offer_all(1, count) end
  retry_separated()
  return gap
end

-- Counting (`decisioning/count_pod.py`, `decisioning/viewer_history.py`) --------------------

-- By hash, what is to be written: fields and values in turn, and the longest lifetime of them.
local written = {{}, {}, {n = 0, life = 0}, {n = 0, life = 0}, {n = 0, life = 0}}

local function note(at, field, value, life)
  local list = written[at]
  local n = list.n
  list[n + 1], list[n + 2], list.n = field, value, n + 2
  if life > list.life then list.life = life end
end

local views, viewed = {}, {}

-- Counts the views of each field, once for each ad; returns how many fields that are.
local function count_views()
  local n = 0
  for each = 1, there do
    local placed = order[each]
    local counters = placed.t.counters
    for row = 1, #counters do
      local counter = counters[row]
      local at, field = hash_at[counter[2]], counter[5]
      if at then
        if counter[1] == 1 then field = placed.creative.field end
        local one
        for known = 1, n do
          if views[known].field == field and views[known].at == at then one = views[known] end
        end
        if not one then
          n = n + 1
          one = views[n] or {}
          views[n] = one
          one.at, one.field, one.ads, one.keep, one.life, one.last = at, field, 0, 0, 0, 0
          wish(at, field)
        end
        if one.last ~= placed.i then one.ads, one.last = one.ads + 1, placed.i end
        one.keep, one.life = max(one.keep, counter[3]), max(one.life, counter[4])
      end
    end
  end
  return n
end

local function with_views(value, one)
  value = alive(value)
  if not value then
    return pack('>I4', one.life) .. rep(now_bytes, min(one.ads, one.keep)), one.life
  end
  local old, at, life = #value / 4 - 1, #value, max(one.life, number(value, 1))
  while at > 4 and number(value, at - 3) > now do at = at - 4 end
  local times = sub(value, 5, at) .. rep(now_bytes, one.ads) .. sub(value, at + 1)
  local drop = old + one.ads - max(one.keep, old)
  if drop > 0 then times = sub(times, 4 * drop + 1) end
  return pack('>I4', life) .. times, life
end

local function with_rivals(value, rivals)
  local body = value and sub(value, 5, -5) or ''
  for _, rival in ipairs(rivals) do
    if not has(body, rival, 1) then body = body .. rival end
  end
  return pack('>I4', SESSION_LIFE) .. sub(body, -8 * RIVALS) .. now_bytes
end

local function count_rivals()
  local at, all, apart = hash_at[1], {}, {}
  if not at then return end
  for n = 1, there do
    local t = order[n].t
    if t.category then
      all[#all + 1] = t.category
      if t.category_extent == 3 then apart[#apart + 1] = t.category end
    end
    if t.domain then
      all[#all + 1] = t.domain
      if t.domain_extent == 3 then apart[#apart + 1] = t.domain end
    end
  end
  if all[1] then note(at, 'za', with_rivals(shown, all), SESSION_LIFE) end
  if apart[1] then note(at, 'zr', with_rivals(shown_apart, apart), SESSION_LIFE) end
end

local function count_sequences()
  for n = 1, there do
    local field = order[n].t.sequence
    if field and sequence_at then
      local value = alive(values[sequence_at][field])
      local seen = (value and number(value, 5) or 0) + 1
      note(sequence_at, field, pack('>I4I4', SEQUENCE_LIFE, seen) .. now_bytes, SEQUENCE_LIFE)
    end
  end
end

local function sweep(at)
  local all, over = ask('HGETALL', keys[at]), {}
  for n = 1, #all, 2 do
    if all[n] ~= 'm' and not alive(all[n + 1]) then over[#over + 1] = all[n] end
  end
  for n = 1, #over, 1000 do
    ask('HDEL', keys[at], unpack(over, n, min(n + 999, #over)))
  end
end

local function write(at)
  local list = written[at]
  local life, meta, expires_at, sweep_at, expires_in = list.life, values[at].m, 0, 0, nil
  if meta then expires_at, sweep_at = number(meta, 1), number(meta, 5) end
  if now + life + GRACE > expires_at then
    expires_in = life + floor(life / 8) + 2 * GRACE
    expires_at = now + expires_in
  end
  if sweep_at <= now then
    if meta then sweep(at) end
    sweep_at = now + SWEEP
  end
  local changed = pack('>I4I4', expires_at, sweep_at)
  if changed ~= meta then note(at, 'm', changed, 0) end
  ask('HSET', keys[at], unpack(list, 1, list.n))
  if expires_in then ask('EXPIRE', keys[at], expires_in) end
  list.n, list.life = 0, 0
end

local function spend()
  local n = 0
  for each = 1, there do
    local i, t = order[each].i, order[each].t
    if t.spends > 0 then
      tokens[n + 1], tokens[n + 2] = t.token, format('%.0f:%.0f', bucket_of[i], left_of[i] - t.spends)
      n = n + 2
    end
  end
  if n > 0 then ask('HSET', keys[1], unpack(tokens, 1, n)) end
end

local function remember()
  local n = count_views()
  fetch()
  for each = 1, n do
    local one = views[each]
    note(one.at, one.field, with_views(values[one.at][one.field], one))
  end
  count_sequences()
  count_rivals()
  for at = 3, #keys do
    if written[at].n > 0 then write(at) end
  end
  spend()
end

-- The function ----------------------------------------------------------------------------

-- Returns that nothing was done, and why: 1 is another version, 2 is room that is left.
local function undone(why, verdict_count)
  local told = verdict_count > 0 and char(unpack(verdicts, 1, verdict_count)) or ''
  return pack('>BBBI2', why, 0, verdict_count, 0) .. told .. (grants.v or '')
end

local function outcome(gap)
  local parts = {pack('>BBBI2', 0, there, count, gap)}
  for n = 1, there do
    local placed = order[n]
    local bucket = placed.t.spends > 0 and bucket_of[placed.i] or 0
    parts[n + 1] = pack('>BBI4', placed.i - 1, placed.c - 1, bucket)
  end
  parts[there + 2] = char(unpack(verdicts, 1, count))
  parts[there + 3] = grants.v or ''
  return table.concat(parts)
end

-- Tells whether what is paid for leaves a slot, and time for an ad of `least_ms`
-- (`decisioning/room_left.py`). House ads stand in odd tiers.
local function has_room(least_ms)
  local slots, left = max_ads, limit_ms
  for n = 1, there do
    local placed = order[n]
    if placed.t.tier % 2 == 0 then
      slots = slots - 1
      if left then left = left - placed.creative.ms end
    end
  end
  return slots > 0 and (not left or left >= least_ms)
end

-- A repeat after a lost connection must not reserve again: it gets the outcome of the first.
local function outcome_of(record)
  for _, entry in ipairs(ask('XREVRANGE', keys[2], '+', '-', 'COUNT', RECENT)) do
    if entry[2][2] == record then return entry[2][4] end
  end
end

local function begin(k, args)
  keys, packed, count, call = k, args, #args - 5, call + 1
  hash_at, grants, there, filled, earned, misplaced = {}, {}, 0, 0, 0, 0
  for n = 3, #k do
    hash_at[byte(args[4], n - 2) - 48] = n
    values[n], wishes[n].n, written[n].n, written[n].life = {}, 0, 0, 0
  end
  sequence_at = hash_at[2] or hash_at[3] or hash_at[1]
  hash_at[0], hash_at[2], hash_at[3] = sequence_at, hash_at[2] or hash_at[1], hash_at[3] or hash_at[1]
end

redis.register_function('@NAME@', function(k, args)
  if not ask then keep_libraries() end
  local limit, most, at_s, node_limit, kept, least_more = struct.unpack('>I4I4I4I4I4I4', args[1])
  begin(k, args)
  if args[5] == '1' then
    local before = outcome_of(args[3])
    if before then return before end
  end
  now, now_bytes, limit_ms, max_ads, nodes = at_s, pack('>I4', at_s), limit ~= ENDLESS and limit or nil, most, node_limit
  load_first()
  if args[2] ~= '' and grants.v and grants.v ~= args[2] then
    return undone(1, 0)
  end
  local gap = fill()
  if least_more > 0 and has_room(least_more) then
    return undone(2, count)
  end
  local reply = outcome(gap)
  if there > 0 then remember() end
  ask('XADD', keys[2], 'MAXLEN', '~', kept, '*', 'd', args[3], 'r', reply)
  return reply
end)
