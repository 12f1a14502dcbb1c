import Testing

@testable import ServiceTracing

@Suite struct BaggageTests {
    private func read(_ headers: String...) -> Baggage { Baggage(headers: headers) }

    @Test func `members are read in order, from several headers, without white space`() {
        let baggage = read("userId =   alice", " serverNode = DF%2028 , isProduction = false\t")
        #expect(baggage.members.map(\.key) == ["userId", "serverNode", "isProduction"])
        #expect(baggage.members.map(\.value) == ["alice", "DF 28", "false"])
        #expect(baggage.header == "userId=alice,serverNode=DF%2028,isProduction=false")
    }

    @Test func `an equals sign may stand in a value`() {
        #expect(read("token=a=b==")["token"] == "a=b==")
        #expect(read("token=a=b==").header == "token=a=b==")
        #expect(read("a==")["a"] == "=")
    }

    @Test func `a value may be empty`() {
        #expect(read("a=,b= ").members.map(\.value) == ["", ""])
        #expect(read("a=").header == "a=")
    }

    @Test func `properties travel as they came`() {
        let baggage = read("a=1;p1;\tp2 = x; p3=%20,b=2;,c=3")
        #expect(baggage.members.map(\.properties) == ["p1;\tp2 = x; p3=%20", "", ""])
        #expect(baggage.header == "a=1;p1;\tp2 = x; p3=%20,b=2,c=3")
    }

    @Test func `what would break a header is percent-encoded`() {
        var baggage = Baggage()
        baggage["k"] = "a,b;c\"d\\e f\r\n%é😀="
        let expected = "k=a%2Cb%3Bc%22d%5Ce%20f%0D%0A%25%C3%A9%F0%9F%98%80="
        #expect(baggage.header == expected)
        #expect(read(expected) == baggage)
    }

    @Test(arguments: [
        ("%", "%"), ("%%", "%%"), ("%4", "%4"), ("%zz", "%zz"), ("%4g", "%4g"), ("%%41", "%A"), ("%41%", "A%"),
        ("%e2%82%ac", "€"), ("%E2%82%AC", "€"), ("%+1", "%+1"), ("a+b", "a+b"), ("%2525", "%25"), ("%00", "\0"),
    ])
    func `a percent sign without two hex digits stands for itself`(encoded: String, decoded: String) {
        #expect(read("k=\(encoded)")["k"] == decoded)
    }

    @Test(arguments: [("%FF", "\u{fffd}"), ("%E2%82", "\u{fffd}"), ("a%C0%80b", "a\u{fffd}\u{fffd}b")])
    func `bytes that are not UTF-8 become the replacement character`(encoded: String, decoded: String) {
        #expect(read("k=\(encoded)")["k"] == decoded)
    }

    @Test(arguments: [
        "nonsense", "=1", " =1", "a b=1", "é=1", "a=é", "a=b c", "a=\"1\"", "a=1\\", "(a)=1", "a=1;p\u{7f}", "\0=1",
    ])
    func `a malformed member is left out and the others stay`(member: String) {
        #expect(read("x=1,\(member),y=2").header == "x=1,y=2")
    }

    @Test func `empty headers and members are nothing`() {
        for header in ["", " ", ",", " ,\t, "] { #expect(read(header) == Baggage()) }
        #expect(Baggage(headers: []).header == nil)
        #expect(Baggage().header == nil)
    }

    @Test func `of two members with one key the later counts, at the former's place`() {
        #expect(read("a=1,b=2", "a=3").header == "a=3,b=2")
    }

    @Test func `64 members are carried and no more`() {
        let members = (0..<65).map { "k\($0)=v" }
        #expect(read(members.prefix(64).joined(separator: ",")).header == members.prefix(64).joined(separator: ","))
        #expect(read(members.joined(separator: ",")).members.count == 64)
        var own = Baggage()
        own["not a token"] = "x"
        for index in 0..<65 { own["k\(index)"] = "v" }
        #expect(own.header == members.prefix(64).joined(separator: ","))
    }

    @Test func `8192 bytes are carried and no more, whole members being dropped`() {
        let full = "a=" + String(repeating: "x", count: 8190)
        #expect(read(full).header == full)
        #expect(read(full + "x").header == nil)
        #expect(read(full + "x,b=2").header == "b=2")
        #expect(read("b=2,\(full),c=3").header == "b=2,c=3")
        let two = "a=" + String(repeating: "x", count: 4093) + ",b=" + String(repeating: "y", count: 4094)
        #expect(two.utf8.count == 8192)
        #expect(read(two).header == two)
        #expect(read(two + "y").members.map(\.key) == ["a"])
    }

    @Test func `own members that grow when encoded are dropped whole`() {
        var baggage = Baggage()
        baggage["big"] = String(repeating: "é", count: 2000)
        baggage["small"] = "1"
        #expect(baggage.header == "small=1")
    }

    @Test func `members can be set, replaced and removed`() {
        var baggage = read("a=1;p")
        baggage.set(Baggage.Member(key: "b", value: "2", properties: "ttl=30"))
        #expect(baggage.header == "a=1;p,b=2;ttl=30")
        baggage["a"] = "9"
        #expect(baggage.header == "a=9,b=2;ttl=30")
        baggage["a"] = nil
        baggage["absent"] = nil
        #expect(baggage.header == "b=2;ttl=30")
    }

    @Test(arguments: ["p,evil=1", "p\r\nX-Evil: 1", "é"])
    func `properties cannot break out of their member`(properties: String) {
        var baggage = Baggage()
        baggage.set(Baggage.Member(key: "a", value: "1", properties: properties))
        #expect(baggage.header == "a=1")
    }

    @Test(arguments: ["", "a b", "a,b", "a=b", "a\r\nb", "é"])
    func `a key that is no token is not sent`(key: String) {
        var baggage = Baggage()
        baggage[key] = "1"
        #expect(baggage[key] == "1")
        #expect(baggage.header == nil)
    }
}
