-- The pod while it is being filled (`decisioning/pod_draft.py`).

local function is_full()
  if there >= max_ads then return NO_SLOT end
  if filled == limit_ms then return NO_TIME end
end

-- Returns how far two are to be kept apart, or nothing, and by what they are rivals.
local function rivalry(one, other)
  local by_category, by_domain = 0, 0
  if one.category and one.category == other.category then
    by_category = max(one.category_extent, other.category_extent)
  end
  if one.domain and one.domain == other.domain then
    by_domain = max(one.domain_extent, other.domain_extent)
  end
  if by_domain > by_category then return by_domain, BY_DOMAIN end
  return by_category, BY_CATEGORY
end

-- Returns what keeps it out of this pod, or nothing and whether a rival may not be beside it.
local function refuse(t)
  local token, category, domain, reason, is_rival = t.token, t.category, t.domain, nil, false
  for n = 1, there do
    local other = added[n].t
    if other.token == token then return SAME_ITEM end
    if category and other.category == category or domain and other.domain == domain then
      local extent, why = rivalry(t, other)
      if extent >= 2 then reason = reason or why end
      if extent > 0 then is_rival = true end
    end
  end
  local shared = t.shared
  for at = 1, #shared do
    local cap, already = shared[at], 0
    for n = 1, there do
      if added[n].t.fields[cap[5]] then already = already + 1 end
    end
    if already > 0 and is_reached(cap, cap[5], already) then return cap[1] end
  end
  return reason, is_rival
end

local function refuse_creative(t, creative)
  if creative.ms > limit_ms - filled then return NO_TIME end
  local already, media = 0, creative.media
  for n = 1, there do
    local other = added[n].creative
    if other.media == media and media ~= '' then return SAME_MEDIA end
    if other.field == creative.field then already = already + 1 end
  end
  if already > 0 and t.by_creative then
    for _, cap in ipairs(t.caps) do
      if cap[1] == 1 and is_reached(cap, creative.field, already) then return CAP_CREATIVE end
    end
  end
end

local function beside_rival(t, at)
  for n = max(at - 1, 1), min(at, there) do
    local extent, reason = rivalry(t, order[n].t)
    if extent > 0 then return reason end
  end
end

-- Returns where it plays and what pins it there, or nothing and why it cannot.
local function place(t, is_rival)
  local wanted, reason = t.position, POSITION
  local first_taken = there > 0 and order[1].pin == 1
  local last_taken = there > 0 and order[there].pin == 2
  if wanted == 0 then
    local last = last_taken and there or there + 1
    if not is_rival and last >= (first_taken and 2 or 1) then return last, 0 end
    for at = last, first_taken and 2 or 1, -1 do
      reason = beside_rival(t, at)
      if not reason then return at, 0 end
    end
    return nil, reason or POSITION
  end
  if wanted ~= 2 and not first_taken then
    reason = beside_rival(t, 1)
    if not reason then return 1, 1 end
  end
  if wanted ~= 1 and not last_taken then
    reason = beside_rival(t, there + 1)
    if not reason then return there + 1, 2 end
  end
  return nil, reason
end

-- Puts in the first of the creatives that fits, or returns why none does. Not for a full pod.
local function add(i, t, tried)
  local refused, is_rival = refuse(t)
  if refused then return refused end
  local c, why
  for n = 1, #tried do
    local no = refuse_creative(t, t.creatives[tried[n]])
    if not no then
      c = tried[n]
      break
    end
    why = why or no
  end
  if not c then return why end
  local at, pin = place(t, is_rival)
  if not at then
    misplaced = misplaced + 1
    return pin
  end
  there = there + 1
  local placed = added[there]
  if not placed then
    placed = {i = 0, t = t, c = 0, creative = t, pin = 0}
    added[there] = placed
  end
  placed.i, placed.t, placed.c, placed.creative, placed.pin = i, t, c, t.creatives[c], pin
  for n = there, at + 1, -1 do order[n] = order[n - 1] end
  order[at] = placed
  filled, earned = filled + placed.creative.ms, earned + t.value
end

local function remove_last()
  local placed, n = added[there], there
  while order[n] ~= placed do n = n - 1 end
  for at = n, there - 1 do order[at] = order[at + 1] end
  there, filled, earned = there - 1, filled - placed.creative.ms, earned - placed.t.value
end

-- The best choice yet ------------------------------------------------------------------------

-- A tier begins with `base` ads there. The greedy choice comes first; `found` is one that is better,
-- and `found.n` is 0 where there is none.
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

-- In a break without a length time is worth nothing.
local function worth()
  return earned - base_earned, is_endless and 0 or filled - base_filled
end

local function keep_better()
  local value, time = worth()
  if is_better(value, time, best_value, best_time) then
    best_value, best_time = value, time
    keep(found)
  end
end

local function take_out()
  while there > base do remove_last() end
end
