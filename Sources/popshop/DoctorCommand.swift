import ArgumentParser
import Commerce
import Doctor
import HTTPClient
import SQLiteStorage
import ServiceKit
import Shop
import ShopAPI
import Storage

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check, a minute before the show, that it can go on: exits 0 only then."
    )

    @OptionGroup var listen: ListenOptions

    @Flag(help: "Send one span, past the buffer, and print its trace id: proves the endpoint and the key.")
    var ingress = false

    func run() async throws {
        let settings = try await listen.settings()
        var findings = ports(settings)
        findings += LocalChecks.dataDirectory(settings.dataDirectory, budget: settings.bufferMaxBytes)
        findings.append(await Self.database(settings))
        findings.append(LocalChecks.clock())
        findings.append(LocalChecks.key(try settings.coralogixKey(), isNeeded: !settings.hasOTLPEndpoint))
        findings += try await upstreams(settings)
        for finding in findings { Output.line(finding.line) }
        let bad = findings.count { $0.verdict == .bad }
        guard bad == 0 else {
            Output.line("\nThe show cannot go on: \(bad) of \(findings.count) checks failed.")
            throw ExitCode(1)
        }
        Output.line("\nThe show can go on.")
    }

    private func ports(_ settings: Settings) -> [Finding] {
        let options = ShopOptions(host: listen.host, portOffset: listen.portOffset)
        if let owner = DataDirectory.owner(settings.dataDirectory) {
            return [Finding(.note, "ports", "A shop runs already on this data directory: process \(owner.pid).")]
        }
        let taken = ServiceName.allCases.compactMap { service -> Finding? in
            let address = options.address(of: service)
            guard let problem = Ports.problem(host: address.host, port: address.port) else { return nil }
            let place = "\(address.host):\(address.port)"
            return Finding(.bad, "ports", "\(service.rawValue) cannot have \(place): \(problem).")
        }
        return taken.isEmpty ? [Finding(.good, "ports", "All \(ServiceName.allCases.count) are free.")] : taken
    }

    private static func database(_ settings: Settings) async -> Finding {
        if settings.storage == .postgres {
            let problem = await settings.tryDatabase()
            return Finding(
                problem == nil ? .good : .bad,
                "database",
                problem ?? "Postgres answers, with this shop's schema."
            )
        }
        do {
            guard let shop = try ShopDatabase.outboxCounts(path: Shop.databasePath(settings.dataDirectory)) else {
                return Finding(.good, "database", "There is none yet; the shop makes it.")
            }
            return Finding(.good, "database", "It reads, with \(shop.counts.pending) orders waiting.")
        } catch {
            return Finding(.bad, "database", "The shop's database does not read (\(error.code.name)); move it away.")
        }
    }

    private func upstreams(_ settings: Settings) async throws -> [Finding] {
        var findings = [await orders(settings)]
        if settings.hasRedis { findings.append(UpstreamChecks.redis(await settings.tryRedis())) }
        let transport = try CurlClient()
        if settings.hasSpanUpstream {
            findings += await UpstreamChecks.ingress(settings.ingressURL, transport: transport)
        }
        if ingress {
            let nowhere = Finding(.bad, "test span", "There is nowhere to send it; set CX_TOKEN or an OTLP endpoint.")
            findings.append(await settings.probeIngress(by: transport).map(UpstreamChecks.span) ?? nowhere)
        }
        await transport.shutDown()
        return findings
    }

    private func orders(_ settings: Settings) async -> Finding {
        guard settings.hasOrderUpstream else {
            return Finding(.note, "orders upstream", "SYNC_DATABASE_URL is not set: orders stay here.")
        }
        do throws(Refusal) {
            return UpstreamChecks.orders(try await settings.tryOrderUpstream())
        } catch {
            return Finding(.bad, "orders upstream", error.sentence)
        }
    }
}
