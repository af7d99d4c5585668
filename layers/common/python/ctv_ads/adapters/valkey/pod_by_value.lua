-- The greatest values of a tier, one for each slot (`decisioning/pod_by_value.py`).

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

-- Returns the creatives of an option, the longest first, equals as they came; those of a sequence as
-- they are due.
local function longest_first(o)
  if o.t.sequence then return o.tried end
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
