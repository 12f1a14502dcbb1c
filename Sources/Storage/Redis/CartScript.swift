import Commerce
import RedisClient

/// A cart in Redis: a hash with a field a line, `at` (when it was last changed, in milliseconds since 1970) and `next`
/// (how many lines it has ever had), and beside it a sorted set of the ids of the changes it has seen.
///
/// A line's field is the product's number, its value `place quantity price currency name`. Both keys expire a day after
/// the last change. Redis executes a script whole and alone, so concurrent changes all count, and a change's id is
/// recorded if and only if the change was made.
enum CartScript {
    /// How many ids of changes are remembered a cart: many more than can be on their way at once.
    static let mostChanges = 1024

    static let script = RedisScript(
        """
        local cart, changes = KEYS[1], KEYS[2]
        local kind, change, now, lifetime, most_changes = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
        local product, quantity, rest, most, most_lines = ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
        local function answer(status) return {status, redis.call('HGETALL', cart)} end
        if redis.call('ZSCORE', changes, change) then return answer(0) end
        local changed = true
        if kind == 'add' then
            local line = redis.call('HGET', cart, product)
            if line then
                local place, held, known = string.match(line, '^(%d+) (%d+) (.*)$')
                if not place then return answer(3) end
                local sum = held + quantity
                if sum > tonumber(most) then return answer(1) end
                redis.call('HSET', cart, product, place .. ' ' .. string.format('%d', sum) .. ' ' .. known)
            else
                if redis.call('HLEN', cart) - 2 >= tonumber(most_lines) then return answer(2) end
                local place = redis.call('HINCRBY', cart, 'next', 1)
                redis.call('HSET', cart, product, place .. ' ' .. quantity .. ' ' .. rest)
            end
        elseif kind == 'remove' then
            changed = redis.call('HDEL', cart, product) == 1
        elseif kind == 'take' then
            changed = false
            for index = 6, #ARGV, 2 do
                local line = redis.call('HGET', cart, ARGV[index])
                if line then
                    local place, held, known = string.match(line, '^(%d+) (%d+) (.*)$')
                    if not place then return answer(3) end
                    local left = held - ARGV[index + 1]
                    if left > 0 then
                        redis.call('HSET', cart, ARGV[index], place .. ' ' .. string.format('%d', left) .. ' ' .. known)
                    else
                        redis.call('HDEL', cart, ARGV[index])
                    end
                    changed = true
                end
            end
            if redis.call('HLEN', cart) <= 2 then
                redis.call('DEL', cart)
                changed = false
            end
        else
            redis.call('DEL', cart)
            changed = false
        end
        if changed then
            redis.call('HSET', cart, 'at', now)
            redis.call('PEXPIRE', cart, lifetime)
        end
        local newest = redis.call('ZREVRANGE', changes, 0, 0, 'WITHSCORES')
        redis.call('ZADD', changes, (newest[2] or 0) + 1, change)
        redis.call('ZREMRANGEBYRANK', changes, 0, -1 - most_changes)
        redis.call('PEXPIRE', changes, lifetime)
        return answer(0)
        """
    )

    static func keys(_ id: CartID) -> [[UInt8]] { [key(id), Array("popshop:cart-changes:\(id.rawValue)".utf8)] }

    static func key(_ id: CartID) -> [UInt8] { Array("popshop:cart:\(id.rawValue)".utf8) }

    static func arguments(_ change: CartChange, now: Int64, lifetime: Int64) -> [[UInt8]] {
        let common = [change.kind.name, change.id, "\(now)", "\(lifetime)", "\(mostChanges)"]
        return (common + own(change.kind)).map { Array($0.utf8) }
    }

    private static func own(_ kind: CartChange.Kind) -> [String] {
        switch kind {
        case .clear: []
        case .remove(let product): ["\(product.rawValue)"]
        case .take(let pieces): pieces.flatMap { ["\($0.productID.rawValue)", "\($0.quantity)"] }
        case .add(let line):
            [
                "\(line.productID.rawValue)", "\(line.quantity)",
                "\(line.price.minorUnits) \(line.price.currency.rawValue) \(line.productName)",
                "\(Quantity.range.upperBound)", "\(Cart.maximumLines)",
            ]
        }
    }
}

extension CartChange.Kind {
    /// As the script and `popshop.cart.change` on spans have it.
    var name: String {
        switch self {
        case .add: "add"
        case .remove: "remove"
        case .take: "take"
        case .clear: "clear"
        }
    }
}
