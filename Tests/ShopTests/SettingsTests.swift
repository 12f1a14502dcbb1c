import HTTPTypes
import ServiceTracing
import Testing

@testable import Shop
@testable import Sync

@Suite struct SettingsTests {
    @Test(arguments: [
        ("POPSHOP_STORAGE", "oracle"), ("POPSHOP_CARTS", "disk"), ("DB_MAX_CONNECTIONS", "0"),
        ("DB_MAX_CONNECTIONS", "many"), ("TELEMETRY_BUFFER_MAX_BYTES", "-1"), ("DEMO_MODE", "loud"),
        ("LOG_LEVEL", "shouting"), ("OTEL_TRACES_SAMPLER", "sometimes"), ("CART_URL", "localhost:8013"),
        ("REDIS_URL", "rediss://localhost"), ("SYNC_SPAN_MAX_AGE", "a day"), ("OTEL_EXPORTER_OTLP_HEADERS", "no-value"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=%zz"),
    ])
    func `a bad value is a usage error that names its variable`(name: String, value: String) {
        let refusal = #expect(throws: Refusal.self) { _ = try Settings(environment: [name: value]) }
        #expect(refusal?.code == .usage)
        #expect(refusal?.sentence.contains(name) == true)
    }

    @Test(arguments: [
        "export CX_TOKEN=abcdefgh", "SYNC_DATABASE_URL='postgresql://h/d'", "SYNC_DATABASE_URL=\"postgresql://h/d\"",
        "SYNC_DATABASE_URL=postgresql://h/d   # orders", "CX_TOKEN_FILE=~/key",
        "  export\tOTEL_TRACES_SAMPLER = always_on",
    ])
    func `a line of a file that only a shell would understand is told by its number`(line: String) {
        #expect(EnvironmentFile.lineForAShell(in: "# PopShop\n\n\(line)\n") == 3)
    }

    @Test(arguments: [
        "", "# export CX_TOKEN=abc", "POSTGRES_PASSWORD=it's#1\"", "OTEL_RESOURCE_ATTRIBUTES=a=b,c=d", "CX_TOKEN=",
        "export NODE_ENV=\"another program's\"", "no equals sign", "POSTGRES_PASSWORD='",
        "DB_NAME=\"another program's\"", "OTEL_SERVICE_NAME='theirs'", "POSTGRES_PASSWORD=ab #1",
    ])
    func `any other line is left to be read`(line: String) {
        #expect(EnvironmentFile.lineForAShell(in: "LOG_LEVEL=debug\n\(line)") == nil)
    }

    @Test func `an empty environment gives the contract's defaults`() throws {
        let settings = try Settings(environment: [:])
        #expect(settings.dataDirectory == "./popshop-data")
        #expect(settings.maximumConnections == 20)
        #expect(settings.bufferMaxBytes == 1 << 30)
        #expect(settings.applicationName == "reinvent-ecommerce-demo")
        #expect(settings.ingressURL == "https://ingress.eu2.coralogix.com:443/v1/traces")
        #expect(!settings.hasSpanUpstream)
    }

    @Test func `a refused URL is not repeated, since it may have a password in it`() {
        let refusal = #expect(throws: Refusal.self) {
            _ = try Settings(environment: ["CART_URL": "ftp://user:hunter2@cart"])
        }
        #expect(refusal?.sentence.contains("hunter2") == false)
    }

    @Test(arguments: [
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"], "http://c:4318/v1/traces"),
        (["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/x/"], "http://c:4318/x/v1/traces"),
        (["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"], "http://t"),
        (["CX_ENDPOINT": "https://ingress.us1.coralogix.com"], "https://ingress.us1.coralogix.com/v1/traces"),
    ])
    func `an OTLP endpoint wins over Coralogix's, by the exporter's rules`(
        environment: [String: String],
        url: String
    ) throws {
        #expect(try Settings(environment: environment).ingressURL == url)
    }

    @Test func `a trace's page is its team's, from its start until now; without a team there is none`() throws {
        let id = try #require(TraceID("0123456789abcdef0123456789abcdef"))
        let times: ClosedRange<UInt64> = 1_795_377_791_123_456_789...1_795_377_800_000_000_000
        let team = "https://acme.app.eu2.coralogix.com"
        let settings = try Settings(environment: ["CX_TOKEN": "cx-secret", "CX_TEAM_URL": team + "/"])
        let page = "\(team)/#/explore?dataset=spans&queryType=lucene&query=traceID:%22\(id)%22"
        #expect(
            settings.upstreamPage(ofTrace: id, startedIn: times) == page + "&from=1795377731123&to=1795377860000"
        )
        for environment in [["CX_TOKEN": "cx-secret"], ["CX_TEAM_URL": team]] {
            #expect(try Settings(environment: environment).upstreamPage(ofTrace: id, startedIn: times) == nil)
        }
    }

    @Test func `an OTLP endpoint gets its own headers, and Coralogix's key goes nowhere else`() throws {
        let upstream = try #require(
            try Settings(environment: [
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "CX_TOKEN": "cx-secret",
                "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc%3D, x-tenant = one",
            ]).spanUpstream
        )
        let fields = try upstream.fields()
        #expect(fields[.authorization] == "Bearer abc=")
        #expect(fields.contains { $0.name.rawName == "x-tenant" && $0.value == "one" })
        let coralogix = try #require(try Settings(environment: ["CX_TOKEN": "cx-secret"]).spanUpstream)
        #expect(try coralogix.fields()[.authorization] == "Bearer cx-secret")
        #expect(try Settings(environment: [:]).spanUpstream == nil)
    }

    @Test func `the age window is the environment's, or the lane's own`() throws {
        #expect(try Settings(environment: [:]).spanMaxAge == nil)
        #expect(try Settings(environment: ["SYNC_SPAN_MAX_AGE": "3600"]).spanMaxAge == .seconds(3_600))
    }
}
