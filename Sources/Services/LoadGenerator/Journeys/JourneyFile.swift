// The property names are the JSON names.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Fixtures
import FoundationEssentials
import HTTPTypes
import ShopAPI

/// `fixtures/journeys.json` as it is written.
struct JourneyFile: Decodable {
    struct Shoppers: Decodable {
        let first: Int
        let last: Int
    }

    struct Share: Decodable {
        let journey: String
        let weight: Int
    }

    struct Option: Decodable {
        let value: JSONValue
        let weight: Int
    }

    struct Step: Decodable {
        let service: String?
        let method: String?
        let path: String?
        let query: [String: String]?
        let body: JSONValue?
        let think_ms: Int?
        /// Only in a group: the choice that says how often.
        let `repeat`: String?
        let anew: [String]?
        let steps: [Step]?
    }

    struct Journey: Decodable {
        let name: String
        let steps: [Step]
    }

    let shoppers: Shoppers
    let mix: [Share]
    let choices: [String: [Option]]
    let journeys: [Journey]

    static let name = "journeys.json"

    /// - Throws: `FixtureError` that names the place.
    static func decode(_ bytes: [UInt8]) throws(FixtureError) -> JourneyFile {
        do {
            return try JSONDecoder().decode(JourneyFile.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw problem(error)
        } catch {
            throw FixtureError(file: name, problem: "\(error)")
        }
    }

    private static func problem(_ error: DecodingError) -> FixtureError {
        let (context, missing): (DecodingError.Context, String?) =
            switch error {
            case .keyNotFound(let key, let context): (context, key.stringValue)
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context, nil)
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), nil)
            }
        let place = context.codingPath.reduce(into: "") { place, key in
            if let index = key.intValue {
                place += "[\(index)]"
            } else {
                place += place.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        let what = missing.map { "\($0) is missing" } ?? context.debugDescription
        return FixtureError(file: name, problem: place.isEmpty ? what : "\(place): \(what)")
    }
}
