import Assets
import Commerce
import Configuration
import Faults
import FoundationEssentials
import LoadGeneratorService
import RedisClient
import Shop
import SystemPackage

@testable import RedisStorage

extension FuzzTarget {
    private static let book = Result { try JourneyBook.fixture() }

    /// What is read from files, from the environment, and from rows that another version may have written.
    static let files: [FuzzTarget] = [
        FuzzTarget(
            name: "scenarios",
            seeds: [Asset.at("fixtures/scenarios/blackfriday.json")?.text ?? "{}", scenario],
            tokens: ["{", "}", "[", "]", "\"", ",", "\"phases\":", "\"minutes\":", "1e308", "-1", "0", "null", "\n"]
        ) { input in
            let book = try book.get()
            guard let scenario = try? Scenario(json: input, book: book) else { return }
            for (minutes, rate) in [(nil, nil), (0.1, 1), (1440, 60_000)] as [(Double?, Int?)] {
                let timeline = ScenarioTimeline(scenario, minutes: minutes, peakRPM: rate)
                try check(timeline.duration > .zero && timeline.duration <= .seconds(86_400), "\(timeline.duration)")
            }
        },
        FuzzTarget(
            name: "setting-rows",
            seeds: [
                #"{"name":"slow-queries","option":"sleep","service":"checkout","setBy":"presenter","strength":700}"#,
                #"{"name":"ad-cpu","service":"ad","set_by":"scenario","until":1700000000000}"#,
            ],
            tokens: ["{", "}", "\"", ":", "null", "-1", "1e99", "\"until\":", "\"strength\":"]
        ) { input in
            let state = DemoState(rows: ["demo_mode": text(input), "demo_fault/slow-queries/checkout": text(input)])
            for setting in state.faults.all {
                let rows = try DemoState.rows([setting]).compactMapValues { $0 }
                try check(DemoState(rows: rows).faults.all == [setting], "it is written as something else")
            }
        },
        FuzzTarget(
            name: "cart-rows",
            seeds: ["1\n0 2 129999 USD Laptop Pro\nat\n1700000000000\nnext\n1", "x\ny"],
            tokens: ["\n", " ", "USD", "at", "next", "-9223372036854775808", "0"]
        ) { input in
            let fields = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let hash = RedisReply.array(fields.map { .string(Array($0)) })
            guard let cart = try? Cart(CartID(rawValue: "c"), hash: hash, now: 0) else { return }
            // A total that is more than money can be is an error, and no trap.
            _ = try? cart.total()
        },
        FuzzTarget(
            name: "environment",
            seeds: [
                "CX_TOKEN=abc\nCX_ENDPOINT=http://127.0.0.1:1\n# a comment\nDB_MAX_CONNECTIONS=5",
                "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=%20\nOTEL_TRACES_SAMPLER=traceidratio\nOTEL_TRACES_SAMPLER_ARG=0.5",
                "POSTGRES_HOST=/run\nPOSTGRES_PASSWORD='p w'\nOTEL_RESOURCE_ATTRIBUTES=a=b,c=d",
                "REDIS_URL=redis://:p@h/1\nTELEMETRY_BUFFER_MAX_BYTES=1048576\nDEMO_MODE=blackfriday",
            ],
            tokens: [
                "\n", "=", "\"", "'", "#", "CX_TOKEN", "REDIS_URL", "POSTGRES_HOST", "\r\n", "\\", "$", " ", "\u{0}",
            ]
        ) { input in
            var variables: [String: String] = [:]
            for line in text(input).split(separator: "\n") {
                let parts = line.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            }
            // A mistake is a sentence, which does not repeat what may be secret.
            do {
                _ = try Settings(environment: variables)
            } catch let refusal as Refusal {
                let secrets = ["CX_TOKEN", "REDIS_URL", "POSTGRES_PASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"]
                for name in secrets {
                    guard let value = variables[name], value.utf8.count > 12 else { continue }
                    // Whoever has given it for a mode, too, has not kept it.
                    guard !variables.contains(where: { $0.key != name && $0.value.contains(value) }) else { continue }
                    try check(!refusal.sentence.contains(value), "\(name) is in \(refusal.sentence)")
                }
            }
        },
    ]

    private static let scenario = """
        {"name": "small", "title": "Small", "description": "As small as they come.", "phases": [
          {"name": "only", "minutes": 1, "rpm": [1, 2], "talking_point": "It is short.", "faults": [
            {"fault": "ad-cpu", "strength": 5}]}]}
        """
}
