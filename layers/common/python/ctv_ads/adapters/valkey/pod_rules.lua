-- Fills one break inside Valkey, atomically. `decisioning/fill_pod.py` says the same in Python
-- and explains it; a differential test holds the two together. Names here follow the names there.
-- KEYS: tokens, decision records, then the viewer's hashes.
-- ARGV: numbers, version ('' for any), record, kind of each viewer hash, '1' when repeated, where
-- slots alone count the candidates' numbers by tier and value, then the candidates.
--
-- Valkey does nothing else meanwhile, so every microsecond counts: tables that last from call to
-- call are filled anew rather than made anew, and what only some candidates need is left undone
-- until one of them asks.

local GRACE, SWEEP, SESSION_LIFE, SEQUENCE_LIFE, RIVALS, NEWEST = 120, 86400, 86400, 2592000, 1024, 512
local AHEAD, MEMO, RECENT, ENDLESS, LEAST_GAIN, LONGER = 3, 2000, 1000, 4294967295, 1000, 16777216
local LOOK_EVERY, CUT_AT_ONCE = 256, 1000
local CHOSEN, CAP_CREATIVE, NO_VIEWER, NO_TOKENS, BY_CATEGORY, BY_DOMAIN = 0, 1, 5, 6, 7, 8
local SAME_MEDIA, SAME_ITEM, NO_TIME, NO_SLOT, POSITION, OUTRANKED, NO_CREATIVE = 9, 10, 11, 12, 13, 14, 15

-- Libraries exist only while a function runs: the first call keeps what it finds.
local ask, try, byte, sub, find, match, rep, char, format, pack, floor, min, max

local memo, memo_size, call = {}, 0, 0
-- One call at a time: these are set anew by each.
local keys, packed, count, now, now_bytes, limit_ms, is_endless, max_ads, nodes
local hash_at, sequence_at, values, grants, shown, shown_apart = nil, nil, {}
-- By candidate. What a candidate was found to be holds if `read` or `judged` names this call.
local terms, read, judged, options, refusals, left_of, bucket_of, verdicts = {}, {}, {}, {}, {}, {}, {}, {}
-- The pod: `added` as they came, `order` as they play, the first `there` of each.
local added, order, there, filled, earned, misplaced = {}, {}, 0, 0, 0, 0

local function keep_libraries()
  ask, try, byte, sub, find, match = redis.call, redis.pcall, string.byte, string.sub, string.find, string.match
  rep, char, format, pack = string.rep, string.char, string.format, struct.pack
  floor, min, max = math.floor, math.min, math.max
end

local function number(value, at)
  local a, b, c, d = byte(value, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end

-- Cuts a list of values into rows of five.
local function rows(flat)
  local list = {}
  for at = 1, #flat, 5 do
    list[#list + 1] = {flat[at], flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 4]}
  end
  return list
end

-- Tells how a candidate may run that has these creatives, in the order to be tried.
local function measure(o, t, tried)
  o.t, o.tried, o.value, o.least, o.most = t, tried, t.value, math.huge, 0
  for _, c in ipairs(tried) do
    local ms = t.creatives[c].ms
    o.least, o.most = min(o.least, ms), max(o.most, ms)
  end
  o.density, o.ways = o.value / o.least, (#tried == 1 or t.sequence) and {tried}
  return o
end

-- Notes which fields of which of the viewer's hashes its rules ask for, one after the other.
local function note_fields(t)
  for _, cap in ipairs(t.caps) do
    if cap[1] ~= 1 then
      t.needs[#t.needs + 1], t.needs[#t.needs + 2] = cap[2], cap[5]
      if cap[1] > 2 then t.shared[#t.shared + 1] = cap end
    else
      t.by_creative = true
      for _, creative in ipairs(t.creatives) do
        t.needs[#t.needs + 1], t.needs[#t.needs + 2] = cap[2], creative.field
      end
    end
  end
  if t.sequence then t.needs[#t.needs + 1], t.needs[#t.needs + 2] = 0, t.sequence end
end

-- A candidate's terms; with all of its creatives they are its option as well.
local function new_term(text)
  local p = cmsgpack.unpack(text)
  local t = {token = p[1], tier = p[2], value = p[3], spends = p[4], position = p[5],
             category = p[6] ~= '' and p[6], category_extent = p[7],
             domain = p[8] ~= '' and p[8], domain_extent = p[9], sequence = p[10] ~= '' and p[10],
             fields = {[p[11]] = true, [p[12]] = true, [p[13]] = true},
             caps = rows(p[14]), counters = rows(p[15]), creatives = {}, needs = {}, shared = {},
             by_creative = false}
  local every, place = {}, {}
  for at = 1, #p[16] do place[p[16][at]] = place[p[16][at]] or at - 1 end
  for at = 1, #p[17], 3 do
    every[#every + 1] = #every + 1
    local field = p[17][at]
    t.creatives[#every] = {field = field, ms = p[17][at + 1], media = p[17][at + 2], place = place[field]}
  end
  t.turns = #p[16]
  note_fields(t)
  measure(t, t, every)
  -- By value, then by the most time: products with times stay exact.
  t.prize = t.value * LONGER + t.most
  t.is_plain = not t.by_creative and not t.sequence
  return t
end

local function term(i)
  local t = memo[packed[i + 6]]
  if not t then
    t = new_term(packed[i + 6])
    if memo_size >= MEMO then memo, memo_size = {}, 0 end
    memo[packed[i + 6]], memo_size = t, memo_size + 1
  end
  terms[i] = t
  return t
end

-- Reading ---------------------------------------------------------------------------------

local tokens, wishes = {}, {{}, {}, {n = 0}, {n = 0}, {n = 0}}

local function wish(at, field)
  local known = values[at]
  if known[field] == nil then
    known[field] = false
    local list = wishes[at]
    if list.n == 0 and known.m == nil then
      known.m, list[1], list.n = false, 'm', 1
    end
    list.n = list.n + 1
    list[list.n] = field
  end
end

local function fetch()
  for at = 3, #keys do
    local list = wishes[at]
    if list.n > 0 then
      local got, known = ask('HMGET', keys[at], unpack(list, 1, list.n)), values[at]
      for n = 1, list.n do known[list[n]] = got[n] end
      list.n = 0
    end
  end
end

-- Reads what candidates need: those of these numbers, or that stand at these places of `list`.
local function load(from, last, list)
  local n = 0
  if grants.v == nil then tokens[1], n = 'v', 1 end
  for at = from, last do
    local i = list and list[at] or at
    if read[i] ~= call then
      read[i] = call
      local t = term(i)
      if t.spends > 0 then
        n = n + 1
        tokens[n] = t.token
      end
      local needs = t.needs
      for each = 1, #needs, 2 do
        local hash = hash_at[needs[each]]
        if hash then wish(hash, needs[each + 1]) end
      end
    end
  end
  if n > 0 then
    local got = ask('HMGET', keys[1], unpack(tokens, 1, n))
    for each = 1, n do grants[tokens[each]] = got[each] end
  end
  fetch()
end

local by_value, listed = {}, 0

-- Reads what those need that stand at these places by value, as the caller has ranked them.
local function load_by_value(from, last)
  for at = from, last do by_value[at] = byte(packed[6], at) + 1 end
  listed = last
  load(from, last, by_value)
end

local function alive(value)
  if value and number(value, #value - 3) + number(value, 1) + GRACE >= now then return value end
end

-- Reads the version and what the session has shown, with what the first candidates need.
local function load_first()
  local session = hash_at[1]
  if session then
    wish(session, 'za')
    wish(session, 'zr')
  end
  local last = min(count, max_ads + AHEAD)
  if is_endless then load_by_value(1, last) else load(1, last) end
  shown = session and alive(values[session].za)
  shown_apart = session and alive(values[session].zr)
end

-- Rules -----------------------------------------------------------------------------------

local function is_reached(cap, field, already)
  local wanted = cap[3] - already
  if wanted <= 0 then return true end
  local at = hash_at[cap[2]]
  local value = at and values[at][field]
  if not value or #value < 4 * (wanted + 1) or not alive(value) then return false end
  return cap[4] == 0 or number(value, #value - 4 * wanted + 1) >= now - cap[4]
end

-- Returns where `rival` is one of the eights of bytes from a place on, or nothing.
local function place_of(value, rival, from)
  local at = find(value, rival, from, true)
  while at and (at - from) % 8 ~= 0 do at = find(value, rival, at + 1, true) end
  return at
end

local function is_shown(rival, extent)
  local value = shown_apart
  if extent == 3 then value = shown end
  return rival and value and place_of(value, rival, 5)
end

-- Reads a grant; returns what is left of it, or -1 if it is none.
local function remaining(i, t)
  local bucket, left = match(grants[t.token] or '', '^(%d+):(%d+)$')
  bucket_of[i], left_of[i] = tonumber(bucket), tonumber(left or -1)
  return left_of[i]
end

-- Returns the creatives: of a sequence first the one that is due, or comes next and fits.
local function in_turn(t)
  if not t.sequence or not sequence_at then return t.tried end
  local value, list, ahead = alive(values[sequence_at][t.sequence]), {}, {}
  local due = value and number(value, 5) or 0
  for c, creative in ipairs(t.creatives) do
    local at, turns = c, (creative.place - due) % t.turns
    while at > 1 and turns < ahead[at - 1] do
      list[at], ahead[at] = list[at - 1], ahead[at - 1]
      at = at - 1
    end
    list[at], ahead[at] = c, turns
  end
  return list
end

-- Returns the creatives that are not capped, in the order to be tried.
local function usable(t)
  if t.is_plain then return t.tried end
  local list = {}
  for _, c in ipairs(in_turn(t)) do
    local capped = false
    if t.by_creative then
      for _, cap in ipairs(t.caps) do
        if cap[1] == 1 and is_reached(cap, t.creatives[c].field, 0) then capped = true end
      end
    end
    if not capped then list[#list + 1] = c end
  end
  return list
end

local function standing(i, t, tried)
  if t.spends > 0 and remaining(i, t) < t.spends then return NO_TOKENS end
  local caps = t.caps
  for n = 1, #caps do
    local cap = caps[n]
    if not hash_at[cap[2]] then return NO_VIEWER end
    if cap[1] ~= 1 and is_reached(cap, cap[5], 0) then return cap[1] end
  end
  if is_shown(t.category, t.category_extent) then return BY_CATEGORY end
  if is_shown(t.domain, t.domain_extent) then return BY_DOMAIN end
  if not tried[1] then return t.creatives[1] and CAP_CREATIVE or NO_CREATIVE end
end

-- Returns how a candidate may run, or nothing and what forbids it in any pod.
local function option(i)
  if judged[i] ~= call then
    if read[i] ~= call then load(i, min(count, i + max_ads + AHEAD)) end
    local t = terms[i]
    local tried = usable(t)
    judged[i], refusals[i], options[i] = call, standing(i, t, tried), nil
    if not refusals[i] then options[i] = tried == t.tried and t or measure({}, t, tried) end
  end
  return options[i], refusals[i]
end
