-- Looking for a better choice within one tier (`decisioning/pod_search.py`).

-- The options of a search by density, or where time costs nothing by value, greatest first: candidates, how they run, and from each
-- place on the greatest value and length; and up to each the values and least times of all.
local size, list, ways_to_run, keys_of = 0, {}, {}, {}
local most_from, longest_from, value_to, time_to = {}, {}, {[0] = 0}, {[0] = 0}
local top_value, top_time, users, groups_of
local left_out = {}

-- Lists who may run, for all that is known yet; those left out are not.
local function list_options(first, last)
  size = 0
  for i = first, last do
    local o = terms[i]
    if judged[i] == call then o = options[i] end
    if o and o.tried[1] and left_out[i] ~= call then
      size = size + 1
      local at, key = size, is_endless and o.value or o.density
      while at > 1 and key > keys_of[at - 1] do
        list[at], ways_to_run[at], keys_of[at] = list[at - 1], ways_to_run[at - 1], keys_of[at - 1]
        at = at - 1
      end
      list[at], ways_to_run[at], keys_of[at] = i, o, key
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
  if is_endless then return value_to[min(size, start - 1 + slots)] - value_to[start - 1], 0 end
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
    local key = (is_endless and 0 or creative.ms) .. ' ' .. film .. ' ' .. capped
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
  local value, time = worth()
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
  if not is_endless then try_greedily(rates[1]) end
  if not is_tried_by_value then try_greedily(0) end
  leave_out()
  list_options(first, last)
  if not all_may_run() then list_options(first, last) end
  if not can_be_better() then return best_value end
  local before = misplaced
  users, groups_of = nil, {}
  branch(1)
  return nodes > 0 and misplaced == before and best_value or top_value
end
