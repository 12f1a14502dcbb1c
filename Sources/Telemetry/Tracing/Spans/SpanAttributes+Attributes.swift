import Tracing

extension Attributes {
    /// From swift-distributed-tracing's dictionary, in the keys' order so that the result is the same every time.
    init(_ attributes: SpanAttributes) {
        self.init()
        replace(with: attributes)
    }

    /// Makes these the dictionary's attributes: those that stay keep their place, new ones follow in the keys' order.
    mutating func replace(with attributes: SpanAttributes) {
        for attribute in all where attributes.get(attribute.key) == nil { self[attribute.key] = nil }
        var pairs: [(String, AttributeValue)] = []
        attributes.forEach { key, value in pairs.append((key, AttributeValue(value))) }
        for (key, value) in pairs.sorted(by: { $0.0 < $1.0 }) { self[key] = value }
    }
}

extension SpanAttributes {
    init(_ attributes: Attributes) {
        self.init([:])
        for attribute in attributes.all { set(attribute.key, value: SpanAttribute(attribute.value)) }
    }
}

extension AttributeValue {
    init(_ value: SpanAttribute) {
        switch value {
        case .int32(let value): self = .int(Int64(value))
        case .int64(let value): self = .int(value)
        case .int32Array(let values): self = .ints(values.map(Int64.init))
        case .int64Array(let values): self = .ints(values)
        case .double(let value): self = .double(value)
        case .doubleArray(let values): self = .doubles(values)
        case .bool(let value): self = .bool(value)
        case .boolArray(let values): self = .bools(values)
        case .string(let value): self = .string(value)
        case .stringArray(let values): self = .strings(values)
        case .stringConvertible(let value): self = .string(value.description)
        case .stringConvertibleArray(let values): self = .strings(values.map(\.description))
        default: self = .string(String(describing: value))
        }
    }
}

extension SpanAttribute {
    init(_ value: AttributeValue) {
        switch value {
        case .string(let value): self = .string(value)
        case .int(let value): self = .int64(value)
        case .double(let value): self = .double(value)
        case .bool(let value): self = .bool(value)
        case .strings(let values): self = .stringArray(values)
        case .ints(let values): self = .int64Array(values)
        case .doubles(let values): self = .doubleArray(values)
        case .bools(let values): self = .boolArray(values)
        }
    }
}
