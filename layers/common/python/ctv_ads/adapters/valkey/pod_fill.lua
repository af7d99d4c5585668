-- Choosing, remembering, and the function itself, the last part of the library.

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

local offered = {}

-- Offers a tier's greatest values first, from a place on; returns whether no choice can be worth
-- more, and where the next tier begins if the pod is not full before.
local function offer_by_value(from)
  local proved, at, rivals, tier = true, from, {}, nil
  while at <= count and there < max_ads do
    if at > listed then load_by_value(at, min(count, at + max_ads + AHEAD)) end
    local i = by_value[at]
    local t = terms[i]
    tier = tier or t.tier
    if t.tier ~= tier then break end
    local o, reason = option(i)
    if o then
      reason = add(i, t, o.tried)
      if reason and not gives_way(t, rivals) then proved = false end
    end
    verdicts[i], offered[i], at = reason or CHOSEN, call, at + 1
  end
  return proved, at
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

-- Puts in a choice: in rank order if the rules let it, else as it was found.
local function put_in(choice)
  ranked.n = choice.n
  for n = 1, choice.n do
    local at, i, c = n, choice.i[n], choice.c[n]
    while at > 1 and ranked.i[at - 1] > i do
      ranked.i[at], ranked.c[at] = ranked.i[at - 1], ranked.c[at - 1]
      at = at - 1
    end
    ranked.i[at], ranked.c[at] = i, c
  end
  put_back(ranked)
  if there - base < choice.n then
    take_out()
    put_back(choice)
  end
end

local function put_in_rank_order()
  for n = base + 2, there do
    if added[n].i < added[n - 1].i then
      keep(greedy)
      take_out()
      return put_in(greedy)
    end
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
  local is_tried = is_endless
  if not is_tried and greedy.n == max_ads - base then
    local n = list_prizes(first, last, max_ads + AHEAD)
    local is_better_yet, may_fit = look_at_prizes(n)
    if not is_better_yet then return best_value end
    is_tried = may_fit
    if may_fit and try_by_value(first, last, n) then return best_value end
  end
  list_options(first, last)
  if size == greedy.n or not can_be_better() then return best_value end
  return search(first, last, is_tried)
end

-- Puts a better choice in the place of the greedy one; returns the proved bound.
local function improve(first, last)
  best_value, best_time = worth()
  found.n = 0
  keep(greedy)
  take_out()
  local proved = find_better(first, last)
  put_in(found.n > 0 and found or greedy)
  if found.n > 0 then settle(first, last) end
  return proved
end

local function last_of_tier(first)
  local last, tier = first, term(first).tier
  while last < count and term(last + 1).tier == tier do last = last + 1 end
  return last
end

local function begin_tier()
  base, base_filled, base_earned = there, filled, earned
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

-- Both fill tier by tier, and return what the pod is worth and what no pod can be worth more than.

local function fill_time()
  local proved, first = 0, 1
  while first <= count and not is_full() do
    local last = last_of_tier(first)
    begin_tier()
    offer_all(first, last)
    proved, first = proved + improve(first, last), last + 1
  end
  if first <= count then offer_all(first, count) end
  return earned, proved
end

local function fill_slots()
  local proved, from = 0, 1
  while from <= count and there < max_ads do
    begin_tier()
    local is_proved, after = offer_by_value(from)
    if is_proved then
      proved = proved + earned - base_earned
      put_in_rank_order()
    else
      local last = last_of_tier(from)
      for i = from, last do
        if offered[i] ~= call then verdicts[i], offered[i] = NO_SLOT, call end
      end
      proved, after = proved + improve(from, last), last + 1
    end
    from = after
  end
  for i = 1, count do
    if offered[i] ~= call then verdicts[i] = NO_SLOT end
  end
  return earned, proved
end

-- Of who came to a full pod and is known to be refused by any, that is told.
local function tell_refusals()
  for i = 1, count do
    if refusals[i] and judged[i] == call and (verdicts[i] == NO_SLOT or verdicts[i] == NO_TIME) then
      verdicts[i] = refusals[i]
    end
  end
end

-- Returns by how many basis points the best pod could be worth more.
local function fill()
  local value, proved
  if is_endless then value, proved = fill_slots() else value, proved = fill_time() end
  retry_separated()
  tell_refusals()
  return proved > value and math.ceil((proved - value) * 10000 / proved) or 0
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

-- Those shown now stand last, unless they stand among the newest already.
local function with_rivals(value, rivals)
  local old, new = value and sub(value, 5, -5) or '', ''
  for _, rival in ipairs(rivals) do
    local newest = max(1, #old - 8 * NEWEST + 1)
    if not place_of(old, rival, newest) and not place_of(new, rival, 1) then
      local at = newest > 1 and place_of(old, rival, 1)
      if at then old = sub(old, 1, at - 1) .. sub(old, at + 8) end
      new = new .. rival
    end
  end
  return pack('>I4', SESSION_LIFE) .. sub(old, #new - 8 * RIVALS) .. new .. now_bytes
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
      local due = order[n].creative.place + 1
      note(sequence_at, field, pack('>I4I4', SEQUENCE_LIFE, due) .. now_bytes, SEQUENCE_LIFE)
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

-- Recording -----------------------------------------------------------------------------------

-- Returns how many of a stream's records a group of readers has still to carry away.
local function waiting_for(group, most)
  local told = {}
  for n = 1, #group, 2 do told[group[n]] = group[n + 1] end
  return told.lag and told.lag + told.pending or most
end

local looks = {}

-- Returns how many records are kept: `kept` beyond those that wait for the archive, `most` in all. How
-- many wait is looked up once in a while, and by then may be as many more as there were calls.
local function records_kept(kept, most)
  local stream = keys[2]
  local look = looks[stream]
  if not look or look.left == 0 then
    local waiting, groups = 0, try('XINFO', 'GROUPS', stream)
    for n = 1, groups.err and 0 or #groups do
      waiting = max(waiting, waiting_for(groups[n], most) + LOOK_EVERY)
    end
    look = {left = LOOK_EVERY, waiting = waiting}
    looks[stream] = look
  end
  look.left = look.left - 1
  return max(kept, min(most, kept + look.waiting))
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
      left = left - placed.creative.ms
    end
  end
  return slots > 0 and left >= least_ms
end

-- A repeat after a lost connection must not reserve again: it gets the outcome of the first.
local function outcome_of(record)
  for _, entry in ipairs(ask('XREVRANGE', keys[2], '+', '-', 'COUNT', RECENT)) do
    if entry[2][2] == record then return entry[2][4] end
  end
end

local function begin(k, args)
  keys, packed, count, call = k, args, #args - 6, call + 1
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
  local limit, most, at_s, node_limit, kept, kept_at_most, least_more = struct.unpack('>I4I4I4I4I4I4I4', args[1])
  begin(k, args)
  if args[5] == '1' then
    local before = outcome_of(args[3])
    if before then return before end
  end
  now, now_bytes, limit_ms, is_endless = at_s, pack('>I4', at_s), limit, limit == ENDLESS
  max_ads, nodes = most, node_limit
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
  local records = records_kept(kept, kept_at_most)
  ask('XADD', keys[2], 'MAXLEN', '~', records, 'LIMIT', CUT_AT_ONCE, '*', 'd', args[3], 'r', reply)
  return reply
end)
