-- Fills one break inside Valkey, atomically. `decisioning/fill_pod.py` says the same in Python
-- and explains it; a differential test holds the two together. Names here follow the names there.
-- KEYS: tokens, decision records, then the viewer's hashes.
-- ARGV: numbers, version ('' for any), record, kind of each viewer hash, '1' when repeated,
-- then the candidates. Libraries such as `struct` exist only while a function runs.

local GRACE, SWEEP, SESSION_LIFE, SEQUENCE_LIFE, RIVALS = 120, 86400, 86400, 2592000, 64
local CHUNK, MEMO, RECENT, ENDLESS, LEAST_GAIN = 8, 2000, 1000, 4294967295, 1000
local CHOSEN, CAP_CREATIVE, NO_VIEWER, NO_TOKENS, BY_CATEGORY, BY_DOMAIN = 0, 1, 5, 6, 7, 8
local SAME_MEDIA, SAME_ITEM, NO_TIME, NO_SLOT, POSITION, OUTRANKED, NO_CREATIVE = 9, 10, 11, 12, 13, 14, 15

local memo, memo_size, call = {}, 0, 0
-- One call at a time: these are set anew by each.
local keys, packed, count, now, limit_ms, max_ads, nodes
local hash_at, sequence_at, values, grants, loaded
local terms, options, verdicts, added, order, filled, best_value, best_time, found, base
local top_value, top_time, misplaced, users

local function number(value, at)
  return (struct.unpack('>I4', value, at))
end

local function term(i)
  local t = terms[i]
  if t then return t end
  t = memo[packed[i]]
  if not t then
    local p = cmsgpack.unpack(packed[i])
    t = {token = p[1], tier = p[2], value = p[3], spends = p[4], position = p[5], category = p[6],
         category_extent = p[7], domain = p[8], domain_extent = p[9], sequence = p[10],
         fields = {[p[11]] = true, [p[12]] = true, [p[13]] = true},
         caps = {}, counters = {}, creatives = {}, by_creative = false}
    for at = 1, #p[14], 5 do
      local c = {p[14][at], p[14][at + 1], p[14][at + 2], p[14][at + 3], p[14][at + 4]}
      t.caps[#t.caps + 1] = c
      if c[1] == 1 then t.by_creative = true end
    end
    for at = 1, #p[15], 5 do
      t.counters[#t.counters + 1] = {p[15][at], p[15][at + 1], p[15][at + 2], p[15][at + 3], p[15][at + 4]}
    end
    for at = 1, #p[16], 3 do
      t.creatives[#t.creatives + 1] = {field = p[16][at], ms = p[16][at + 1], media = p[16][at + 2]}
    end
    t.every, t.least, t.most = {}, math.huge, 0
    for n, creative in ipairs(t.creatives) do
      t.every[n], t.least, t.most = n, math.min(t.least, creative.ms), math.max(t.most, creative.ms)
    end
    if memo_size >= MEMO then memo, memo_size = {}, 0 end
    memo[packed[i]], memo_size = t, memo_size + 1
  end
  terms[i] = t
  return t
end

-- Reading ---------------------------------------------------------------------------------

local function wish(wanted, at, field)
  if at and values[at][field] == nil then
    local list = wanted[at]
    if not list then
      list = {}
      wanted[at] = list
    end
    values[at][field] = false
    list[#list + 1] = field
  end
end

local function fetch(wanted)
  for at, list in pairs(wanted) do
    local got = redis.call('HMGET', keys[at], unpack(list))
    local known = values[at]
    for n = 1, #list do known[list[n]] = got[n] end
  end
end

-- Reads what the next candidates need, to the one numbered `last` and some more at once.
local function load(last)
  last = math.min(count, math.max(last, loaded + CHUNK))
  local wanted, tokens, paying = {}, {}, {}
  if loaded == 0 then tokens[1] = 'v' end
  for i = loaded + 1, last do
    local t = term(i)
    if t.spends > 0 then
      tokens[#tokens + 1] = t.token
    end
    for _, c in ipairs(t.caps) do
      local at = hash_at[c[2]]
      if c[1] ~= 1 then
        wish(wanted, at, c[5])
      else
        for _, creative in ipairs(t.creatives) do wish(wanted, at, creative.field) end
      end
    end
    if t.sequence ~= '' then wish(wanted, sequence_at, t.sequence) end
  end
  if loaded == 0 then
    wish(wanted, hash_at[1], 'za')
    wish(wanted, hash_at[1], 'zr')
  end
  for at in pairs(wanted) do wish(wanted, at, 'm') end
  if #tokens > 0 then
    local got = redis.call('HMGET', keys[1], unpack(tokens))
    for n = 1, #tokens do grants[tokens[n]] = got[n] end
  end
  fetch(wanted)
  loaded = last
end

local function alive(value)
  if value and number(value, #value - 3) + number(value, 1) + GRACE >= now then return value end
end

-- Rules -----------------------------------------------------------------------------------

local function is_reached(cap, field, already)
  local wanted = cap[3] - already
  if wanted <= 0 then return true end
  local at = hash_at[cap[2]]
  local value = at and alive(values[at][field])
  if not value or #value < 4 * (wanted + 1) then return false end
  return cap[4] == 0 or number(value, #value - 4 * wanted + 1) >= now - cap[4]
end

local function has(value, rival)
  for at = 5, #value - 11, 8 do
    if string.sub(value, at, at + 7) == rival then return true end
  end
  return false
end

local function is_shown(rival, extent)
  local at = hash_at[1]
  if rival == '' or not at then return false end
  local value = alive(values[at][extent == 3 and 'za' or 'zr'])
  return value and has(value, rival)
end

local function remaining(token)
  local bucket, left = string.match(grants[token] or '', '^(%d+):(%d+)$')
  return tonumber(left or -1), tonumber(bucket)
end

-- Returns the creatives that are not capped, in the order to be tried.
local function usable(t)
  if not t.by_creative and t.sequence == '' then return t.every end
  local list, n, start = {}, #t.creatives, 0
  if t.sequence ~= '' and sequence_at then
    local value = alive(values[sequence_at][t.sequence])
    if value then start = number(value, 5) end
  end
  for step = 0, n - 1 do
    local c, capped = (start + step) % n + 1, false
    if t.by_creative then
      for _, cap in ipairs(t.caps) do
        if cap[1] == 1 and is_reached(cap, t.creatives[c].field, 0) then capped = true end
      end
    end
    if not capped then list[#list + 1] = c end
  end
  return list
end

local function standing(t, creatives)
  if t.spends > 0 and remaining(t.token) < t.spends then return NO_TOKENS end
  for _, cap in ipairs(t.caps) do
    if not hash_at[cap[2]] then return NO_VIEWER end
    if cap[1] ~= 1 and is_reached(cap, cap[5], 0) then return cap[1] end
  end
  if is_shown(t.category, t.category_extent) then return BY_CATEGORY end
  if is_shown(t.domain, t.domain_extent) then return BY_DOMAIN end
  if #creatives == 0 then return #t.creatives > 0 and CAP_CREATIVE or NO_CREATIVE end
end

local function make_option(i, creatives)
  local t = term(i)
  local whole = creatives == t.every and t.whole
  -- That of all creatives is kept with the terms, for one candidate of each call.
  if whole and (whole.call ~= call or whole.i == i) then
    if whole.call ~= call then whole.call, whole.i, whole.ways = call, i, false end
    return whole
  end
  -- With room at once for all that it is to know: a table that grows is made anew.
  local o = {i = i, t = t, creatives = creatives, least = t.least, most = t.most, value = t.value,
             key = 0, most_value = 0, longest = 0, ways = false, call = call}
  if creatives == t.every and not whole then
    t.whole = o
  elseif #creatives < #t.creatives then
    o.least, o.most = math.huge, 0
    for _, c in ipairs(creatives) do
      o.least, o.most = math.min(o.least, t.creatives[c].ms), math.max(o.most, t.creatives[c].ms)
    end
  end
  return o
end

-- Returns how a candidate may run, or nothing and what forbids it in any pod.
local function option(i)
  local known = options[i]
  if known == nil then
    if i > loaded then load(i) end
    local t = term(i)
    local creatives = usable(t)
    known = standing(t, creatives) or make_option(i, creatives)
    options[i] = known
  end
  if type(known) == 'number' then return nil, known end
  return known
end

-- The draft -------------------------------------------------------------------------------

local function is_full()
  if #added >= max_ads then return NO_SLOT end
  if limit_ms and filled == limit_ms then return NO_TIME end
end

-- Returns how far two are to be kept apart, or nothing, and by what they are rivals.
local function rivalry(one, other)
  local same_category = one.category ~= '' and one.category == other.category
  local same_domain = one.domain ~= '' and one.domain == other.domain
  if not same_category and not same_domain then return 0 end
  local by_category, by_domain = 0, 0
  if same_category then by_category = math.max(one.category_extent, other.category_extent) end
  if same_domain then by_domain = math.max(one.domain_extent, other.domain_extent) end
  if by_domain > by_category then return by_domain, BY_DOMAIN end
  return by_category, BY_CATEGORY
end

local function refuse(t)
  local there = #added
  if there == 0 then return nil end
  for n = 1, there do
    if added[n].t.token == t.token then return SAME_ITEM end
  end
  for at = 1, #t.caps do
    local cap, already = t.caps[at], 0
    for n = 1, there do
      if added[n].t.fields[cap[5]] then already = already + 1 end
    end
    if already > 0 and is_reached(cap, cap[5], already) then return cap[1] end
  end
  for n = 1, there do
    local extent, reason = rivalry(t, added[n].t)
    if extent >= 2 then return reason end
  end
end

local function refuse_creative(t, creative)
  if limit_ms and creative.ms > limit_ms - filled then return NO_TIME end
  local already = 0
  for n = 1, #added do
    local other = added[n].creative
    if creative.media ~= '' and other.media == creative.media then return SAME_MEDIA end
    if other.field == creative.field then already = already + 1 end
  end
  if already > 0 then
    for _, cap in ipairs(t.caps) do
      if cap[1] == 1 and is_reached(cap, creative.field, already) then return CAP_CREATIVE end
    end
  end
end

local function beside_rival(t, at)
  for n = at - 1, at do
    local placed = order[n]
    if placed then
      local extent, reason = rivalry(t, placed.t)
      if extent > 0 then return reason end
    end
  end
end

-- Returns where it plays and what pins it there, or nothing and why it cannot.
local function place(t)
  local n, wanted, reason = #order, t.position, POSITION
  local first_taken = n > 0 and order[1].pin == 1
  local last_taken = n > 0 and order[n].pin == 2
  if wanted == 0 then
    for at = last_taken and n or n + 1, first_taken and 2 or 1, -1 do
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
    reason = beside_rival(t, n + 1)
    if not reason then return n + 1, 2 end
  end
  return nil, reason
end

local function add(i, t, creatives)
  local reason = is_full() or refuse(t)
  if reason then return reason end
  local chosen, why
  for n = 1, #creatives do
    local c = creatives[n]
    local no = refuse_creative(t, t.creatives[c])
    if not no then
      chosen = c
      break
    end
    why = why or no
  end
  if not chosen then return why end
  local at, pin = place(t)
  if not at then
    misplaced = misplaced + 1
    return pin
  end
  local creative = t.creatives[chosen]
  local placed = {i = i, t = t, c = chosen, creative = creative, pin = pin}
  added[#added + 1] = placed
  if at > #order then order[at] = placed else table.insert(order, at, placed) end
  filled = filled + creative.ms
end

local function remove_last()
  local placed = table.remove(added)
  for n = #order, 1, -1 do
    if order[n] == placed then
      table.remove(order, n)
      break
    end
  end
  filled = filled - placed.creative.ms
  return placed
end

local function worth(from)
  local value, time = 0, 0
  for n = from + 1, #added do
    value, time = value + added[n].t.value, time + added[n].creative.ms
  end
  return value, time
end
