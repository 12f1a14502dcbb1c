import Testing
import Tracing

@testable import ServiceTracing

@Suite struct AttributesTests {
    @Test func `attributes keep the order in which they were first set, one a key`() {
        var attributes: Attributes = ["b": 1, "a": "x", "b": 2.5]
        attributes["c"] = true
        attributes["a"] = .strings(["y"])
        #expect(attributes.all.map(\.key) == ["b", "a", "c"])
        #expect(attributes["b"] == .double(2.5))
        #expect(attributes["a"] == .strings(["y"]))
        #expect(attributes["absent"] == nil)
        #expect(attributes.dropped == 0)
    }

    @Test func `setting nil removes`() {
        var attributes: Attributes = ["a": 1, "b": 2]
        attributes["a"] = nil
        attributes["absent"] = nil
        #expect(attributes == ["b": 2])
    }

    @Test func `128 are kept, the rest is refused and counted, replacing still works`() {
        var attributes = Attributes()
        for index in 0..<130 { attributes["k\(index)"] = .int(index) }
        #expect(attributes.all.count == 128)
        #expect(attributes.dropped == 2)
        attributes["k0"] = "replaced"
        #expect(attributes["k0"] == "replaced")
        #expect(attributes.dropped == 2)
        attributes["k1"] = nil
        attributes["late"] = 1
        #expect(attributes["late"] == 1)
    }

    @Test func `merging counts what was refused on either side`() {
        var full = Attributes()
        for index in 0..<130 { full["k\(index)"] = .int(index) }
        var attributes: Attributes = ["own": 1]
        attributes.merge(full)
        #expect(attributes.all.count == 128)
        #expect(attributes.dropped == 3)
    }

    @Test func `an attribute needs a name`() {
        var attributes: Attributes = ["": 1]
        attributes[""] = nil
        #expect(attributes.all.isEmpty)
        #expect(attributes.dropped == 1)
    }

    @Test(arguments: ["x", "é", "€", "😀"])
    func `a long text is cut within 4096 bytes and between characters`(unit: String) {
        let attributes: Attributes = ["k": .string("ab" + String(repeating: unit, count: 5000))]
        guard case .string(let text)? = attributes["k"] else {
            Issue.record("a text is expected")
            return
        }
        #expect((4093...4096).contains(text.utf8.count))
        #expect(!text.contains("\u{fffd}"))
        #expect(text.hasPrefix("ab" + unit))
        let exact = String(repeating: unit, count: 4096 / unit.utf8.count)
        #expect((["k": .string(exact)] as Attributes)["k"] == .string(exact))
    }

    @Test func `texts in an array are cut too`() {
        let attributes: Attributes = ["k": .strings(["short", String(repeating: "x", count: 5000)])]
        #expect(attributes["k"] == .strings(["short", String(repeating: "x", count: 4096)]))
    }

    @Test func `every kind of value of swift-distributed-tracing has its own here, and back`() {
        let theirs: SpanAttributes = [
            "a": .int32(1), "b": .int64(2), "c": .int32Array([3]), "d": .int64Array([4]), "e": .double(5),
            "f": .doubleArray([6]), "g": .bool(true), "h": .boolArray([false]), "i": .string("s"),
            "j": .stringArray(["t"]), "k": .stringConvertible(7), "l": .stringConvertibleArray([8, "u"]),
        ]
        let ours: Attributes = [
            "a": 1, "b": 2, "c": .ints([3]), "d": .ints([4]), "e": 5.0, "f": .doubles([6]), "g": true,
            "h": .bools([false]), "i": "s", "j": .strings(["t"]), "k": "7", "l": .strings(["8", "u"]),
        ]
        #expect(Attributes(theirs) == ours, "in the keys' order")
        #expect(Attributes(SpanAttributes(ours)) == ours)
    }

    @Test func `a resource is named, if only unknown_service`() {
        let unnamed = Resource(attributes: ["host.name": "laptop"])
        #expect(unnamed.serviceName == "unknown_service")
        #expect(unnamed.attributes == ["host.name": "laptop", "service.name": "unknown_service"])
        #expect(Resource(attributes: ["service.name": "cart"]).serviceName == "cart")
        #expect(Resource(attributes: ["service.name": 7]).attributes["service.name"] == "unknown_service")
    }
}
