#!lua name=ctv_grants

-- What decisions may spend: one hash per shard, field <line item> = "<bucket>:<remaining>".
-- Numbers of buckets of one line item only grow, so a call that comes late changes nothing.

local function bucket_of(held)
    return tonumber(string.sub(held, 1, string.find(held, ':', 1, true) - 1))
end

-- ARGV: line item, bucket, amount, and so on. Replaces what each line item holds and answers what
-- it held ("" is nothing); "!" says that it holds a newer bucket. The same bucket is the same call
-- again, after its reply was lost: it is not filled anew, and what it replaced is not known.
local function grant(keys, args)
    local replies = {}
    for i = 1, #args, 3 do
        local held = redis.call('HGET', keys[1], args[i])
        local newer = held and bucket_of(held) - tonumber(args[i + 1]) or -1
        if newer > 0 then
            replies[#replies + 1] = '!'
        elseif newer == 0 then
            replies[#replies + 1] = ''
        else
            redis.call('HSET', keys[1], args[i], args[i + 1] .. ':' .. args[i + 2])
            replies[#replies + 1] = held or ''
        end
    end
    return replies
end

-- ARGV: line item, newest bucket ever numbered, and so on. Leaves nothing, and keeps the number, so
-- that a grant that is still on its way is refused. Answers as above.
local function take_back(keys, args)
    local replies = {}
    for i = 1, #args, 2 do
        local held = redis.call('HGET', keys[1], args[i])
        if held and bucket_of(held) > tonumber(args[i + 1]) then
            replies[#replies + 1] = '!'
        else
            redis.call('HSET', keys[1], args[i], args[i + 1] .. ':0')
            replies[#replies + 1] = held or ''
        end
    end
    return replies
end

redis.register_function('ctv_tokens_grant', grant)
redis.register_function('ctv_tokens_take_back', take_back)
