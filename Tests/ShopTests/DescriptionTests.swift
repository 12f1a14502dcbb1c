import Assets
import Foundation
import HTTPClient
import HTTPTypes
import Logging
import ServiceKit
import ServiceTracing
import ShopAPI
import Testing

@testable import Shop

/// The descriptions of `fixtures/openapi` against the routes there are, and against each other.
@Suite(.timeLimit(.minutes(15)))
struct DescriptionTests {
    @Test("Every route is described, and nothing is described that is no route", arguments: ServiceName.allCases)
    func complete(service: ServiceName) throws {
        let directory = FileManager.default.temporaryDirectory.path + "/popshop-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var settings = try Settings(environment: [:])
        settings.dataDirectory = directory
        let shop = try Shop(
            settings: settings,
            options: ShopOptions(services: []),
            directory: DataDirectory(path: directory),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let router = try ServiceBuilder(shop).router(of: service, Readiness(1)).router
        var routes: Set<String> = []
        for (path, methods) in router.endpoints where !isPage(path, of: service) {
            // HEAD goes with every GET.
            for method in methods where method != .head { routes.insert("\(method.rawValue) \(path)") }
        }
        let described = try Description(service).operations.map { "\($0.method) \($0.path)" }
        #expect(routes.symmetricDifference(described).sorted() == [])
    }

    @Test(
        "Every reference points to something, every {name} of a path has its parameter",
        arguments: ServiceName.allCases
    )
    func coherent(service: ServiceName) throws {
        let description = try Description(service)
        #expect(description.document.openapi == "3.1.0")
        for reference in description.references {
            let steps = reference.split(separator: "/").dropFirst().map(String.init)
            #expect(steps.count == 3 && description.document.components[steps[1]]?[steps[2]] != nil, "\(reference)")
        }
        for component in description.document.components["schemas"] ?? [:] {
            #expect(description.references.contains("#/components/schemas/\(component.key)"), "nobody uses it")
        }
        let ids = description.operations.map(\.operation.operationId)
        #expect(Set(ids).count == ids.count)
        for (_, path, operation) in description.operations {
            let names = path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
                String($0.dropFirst().dropLast())
            }
            let parameters = (operation.parameters ?? []).filter { $0.in == "path" }
            #expect(parameters.map(\.name).sorted() == names.sorted(), "\(path)")
            #expect(operation.responses.keys.contains { $0.hasPrefix("2") }, "\(path)")
        }
    }

    @Test("One thing is described alike wherever it is")
    func alike() throws {
        var seen: [String: JSONValue] = [:]
        for service in ServiceName.allCases {
            for (kind, components) in try Description(service).document.components {
                for (name, component) in components {
                    let before = seen.updateValue(component, forKey: "\(kind)/\(name)")
                    #expect(before == nil || before == component, "\(name) in \(service.rawValue)")
                }
            }
        }
    }

    @Test("Each service hands out its description", arguments: [ServiceName.cart, .console])
    func served(service: ServiceName) async throws {
        try await EdgeShop.run { shop in
            let answer = try await shop.get(service, "/openapi.json")
            #expect(answer.status == .ok && answer.headers[.contentType] == "application/json")
            #expect(answer.body == Asset.at("fixtures/openapi/\(service.rawValue).json")?.bytes)
            // Reading it is no traffic.
            #expect(answer.headers[.traceresponse]?.hasSuffix("-00") == true)
        }
    }

    /// The console's pages are for people.
    private func isPage(_ path: String, of service: ServiceName) -> Bool {
        let observed = ["/health", "/health/live", "/stats", "/openapi.json"]
        return service == .console && !path.hasPrefix("/api/") && !observed.contains(path)
    }
}

/// A file of `fixtures/openapi`, as far as the tests look into it.
private struct Description {
    struct Document: Decodable {
        let openapi: String
        let paths: [String: [String: Operation]]
        let components: [String: [String: JSONValue]]
    }

    struct Operation: Decodable {
        let operationId: String
        let parameters: [Parameter]?
        let responses: [String: JSONValue]
    }

    struct Parameter: Decodable {
        let name: String
        let `in`: String
    }

    let document: Document
    /// What the document refers to: `#/components/…`.
    let references: Set<String>

    init(_ service: ServiceName) throws {
        let bytes = try #require(Asset.at("fixtures/openapi/\(service.rawValue).json")).bytes
        document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        var references: Set<String> = []
        Self.collect(try JSONDecoder().decode(JSONValue.self, from: Data(bytes)), &references)
        self.references = references
    }

    var operations: [(method: String, path: String, operation: Operation)] {
        document.paths.flatMap { path, operations in operations.map { ($0.key.uppercased(), path, $0.value) } }
    }

    private static func collect(_ value: JSONValue, _ references: inout Set<String>) {
        switch value {
        case .object(let fields):
            if case .string(let reference)? = fields["$ref"] { references.insert(reference) }
            for field in fields.values { collect(field, &references) }
        case .array(let elements): for element in elements { collect(element, &references) }
        default: break
        }
    }
}
