// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is compiled with these, so that a warning or an implicit `any` never lands.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, at path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: strict)
}

func service(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    let common: [Target.Dependency] = ["Commerce", "Faults", "ShopAPI", "ServiceKit", hummingbird, httpTypes]
    return library("\(name)Service", at: "Services/\(name)", common + dependencies)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

// Every parser of what others write: as tests, or, where POPSHOP_FUZZER is set, as a program for libFuzzer. It is the same
// folder twice, since a program could not look into the modules in a release build, as tests may.
let parsers: Target = {
    let dependencies: [Target.Dependency] = [
        "Assets", "Commerce", "Faults", "Gzip", "HTTPClient", "LoadGeneratorService", "OTLP", "PostgresClient",
        "RedisClient", "RedisStorage", "ServiceKit", "ServiceTracing", "Shop", "ShopAPI", "Sync",
        "TelemetryBuffer", httpTypes,
    ]
    let path = "Tests/FuzzTests"
    guard Context.environment["POPSHOP_FUZZER"] != nil else {
        return .testTarget(
            name: "FuzzTests",
            dependencies: dependencies,
            path: path,
            exclude: ["Corpus", "Fuzzer"],
            swiftSettings: strict
        )
    }
    return .executableTarget(
        name: "fuzz",
        dependencies: dependencies,
        path: path,
        exclude: ["Corpus", "FuzzTests.swift", "Mutator.swift"],
        swiftSettings: strict
    )
}()

let package = Package(
    name: "popshop",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System: module maps and shims, no logic.
        .target(name: "CAssets", path: "Sources/System/CAssets"),
        library("Assets", at: "Assets", ["CAssets"]),
        .systemLibrary(
            name: "CLibPQ",
            path: "Sources/System/CLibPQ",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]
        ),
        .systemLibrary(name: "CHiredis", path: "Sources/System/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/System/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CRoutes", path: "Sources/System/CRoutes"),
        library("BackgroundExecutor", at: "System/BackgroundExecutor", []),
        library("QueueExecutor", at: "System/QueueExecutor", []),
        .systemLibrary(name: "CEpoll", path: "Sources/System/CEpoll"),
        library("Readiness", at: "System/Readiness", ["CEpoll"]),
        tests("ReadinessTests", ["Readiness"]),
        library("FileIdentity", at: "System/FileIdentity", []),
        library("Gzip", at: "System/Gzip", ["CZlib"]),
        tests("AssetsTests", ["Assets"]),
        // Clients: what speaks to the outside.
        .target(name: "CCurl", path: "Sources/System/CCurl", linkerSettings: [.linkedLibrary("curl")]),
        library("HTTPClient", at: "Clients/HTTPClient", ["BackgroundExecutor", "CCurl", httpTypes]),
        tests("HTTPClientTests", ["HTTPClient", httpTypes]),
        library(
            "ConnectionPool",
            at: "Clients/ConnectionPool",
            [.product(name: "DequeModule", package: "swift-collections")]
        ),
        tests("ConnectionPoolTests", ["ConnectionPool"]),
        library("PostgresClient", at: "Clients/PostgresClient", ["CLibPQ", "ConnectionPool", "Readiness"]),
        tests(
            "PostgresClientTests",
            ["PostgresClient", "ConnectionPool", "PostgresTestSupport", "UpstreamStorage", "Commerce", "Fixtures"]
        ),
        library("RedisClient", at: "Clients/RedisClient", ["CHiredis", "ConnectionPool", "Readiness"]),
        .target(
            name: "PostgresTestSupport",
            dependencies: ["PostgresClient"],
            path: "Tests/PostgresTestSupport",
            swiftSettings: strict
        ),
        // Commerce: the shop's own words; values, no I/O.
        library("Commerce", at: "Commerce", []),
        library("Fixtures", at: "Fixtures", ["Assets", "Commerce"]),
        tests("CommerceTests", ["Commerce", "Fixtures"]),
        library("Faults", at: "Faults", ["Assets", "Commerce"]),
        tests("FaultsTests", ["Commerce", "Faults"]),
        // Telemetry.
        library("ServiceTracing", at: "Telemetry/Tracing", [tracing, httpTypes, logging]),
        tests("ServiceTracingTests", ["ServiceTracing", httpTypes, tracing, logging]),
        .target(
            name: "OTLP",
            dependencies: ["ServiceTracing", protobuf, tracing],
            path: "Sources/Telemetry/OTLP",
            exclude: ["Generated/README.md"],
            swiftSettings: strict
        ),
        tests("OTLPTests", ["OTLP", "ServiceTracing", protobuf, tracing]),
        library(
            "TelemetryBuffer",
            at: "Telemetry/Buffer",
            [
                "Assets", "BackgroundExecutor", "FileIdentity", "OTLP", "QueueExecutor", "ServiceTracing", grdb, sqlite,
                lifecycle, logging, tracing,
            ]
        ),
        tests(
            "TelemetryBufferTests",
            ["ChildProcess", "TelemetryBuffer", "OTLP", "ServiceTracing", grdb, lifecycle, logging, tracing]
        ),
        library("ShopAPI", at: "ShopAPI", ["Commerce", "HTTPClient", "ServiceTracing", httpTypes, tracing]),
        tests("ShopAPITests", ["Commerce", "ShopAPI"]),
        // Storage: protocols, and one target an engine.
        library(
            "Storage",
            at: "Storage/Storage",
            ["Commerce", "Faults", .product(name: "HeapModule", package: "swift-collections")]
        ),
        library(
            "SQLiteStorage",
            at: "Storage/SQLite",
            [
                "Storage", "Commerce", "ConnectionPool", "Faults", "FileIdentity", "ServiceTracing", "Assets",
                "Fixtures", tracing, grdb,
            ]
        ),
        library(
            "UpstreamStorage",
            at: "Storage/Upstream",
            ["PostgresClient", "Storage", "Commerce", "Assets", "Fixtures", "ServiceTracing", tracing]
        ),
        library(
            "RedisStorage",
            at: "Storage/Redis",
            [
                "RedisClient", "ConnectionPool", "Storage", "Commerce", "ServiceTracing", tracing, logging, lifecycle,
                .product(name: "DequeModule", package: "swift-collections"),
            ]
        ),
        library("StorageConformance", at: "Storage/Conformance", ["Storage", "Commerce", "Faults"]),
        tests(
            "RedisTests",
            [
                "RedisStorage", "RedisClient", "CTiedChild", "Commerce", "ConnectionPool", "ServiceTracing", "Storage",
                "StorageConformance", "TestSupport", lifecycle, logging, tracing,
            ]
        ),
        tests(
            "StorageTests",
            [
                "Storage", "StorageConformance", "SQLiteStorage", "TestSupport", "Commerce", "ConnectionPool",
                "Faults", "Fixtures",
                "ServiceTracing", tracing, grdb,
            ]
        ),
        library(
            "PostgresStorage",
            at: "Storage/Postgres",
            [
                "Commerce", "ConnectionPool", "Faults", "PostgresClient", "ServiceTracing", "Storage",
                "UpstreamStorage", tracing,
            ]
        ),
        tests(
            "PostgresStorageTests",
            [
                "Commerce", "ConnectionPool", "Faults", "PostgresClient", "PostgresStorage", "PostgresTestSupport",
                "ServiceTracing", "Storage", "StorageConformance", "TestSupport", "UpstreamStorage", tracing,
            ]
        ),
        tests(
            "UpstreamTests",
            [
                "UpstreamStorage", "Commerce", "ConnectionPool", "PostgresClient", "PostgresTestSupport",
                "SQLiteStorage", "ServiceTracing", "Storage", "Sync", "TestSupport", logging, tracing,
            ]
        ),
        // What every server of ours is bounded by.
        library(
            "HTTPServer",
            at: "HTTPServer",
            [
                hummingbird, nio, .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ]
        ),
        tests(
            "HTTPServerTests",
            [
                "HTTPServer", hummingbird, httpTypes, nio, .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
            ]
        ),
        // Services.
        library(
            "ServiceKit",
            at: "Services/ServiceKit",
            [
                "Assets", "Commerce", "Faults", "HTTPServer", "ShopAPI", "Storage", "ServiceTracing", hummingbird,
                httpTypes, logging, tracing, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ]
        ),
        service("Catalog", ["Storage", "ServiceTracing"]),
        service("Cart", ["Storage"]),
        service("Checkout", ["Storage", "Fixtures", "ServiceTracing", logging, tracing]),
        service("Recommendation", ["ServiceTracing"]),
        service("Currency", []),
        service("Shipping", ["ServiceTracing"]),
        service("Ad", ["ServiceTracing"]),
        service(
            "LoadGenerator",
            ["Assets", "Fixtures", "HTTPClient", "ServiceTracing", "Storage", lifecycle, tracing]
        ),
        // What a journey's trace must look like, for every test that sees one.
        .target(
            name: "TraceShape",
            dependencies: ["Assets", "Fixtures", "ServiceTracing", tracing],
            path: "Tests/TraceShape",
            swiftSettings: strict
        ),
        tests(
            "LoadGeneratorTests",
            [
                "LoadGeneratorService", "TraceShape", "Commerce", "Faults", "Fixtures", "HTTPClient", "ServiceKit",
                "ServiceTracing", "ShopAPI", "Storage", hummingbird, httpTypes, lifecycle, logging, tracing,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
        // The console: its messages, its JSON API, and the same things told in a terminal.
        library(
            "ConsoleAPI",
            at: "ConsoleAPI",
            ["Commerce", "OTLP", "ServiceTracing", "ShopAPI", "Storage", "TelemetryBuffer", tracing]
        ),
        library(
            "OTLPReceiver",
            at: "Telemetry/Receiver",
            ["Gzip", "HTTPServer", "OTLP", "TelemetryBuffer", hummingbird, httpTypes, lifecycle, logging, nio]
        ),
        tests(
            "ReceiverTests",
            [
                "Gzip", "HTTPClient", "OTLP", "OTLPReceiver", "ServiceTracing", "TelemetryBuffer", "TestSupport",
                httpTypes, lifecycle, logging, protobuf, tracing,
            ]
        ),
        // Sync: what waits, on its way upstream.
        library(
            "Sync",
            at: "Sync",
            [
                "BackgroundExecutor", "CRoutes", "Commerce", "ConsoleAPI", "Gzip", "HTTPClient", "OTLP",
                "ServiceTracing", "Storage", "TelemetryBuffer", httpTypes, lifecycle, logging, tracing,
            ]
        ),
        tests(
            "SyncTests",
            [
                "Sync", "CZlib", "ChildProcess", "Commerce", "ConsoleAPI", "HTTPClient", "OTLP", "ServiceTracing",
                "Storage",
                "TelemetryBuffer", "TestSupport",
                grdb, httpTypes, lifecycle, logging, protobuf, tracing,
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]
        ),
        // Worlds in which everything fails that can: by seeds, in `SimulationTests` and, many, by the program.
        .target(name: "CFaultyDisk", path: "Tests/CFaultyDisk"),
        .target(
            name: "Simulation",
            dependencies: [
                "CFaultyDisk", "Commerce", "ConnectionPool", "ConsoleAPI", "Gzip", "HTTPClient", "OTLP",
                "SQLiteStorage",
                "ServiceTracing", "Storage", "Sync", "TelemetryBuffer", "UpstreamStorage", httpTypes, logging, sqlite,
                tracing,
            ],
            path: "Tests/Simulation",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["Simulation"],
            path: "Tests/SimulationRunner",
            swiftSettings: strict
        ),
        tests("SimulationTests", ["Simulation", "ServiceTracing", "TelemetryBuffer", logging, tracing]),
        .target(
            name: "Console",
            dependencies: [
                "Assets", "Commerce", "ConsoleAPI", "Faults", "Gzip", "HTTPClient", "OTLP", "ServiceKit", "ShopAPI",
                "ServiceTracing", "SQLiteStorage", "Storage", "TelemetryBuffer", hummingbird, httpTypes, lifecycle, nio,
            ],
            path: "Sources/Console",
            exclude: ["Web"],
            swiftSettings: strict
        ),
        tests(
            "ConsoleTests",
            [
                "Assets", "Console", "ConsoleAPI", "Commerce", "Faults", "Gzip", "HTTPClient", "OTLP", "ServiceKit",
                "ServiceTracing", "ShopAPI", "SQLiteStorage", "Storage", "TelemetryBuffer", "TestSupport", httpTypes,
                lifecycle, logging, tracing,
            ]
        ),
        library(
            "Terminal",
            at: "Terminal",
            ["Commerce", "ConsoleAPI", "OTLP", "ServiceTracing", "ShopAPI", "Storage", "TelemetryBuffer"]
        ),
        tests(
            "TerminalTests",
            ["Terminal", "ConsoleAPI", "OTLP", "ServiceTracing", "ShopAPI", "Storage", "TelemetryBuffer", tracing]
        ),
        library("Doctor", at: "Doctor", ["HTTPClient", "ServiceTracing", "Storage", "Sync", httpTypes]),
        .target(name: "ChildProcess", dependencies: ["CTiedChild"], path: "Tests/ChildProcess", swiftSettings: strict),
        .target(
            name: "TestSupport",
            dependencies: [
                "AdService", "CartService", "CatalogService", "CheckoutService", "Commerce", "ConnectionPool",
                "CurrencyService", "Faults", "Fixtures", "HTTPClient", "RecommendationService", "SQLiteStorage",
                "ServiceKit", "ServiceTracing", "ShippingService", "ShopAPI", "Storage", "StorageConformance",
                httpTypes, lifecycle, logging, tracing,
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        // The test service of the W3C's trace-context suite: made of the shop's own parts, and not shipped.
        .target(
            name: "TraceContextHarness",
            dependencies: ["HTTPClient", "ServiceKit", "ServiceTracing", "ShopAPI", hummingbird, httpTypes],
            path: "Tests/TraceContextHarness/Harness",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "trace-context-harness",
            dependencies: [
                "HTTPClient", "ServiceKit", "ServiceTracing", "TraceContextHarness", argumentParser, lifecycle, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            path: "Tests/TraceContextHarness/Command",
            swiftSettings: strict
        ),
        tests(
            "TraceContextHarnessTests",
            [
                "HTTPClient", "ServiceKit", "ServiceTracing", "ShopAPI", "TestSupport", "TraceContextHarness",
                httpTypes, hummingbird, tracing,
            ]
        ),
        tests(
            "ServiceTests",
            [
                "TestSupport", "AdService", "CheckoutService", "Commerce", "Faults", "HTTPClient",
                "RecommendationService",
                "SQLiteStorage", "ServiceKit", "ServiceTracing", "ShopAPI", "Storage", "StorageConformance",
                "ConnectionPool", httpTypes, hummingbird, lifecycle, logging, tracing,
            ]
        ),
        // The wiring, and the command.
        library(
            "Shop",
            at: "Shop",
            [
                "AdService", "CartService", "CatalogService", "CheckoutService", "Commerce", "ConnectionPool",
                "Console", "ConsoleAPI", "HTTPServer",
                "CurrencyService", "Faults", "Fixtures", "LoadGeneratorService", "HTTPClient", "RecommendationService",
                "OTLPReceiver", "PostgresClient", "PostgresStorage", "RedisClient", "RedisStorage", "SQLiteStorage",
                "ServiceKit",
                "ServiceTracing", "ShippingService", "ShopAPI", "Storage", "Sync", "TelemetryBuffer", "UpstreamStorage",
                lifecycle,
                logging,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        // The benchmark: what it measures is the popshop beside it in the build directory, and the tracer itself.
        .target(name: "CTiedChild", path: "Sources/System/CTiedChild"),
        .executableTarget(
            name: "popshop-bench",
            dependencies: [
                "BackgroundExecutor", "CHiredis", "CLibPQ", "CTiedChild", "CZlib", "Commerce", "ConsoleAPI",
                "HTTPClient", "OTLP", "PostgresClient", "RedisClient", "ServiceTracing",
                "ShopAPI", "Storage", "TelemetryBuffer", argumentParser, httpTypes, hummingbird, logging, nio, sqlite,
                tracing,
            ],
            path: "Sources/popshop-bench",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "popshop",
            dependencies: [
                "Commerce", "Console", "ConsoleAPI", "Doctor", "HTTPClient", "LoadGeneratorService", "OTLP",
                "PostgresClient", "SQLiteStorage", "ServiceKit", "ServiceTracing", "Shop", "ShopAPI", "Storage",
                "TelemetryBuffer", "Terminal",
                "UpstreamStorage", logging,
                httpTypes,
                argumentParser,
            ],
            path: "Sources/popshop",
            swiftSettings: strict
        ),
        tests(
            "ShopTests",
            [
                "Assets", "Commerce", "Faults", "ServiceKit", "Shop", "Sync", "ShopAPI", "HTTPClient", "ServiceTracing",
                "TelemetryBuffer", "OTLP",
                "TraceShape",
                httpTypes,
                logging,
                tracing,
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]
        ),
        parsers,
        tests(
            "CrashTests",
            [
                "popshop", "ChildProcess", "Shop", "ShopAPI", "HTTPClient", "SQLiteStorage", "Storage", "TestSupport",
                httpTypes, grdb,
            ]
        ),
    ],
    cLanguageStandard: .c2x
)
