public import HTTPClient
import PostgresClient
import RedisClient
import ServiceTracing
public import Storage
public import Sync
import UpstreamStorage

/// What `popshop doctor` tries out.
extension Settings {
    /// Connects to the Postgres that orders are pushed to and sees whether they can be: address, password, version and
    /// schema. Writes nothing.
    ///
    /// - Returns: Nil when they can be.
    /// - Throws: `Refusal` for a URL that is none.
    public func tryOrderUpstream() async throws(Refusal) -> OrderUpstreamError? {
        guard let configuration = try orderUpstreamConfiguration() else { return nil }
        let tracer = ServiceTracer(resource: Identity(self).resource("sync"), processor: NoSpans(), sampler: sampler)
        let upstream = PostgresOrderUpstream(configuration, tracer: tracer)
        var problem: OrderUpstreamError?
        do {
            try await upstream.connect()
        } catch {
            problem = error as? OrderUpstreamError ?? OrderUpstreamError(.time(offline: true), "It was interrupted.")
        }
        await upstream.disconnect()
        return problem
    }

    /// Connects to the Postgres that is the shop's own storage and looks at its schema. Writes nothing.
    ///
    /// - Returns: What stands in the way; nil for nothing.
    public func tryDatabase() async -> String? {
        do {
            let connection = try await PostgresConnection.connect(try databaseConfiguration())
            let advice = try await UpstreamMigrator.schemaVersion(connection, .shop).advice(.shop)
            await connection.close()
            return advice
        } catch {
            return (error as? Refusal)?.sentence ?? (error as? PostgresError)?.message ?? "It cannot be used."
        }
    }

    /// Asks the Redis that is named for an answer.
    ///
    /// - Returns: What stands in the way; nil for nothing.
    public func tryRedis() async -> String? {
        guard let redisURL else { return nil }
        do {
            let pool = RedisPool(RedisConfiguration(url: redisURL), size: 1)
            _ = try await pool.execute(RedisCommand("PING", []))
            return nil
        } catch {
            return (error as? RedisError)?.message ?? "It cannot be used."
        }
    }

    /// Sends one span of `sync` to where spans go; nil when they go nowhere.
    public func probeIngress(by transport: any HTTPTransport) async -> IngressProbe? {
        guard let spanUpstream else { return nil }
        return await IngressProbe.send(
            to: spanUpstream,
            transport: transport,
            resource: Identity(self).resource("sync")
        )
    }
}

private struct NoSpans: SpanProcessor {
    func onEnd(_ span: SpanData) {}
}
