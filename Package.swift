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
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")

func library(_ name: String, at path: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(path)", swiftSettings: strict)
}

func service(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    let common: [Target.Dependency] = ["Commerce", "ShopAPI", "ServiceKit", hummingbird, httpTypes]
    return library("\(name)Service", at: "Services/\(name)", common + dependencies)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

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
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System: module maps and shims, no logic.
        .target(name: "CAssets", path: "Sources/System/CAssets"),
        library("Assets", at: "Assets", ["CAssets"]),
        // Clients: what speaks to the outside.
        .target(name: "CCurl", path: "Sources/System/CCurl", linkerSettings: [.linkedLibrary("curl")]),
        library("HTTPClient", at: "Clients/HTTPClient", ["CCurl", httpTypes]),
        library(
            "ConnectionPool",
            at: "Clients/ConnectionPool",
            [.product(name: "DequeModule", package: "swift-collections")]
        ),
        // Commerce: the shop's own words; values, no I/O.
        library("Commerce", at: "Commerce", []),
        library("Fixtures", at: "Fixtures", ["Assets", "Commerce"]),
        // Telemetry.
        library("ServiceTracing", at: "Telemetry/Tracing", [tracing, httpTypes, logging]),
        tests("ServiceTracingTests", ["ServiceTracing", httpTypes, tracing, logging]),
        library("ShopAPI", at: "ShopAPI", ["Commerce", "HTTPClient", "ServiceTracing", httpTypes, tracing]),
        // Storage: protocols, and one target an engine.
        library(
            "Storage",
            at: "Storage/Storage",
            ["Commerce", .product(name: "HeapModule", package: "swift-collections")]
        ),
        library(
            "SQLiteStorage",
            at: "Storage/SQLite",
            ["Storage", "Commerce", "ConnectionPool", "ServiceTracing", "Assets", "Fixtures", tracing, grdb]
        ),
        // Services.
        library(
            "ServiceKit",
            at: "Services/ServiceKit",
            [
                "Commerce", "ShopAPI", "Storage", "ServiceTracing", hummingbird, httpTypes, logging, tracing, lifecycle,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ]
        ),
        service("Catalog", ["Storage"]),
        service("Cart", ["Storage"]),
        service("Checkout", ["Storage", "Fixtures", "ServiceTracing", logging, tracing]),
        service("Recommendation", []),
        service("Currency", []),
        service("Shipping", []),
        service("Ad", []),
        service(
            "LoadGenerator",
            ["Assets", "Fixtures", "HTTPClient", "ServiceTracing", "Storage", lifecycle, tracing]
        ),
        .target(
            name: "TraceShape",
            dependencies: ["Assets", "Fixtures", "ServiceTracing", tracing],
            path: "Tests/TraceShape",
            swiftSettings: strict
        ),
        tests(
            "LoadGeneratorTests",
            [
                "LoadGeneratorService", "TraceShape", "Commerce", "Fixtures", "HTTPClient", "ServiceKit",
                "ServiceTracing", "ShopAPI",
                "Storage", hummingbird, httpTypes, lifecycle, logging, tracing,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]
        ),
    ],
    cLanguageStandard: .c2x
)
